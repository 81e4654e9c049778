/**
 * A PNG of at most 256 colours (PNG specification, third edition: colour type 3). A chart has few colours and the blends at the edges of its
 * words and lines; with a palette it is a third of the size of true colour, and looks the same.
 */
import { crc32, deflateSync } from 'node:zlib';

const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const paletteSize = 256;

/** @param pixels RGBA, row by row, opaque. The same pixels give the same bytes. */
export function indexedPng(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const { colours, indexOf } = paletteOf(pixels);
  const rows = new Uint8Array((width + 1) * height);
  let lastColour = -1;
  let lastIndex = 0;
  for (let y = 0, from = 0, to = 0; y < height; y += 1) {
    // Each row begins with its filter: none, which is best for indexes.
    to += 1;
    for (let x = 0; x < width; x += 1, from += 4, to += 1) {
      const colour = colourAt(pixels, from);
      if (colour !== lastColour) {
        lastColour = colour;
        lastIndex = indexOf.get(colour) ?? 0;
      }
      rows[to] = lastIndex;
    }
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  header.setUint8(9, 3);
  const palette = Uint8Array.from(colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([
    signature,
    chunk('IHDR', new Uint8Array(header.buffer)),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function colourAt(pixels: Uint8Array, at: number): number {
  return (pixels[at]! << 16) | (pixels[at + 1]! << 8) | pixels[at + 2]!;
}

/** The most frequent colours, and for every colour of the picture the nearest of those. */
function paletteOf(pixels: Uint8Array): { readonly colours: readonly number[]; readonly indexOf: ReadonlyMap<number, number> } {
  const counts = new Map<number, number>();
  for (let at = 0; at < pixels.length; ) {
    // Runs of one colour are most of a chart: one look-up each.
    const colour = colourAt(pixels, at);
    const from = at;
    do at += 4;
    while (at < pixels.length && colourAt(pixels, at) === colour);
    counts.set(colour, (counts.get(colour) ?? 0) + (at - from) / 4);
  }
  const ordered = [...counts].sort(([left, many], [right, more]) => more - many || left - right).map(([colour]) => colour);
  const colours = ordered.slice(0, paletteSize);
  const indexOf = new Map(colours.map((colour, index) => [colour, index]));
  for (const colour of ordered.slice(paletteSize)) indexOf.set(colour, nearest(colour, colours));
  return { colours, indexOf };
}

function nearest(colour: number, colours: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, other] of colours.entries()) {
    const red = (colour >> 16) - (other >> 16);
    const green = ((colour >> 8) & 255) - ((other >> 8) & 255);
    const blue = (colour & 255) - (other & 255);
    const distance = red * red + green * green + blue * blue;
    if (distance >= least) continue;
    least = distance;
    best = index;
  }
  return best;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
