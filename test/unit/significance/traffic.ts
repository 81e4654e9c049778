/** Synthetic traffic for the tests of this folder, summarized as production does it. */
import { SeriesBuilder } from '../../../src/core/sketch/seriesBuilder.ts';
import type { DigestSettings, SeriesSummary } from '../../../src/core/sketch/types.ts';
import type { Row } from './exactRows.ts';

export const hourMs = 3_600_000;
export const digest: DigestSettings = { engine: 'merging', delta: 100 };
export const categoryCap = 1000;
export const minimumEffect = { location: 0.05, spread: 0.05, share: 0.01, totalVariation: 0.01 };

/** Summary of the rows of one span. */
export function summaryOf(rows: readonly Row[]): SeriesSummary {
  const builder = new SeriesBuilder(digest, categoryCap);
  for (const row of rows) {
    if (typeof row === 'number') builder.pushNumber(row);
    else if (typeof row === 'string') builder.pushCategory(row);
  }
  return builder.summary();
}

/** `count` rows, or units of rows, made by index. */
export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
