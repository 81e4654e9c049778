/** Streams and exact answers for the tests of the sketches. */
import fc from 'fast-check';
import { SeriesBuilder } from '../../../src/core/sketch/seriesBuilder.ts';
import type { DigestSettings, NumericSummary, SeriesSummary } from '../../../src/core/sketch/types.ts';

export const merging: DigestSettings = { engine: 'merging', delta: 100 };
export const npm: DigestSettings = { engine: 'tdigest', delta: 100 };

/** Any finite double, extremes, subnormals and duplicates included. */
export const finiteDouble = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(0, -0, 1e308, -1e308, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, -Number.MIN_VALUE, 2.2e-308),
);

/** xorshift32 (Marsaglia 2003). */
export function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Streams of every shape that hurts a digest, each of `count` values. */
export function streams(count: number, seed = 7): Record<string, number[]> {
  const uniform = generator(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const make = (value: (i: number) => number) => Array.from({ length: count }, (_, i) => value(i));
  return {
    normal: make(normal),
    lognormal: make(() => Math.exp(2 * normal())),
    ascending: make((i) => i / 7),
    descending: make((i) => -i / 7),
    rhythm: make((i) => normal() + 3 * Math.sin((2 * Math.PI * i) / count)),
    trend: make((i) => normal() + (30 * i) / count),
    wholeNumbers: make(() => Math.round(30 * normal())),
    manyZeros: make(() => (uniform() < 0.5 ? 0 : Math.exp(normal()))),
    farFromZero: make(() => 1e12 + normal()),
    oneOutlier: make((i) => (i === count >> 1 ? 1e300 : normal())),
    twoLumps: make(() => (uniform() < 0.5 ? normal() : 1000 + normal())),
  };
}

export function summaryOf(values: readonly number[], settings: DigestSettings = merging): SeriesSummary {
  const builder = new SeriesBuilder(settings, 50);
  for (const value of values) builder.pushNumber(value);
  return builder.summary();
}

export function numericOf(values: readonly number[], settings: DigestSettings = merging): NumericSummary {
  const { numeric } = summaryOf(values, settings);
  if (numeric === null) throw new Error('no values');
  return numeric;
}

export function categoriesOf(values: readonly string[], cap = 50): SeriesSummary {
  const builder = new SeriesBuilder(merging, cap);
  for (const value of values) builder.pushCategory(value);
  return builder.summary();
}

export function sorted(values: readonly number[]): number[] {
  return [...values].map((value) => value + 0).sort((left, right) => left - right);
}

/** Largest difference between a mid-rank function and the exact mid-ranks of the values. */
export function rankError(values: readonly number[], midRank: (x: number) => number): number {
  const all = sorted(values);
  let largest = 0;
  for (let i = 0; i < all.length; ) {
    const first = i;
    while (i < all.length && all[i] === all[first]) i += 1;
    largest = Math.max(largest, Math.abs(midRank(all[first]!) - (first + i) / 2 / all.length));
  }
  return largest;
}

/** Cuts values into parts of the given lengths, the rest as a last part. */
export function cut<T>(values: readonly T[], lengths: readonly number[]): T[][] {
  const parts: T[][] = [];
  let at = 0;
  for (const length of lengths) {
    parts.push(values.slice(at, at + length));
    at += length;
  }
  parts.push(values.slice(at));
  return parts.filter((part) => part.length > 0);
}
