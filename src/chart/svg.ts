/**
 * The little that charts need to write SVG as text. Charts are pure functions to text: same input, same bytes, no ids that could clash where
 * several are put into one page.
 */

export type Attributes = Readonly<Record<string, string | number>>;

/** Colours of a chart. Blue and vermilion are told apart by people with any colour-blindness (Okabe and Ito, 2008), and differ in lightness. */
export interface Colours {
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly baseline: string;
  readonly current: string;
  readonly alarm: string;
  /** What the chart stands on: around words that lie on lines. */
  readonly surface: string;
}

/** For charts inlined in a page: the page sets the variables (for light and dark); where it does not, the light colours hold. */
export const pageColours: Colours = {
  text: 'var(--chart-text, #1f2933)',
  muted: 'var(--chart-muted, #5f6b7a)',
  grid: 'var(--chart-grid, #e3e7ec)',
  baseline: 'var(--chart-baseline, #0072b2)',
  current: 'var(--chart-current, #d55e00)',
  alarm: 'var(--chart-alarm, #b00020)',
  surface: 'var(--chart-surface, #ffffff)',
};

/** For pictures that stand on their own, on white: numbers, not variables. Limits and moments are told apart by dashes and words, never by colour alone. */
export const pictureColours: Colours = {
  text: '#1f2933',
  muted: '#52606d',
  grid: '#e3e7ec',
  baseline: '#0072b2',
  current: '#d55e00',
  alarm: '#1f2933',
  surface: '#ffffff',
};

/** One element; children are SVG text already. Attribute values are escaped; numbers are rounded to hundredths of a pixel. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? coordinate(value) : escaped(value)}"`,
  );
  return children.length === 0 ? `<${name}${list.join('')}/>` : `<${name}${list.join('')}>${children.join('')}</${name}>`;
}

/** A text element; the content is escaped. */
export function label(content: string, attributes: Attributes): string {
  return element('text', attributes, escaped(content));
}

/** Text for SVG and HTML, in elements and in quoted attributes. Control characters, which XML forbids, become a replacement character. */
export function escaped(content: string): string {
  return content
    .replace(/[\p{Cc}\p{Cs}]/gu, (character) => (character === '\n' || character === '\t' ? ' ' : '\ufffd'))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A coordinate as short text. */
export function coordinate(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Where and how large a chart is, and how it looks. */
export interface ChartOptions {
  readonly title: string;
  readonly width?: number;
  readonly height?: number;
  readonly colours?: Colours;
  /** Of most words, in pixels; margins go with it. */
  readonly fontSize?: number;
  /** Place inside a larger picture. */
  readonly at?: { readonly x: number; readonly y: number };
}

/** Of charts in a page. */
export const pageFontSize = 11;

/** The whole picture with its description for screen readers. */
export function picture(
  { width, height, at, fontSize = pageFontSize }: ChartOptions & { readonly width: number; readonly height: number },
  description: string,
  ...children: readonly string[]
): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      ...at,
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': description,
      'font-family': "'DejaVu Sans', Verdana, sans-serif",
      'font-size': fontSize,
    },
    ...children,
  );
}

/** At most `length` characters. */
export function shortened(content: string, length: number): string {
  const characters = [...content];
  return characters.length <= length ? content : `${characters.slice(0, length - 1).join('')}…`;
}

/** Roughly how wide a text is in DejaVu Sans, in pixels: a little more rather than less. */
export function textWidth(content: string, fontSize: number, isBold = false): number {
  let width = 0;
  for (const character of content) width += widthOf(character);
  return width * fontSize * (isBold ? 1.12 : 1);
}

/** In ems. Letters of scripts that are written in squares are as wide as high. */
function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x1100) return code >= 0x2000 && code < 0x2e80 ? 0.84 : 1;
  if (/[iljtfrI.,:;|!'()[\]\s]/.test(character)) return 0.4;
  if (/[mwMW@%]/.test(character)) return 0.98;
  return /\p{Lu}/u.test(character) ? 0.71 : 0.63;
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
