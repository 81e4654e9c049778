/** SVG text as PNG, with the fonts that come with the program: the same picture on every machine, whatever fonts that has. */
import { fileURLToPath } from 'node:url';
import { indexedPng } from './indexedPng.ts';

const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((name) => fileURLToPath(new URL(`../../assets/${name}`, import.meta.url)));

/** Bytes of the picture, which must cover its whole ground, in the size that the SVG says. Rejects where the SVG or the renderer is of no use. */
export async function pngOf(svg: string): Promise<Uint8Array> {
  // Loaded where the first picture is drawn: most roles and commands draw none.
  const { renderAsync } = await import('@resvg/resvg-js');
  const image = await renderAsync(svg, { font: { fontFiles, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' } });
  return indexedPng(image.pixels, image.width, image.height);
}
