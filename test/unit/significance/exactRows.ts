/** The recipe's scores on exact rows instead of digests: the oracle of the vectors and of the sums that production makes from digests. */
import { newCategories, normalScore, numericStatistics, otherCategories } from '../../../src/core/detect/significance/scores.ts';
import type { SeriesScores, SeriesSums } from '../../../src/core/detect/significance/types.ts';

export type Row = number | string | null;

const cutShares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/** Scores of a series and what they make of the rows of one span. */
export interface ExactScorer {
  readonly scores: SeriesScores;
  readonly sums: (rows: readonly Row[]) => SeriesSums;
}

/** u(x) among sorted values: (share < x) + (share = x) / 2. */
export function exactMidRank(sorted: readonly number[], x: number): number {
  return (firstIndex(sorted, (value) => value >= x) + firstIndex(sorted, (value) => value > x)) / 2 / sorted.length;
}

/** Index of the first value that passes; the length where none does. */
function firstIndex(sorted: readonly number[], passes: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passes(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function numericScorer(baseline: readonly Row[]): ExactScorer {
  const sorted = baseline.filter((row) => typeof row === 'number').sort((left, right) => left - right);
  const count = sorted.length;
  const min = sorted[0]!;
  const max = sorted[count - 1]!;
  const cuts = [...new Set(cutShares.map((share) => sorted[Math.floor(share * (count - 1))]!))].filter((cut) => cut < max);
  const zero = min < 0 && max > 0;
  const statistics = numericStatistics(cuts, zero);
  const scoreOf = new Map<number, number>();
  const score = (value: number): number => {
    const known = scoreOf.get(value);
    if (known !== undefined) return known;
    const fresh = normalScore(exactMidRank(sorted, value), count);
    scoreOf.set(value, fresh);
    return fresh;
  };
  return {
    scores: { kind: 'numeric', means: sorted, weights: sorted.map(() => 1), count, min, max, cuts, zero, statistics },
    sums: (rows) => {
      const values = rows.filter((row) => typeof row === 'number');
      const scores = values.map(score);
      const sumOf = (power: number): number => scores.reduce((sum, each) => sum + each ** power, 0);
      const countOf = (isIn: (value: number) => boolean): number => values.filter(isIn).length;
      const x = [
        sumOf(1),
        sumOf(2),
        ...cuts.map((cut) => countOf((value) => value <= cut)),
        ...(zero ? [countOf((value) => value === 0)] : []),
        countOf((value) => value > max),
        countOf((value) => value < min),
        rows.length - values.length,
      ];
      return { rows: rows.length, n: values.length, x, ss: x.map((_, place) => (place < 2 ? sumOf(2 * (place + 1)) : 0)) };
    },
  };
}

export function categoricalScorer(baseline: readonly Row[]): ExactScorer {
  const counts = new Map<string, number>();
  for (const row of baseline) if (typeof row === 'string') counts.set(row, (counts.get(row) ?? 0) + 1);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const byCount = [...counts].sort((left, right) => right[1] - left[1] || (left[0] < right[0] ? -1 : 1));
  const categories = byCount
    .filter(([, count]) => count >= 0.005 * total)
    .slice(0, 50)
    .map(([name]) => name);
  const hasOther = categories.length < counts.size;
  const statistics = [...categories.map((name) => `category:${name}`), ...(hasOther ? [otherCategories] : []), newCategories, 'miss'];
  return {
    scores: { kind: 'categorical', categories, known: byCount.map(([name]) => name), statistics },
    sums: (rows) => {
      const values = rows.filter((row) => typeof row === 'string');
      const named = categories.map((name) => values.filter((value) => value === name).length);
      const known = values.filter((value) => counts.has(value)).length;
      const namedCount = named.reduce((sum, count) => sum + count, 0);
      const x = [...named, ...(hasOther ? [known - namedCount] : []), values.length - known, rows.length - values.length];
      return { rows: rows.length, n: values.length, x, ss: x.map(() => 0) };
    },
  };
}

/** What stands for `(new)` in each pane: (D - 1) / D times its rows whose category occurs on no other day. */
export function exactUnseen(panes: readonly (readonly Row[])[], panesPerDay: number): number[] {
  const daysOf = new Map<Row, Set<number>>();
  panes.forEach((rows, pane) => {
    for (const row of rows) daysOf.set(row, (daysOf.get(row) ?? new Set()).add(Math.floor(pane / panesPerDay)));
  });
  const days = panes.length / panesPerDay;
  return panes.map((rows) => ((days - 1) / days) * rows.filter((row) => row !== null && daysOf.get(row)?.size === 1).length);
}
