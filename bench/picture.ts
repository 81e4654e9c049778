/** What the picture of an incident costs: drawing as SVG text, as PNG, and its bytes; over one event a kind. */
import { pictureAttachments, pictureSvg } from '../src/sentry/picture.ts';
import { pictures } from '../test/support/pictures.ts';
import type { BenchResult } from './types.ts';

const repeats = 10;
const none = new Set<string>();

export async function run(): Promise<BenchResult> {
  const events = Object.values(pictures);
  const first = pictures.numeric;
  // The first one loads the renderer and the fonts.
  const beganMs = performance.now();
  await pictureAttachments(first, none);
  const firstMs = performance.now() - beganMs;
  let svgMs = 0;
  const pngMs: number[] = [];
  const bytes: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const event of events) {
      const startMs = performance.now();
      pictureSvg(event, none);
      svgMs += performance.now() - startMs;
      const drawMs = performance.now();
      const [picture] = await pictureAttachments(event, none);
      pngMs.push(performance.now() - drawMs);
      bytes.push(picture?.data.length ?? 0);
    }
  }
  pngMs.sort((left, right) => left - right);
  const at = (share: number) => pngMs[Math.min(pngMs.length - 1, Math.floor(share * pngMs.length))] ?? 0;
  return {
    name: 'picture',
    figures: {
      firstMs,
      svgMs: svgMs / (repeats * events.length),
      pngMedianMs: at(0.5),
      pngLargestMs: at(1),
      largestBytes: Math.max(...bytes),
      largestEventBytes: Math.max(...events.map(({ picture }) => JSON.stringify(picture).length)),
    },
    ratios: {},
    compared: `${events.length} pictures (numeric, category, missing values, accuracy, sensitive, long names), each ${repeats} times; SVG and PNG at 900 x 480; firstMs includes loading the renderer.`,
  };
}
