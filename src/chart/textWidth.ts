/** How much room words take, without a font at hand: charts are text, and whoever draws them has DejaVu Sans or something as wide. */

/** Widths of the characters from space to tilde, in hundredths of the font size: DejaVu Sans 2.37, table hmtx. */
const regular = widths(
  '32 40 46 84 64 95 78 27 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 53 100 68 69 70 77 63 58 77 75 29 29 66 56 86 75 79 60 79 69 63 61 73 68 99 69 61 69 39 34 39 84 50 50 61 63 55 63 62 35 63 63 28 28 58 28 97 63 61 63 63 41 52 39 63 59 82 59 59 52 64 34 64 84',
);
/** The same of DejaVu Sans Bold. */
const bold = widths(
  '35 46 52 84 70 100 87 31 46 46 52 84 38 42 38 37 70 70 70 70 70 70 70 70 70 70 40 40 84 84 84 58 100 77 76 73 83 68 68 82 84 37 37 77 64 100 84 85 73 85 77 72 68 81 77 110 77 72 73 46 37 46 84 50 50 67 72 59 72 68 44 72 71 34 34 67 34 104 71 69 72 72 49 60 48 71 65 92 65 65 58 71 37 71 84',
);
/** Of any other character: letters beyond ASCII are 61 to 80 on average, boxes for those that the font does not have 60. */
const otherWidth = 80;

function widths(list: string): Uint8Array {
  return Uint8Array.from(list.split(' '), Number);
}

/** Width of a text in pixels, exact for ASCII, rather more than less for others. */
export function textWidth(content: string, fontSize: number, isBold = false): number {
  const table = isBold ? bold : regular;
  let width = 0;
  for (const character of content) width += table[(character.codePointAt(0) ?? 0) - 32] ?? otherWidth;
  return (width * fontSize) / 100;
}

/** As much of a text as fits into a width. */
export function fitted(content: string, width: number, fontSize: number, isBold = false): string {
  if (textWidth(content, fontSize, isBold) <= width) return content;
  const characters = [...content];
  while (characters.length > 0 && textWidth(`${characters.join('')}…`, fontSize, isBold) > width) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

/** A text in at most `lines` lines of a width, broken at spaces. */
export function wrapped(content: string, width: number, fontSize: number, lines: number): readonly string[] {
  const broken: string[] = [];
  let line = '';
  const words = content.split(' ');
  for (const [index, word] of words.entries()) {
    if (line === '') line = word;
    else if (textWidth(`${line} ${word}`, fontSize) <= width) line += ` ${word}`;
    else if (broken.length === lines - 1) return [...broken, fitted([line, ...words.slice(index)].join(' '), width, fontSize)];
    else {
      broken.push(fitted(line, width, fontSize));
      line = word;
    }
  }
  return [...broken, fitted(line, width, fontSize)];
}
