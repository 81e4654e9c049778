/** Effect sizes for people (events, evaluations, page, report). The decision does not use them (facts of the significance folder do). */
import { RankCurve } from './quantile.ts';
import type { CategorySummary, NumericSummary } from './types.ts';

export interface NumericEffects {
  /** Kolmogorov-Smirnov distance: largest difference of the distribution functions, 0..1. */
  readonly ks: number;
  /**
   * Wasserstein-1 distance / interquartile range of the baseline. Where that is 0, in units of the first of these that is not: the baseline's
   * standard deviation, the current interquartile range, the current standard deviation; between two constants, 1 if they differ.
   */
  readonly wasserstein: number;
  /** Population stability index on the baseline's deciles, ties merged, empty cells smoothed by half a record. */
  readonly psi: number;
  /** Jensen-Shannon distance, base 2, on the same cells, 0..1. */
  readonly js: number;
}

export interface CategoricalEffects {
  readonly psi: number;
  readonly js: number;
  /** Half the sum of the absolute differences of shares, 0..1. */
  readonly totalVariation: number;
  /** Share of the current values whose category the baseline does not list; 0 where the baseline's list is truncated. */
  readonly newShare: number;
}

/** Effects between two numeric summaries, each of at least one value. */
export function numericEffects(baseline: NumericSummary, current: NumericSummary): NumericEffects {
  const before = new RankCurve(baseline);
  const after = new RankCurve(current);
  const cells = decileCells(before, after);
  return {
    ks: kolmogorovSmirnov(before, after),
    wasserstein: scaledWasserstein(baseline, current, before, after),
    psi: stabilityIndex(cells.before, cells.after, before.total, after.total),
    js: jensenShannon(cells.before, cells.after),
  };
}

/** Effects between two categorical summaries, each of at least one value. What a list leaves out is pooled as one cell. */
export function categoricalEffects(baseline: CategorySummary, current: CategorySummary): CategoricalEffects {
  const before = guaranteed(baseline);
  const after = guaranteed(current);
  const p: number[] = [];
  const q: number[] = [];
  let pooledBefore = baseline.count;
  let pooledAfter = current.count;
  let known = 0;
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const countBefore = before.get(name) ?? 0;
    const countAfter = after.get(name) ?? 0;
    pooledBefore -= countBefore;
    pooledAfter -= countAfter;
    if (before.has(name)) known += countAfter;
    p.push(countBefore / baseline.count);
    q.push(countAfter / current.count);
  }
  p.push(Math.max(0, pooledBefore) / baseline.count);
  q.push(Math.max(0, pooledAfter) / current.count);
  let difference = 0;
  for (let i = 0; i < p.length; i += 1) difference += Math.abs(p[i]! - q[i]!);
  const newCount = baseline.truncated ? 0 : current.count - known - Math.max(0, pooledAfter);
  return {
    psi: stabilityIndex(p, q, baseline.count, current.count),
    js: jensenShannon(p, q),
    totalVariation: difference / 2,
    newShare: Math.max(0, newCount) / current.count,
  };
}

/** Counts that are certain: what Space-Saving may have over-counted belongs to the pool. */
function guaranteed(summary: CategorySummary): Map<string, number> {
  return new Map(summary.entries.map((entry) => [entry.value, entry.count - entry.error]));
}

/** Shares of both sides in the cells between the baseline's deciles: (-inf, d1], (d1, d2], ..., (d9, inf). */
function decileCells(before: RankCurve, after: RankCurve): { before: number[]; after: number[] } {
  const shares: { before: number[]; after: number[] } = { before: [], after: [] };
  let lastCut = Number.NEGATIVE_INFINITY;
  let lastBefore = 0;
  let lastAfter = 0;
  for (let decile = 1; decile <= 9; decile += 1) {
    const cut = before.quantile(decile / 10);
    if (cut === lastCut) continue;
    lastCut = cut;
    const upToBefore = before.cdf(cut);
    const upToAfter = after.cdf(cut);
    shares.before.push(upToBefore - lastBefore);
    shares.after.push(upToAfter - lastAfter);
    lastBefore = upToBefore;
    lastAfter = upToAfter;
  }
  shares.before.push(1 - lastBefore);
  shares.after.push(1 - lastAfter);
  return shares;
}

/** PSI = sum (q - p) ln(q / p); a share below half a record counts as half a record. Cells that are empty on both sides do not count. */
function stabilityIndex(p: readonly number[], q: readonly number[], pCount: number, qCount: number): number {
  let sum = 0;
  for (let i = 0; i < p.length; i += 1) {
    if (p[i]! * pCount < 1e-9 && q[i]! * qCount < 1e-9) continue;
    const before = Math.max(p[i]!, 0.5 / pCount);
    const after = Math.max(q[i]!, 0.5 / qCount);
    sum += (after - before) * Math.log(after / before);
  }
  return sum;
}

/** Square root of the Jensen-Shannon divergence in bits. */
function jensenShannon(p: readonly number[], q: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < p.length; i += 1) {
    const a = p[i]!;
    const b = q[i]!;
    const middle = (a + b) / 2;
    if (a > 0) sum += (a * Math.log2(a / middle)) / 2;
    if (b > 0) sum += (b * Math.log2(b / middle)) / 2;
  }
  return Math.sqrt(Math.min(Math.max(sum, 0), 1));
}

/** Both functions are straight between the knots of both, so the largest difference is at a knot, on one of its two sides. */
function kolmogorovSmirnov(before: RankCurve, after: RankCurve): number {
  let largest = 0;
  for (const curve of [before, after]) {
    for (let i = 0; i < curve.size; i += 1) {
      const x = curve.values[i]!;
      largest = Math.max(largest, Math.abs(before.cdf(x) - after.cdf(x)), Math.abs(before.cdfBelow(x) - after.cdfBelow(x)));
    }
  }
  return largest;
}

/** Area between the distribution functions, in units of the baseline's spread. */
function scaledWasserstein(baseline: NumericSummary, current: NumericSummary, before: RankCurve, after: RankCurve): number {
  const knots = new Float64Array(before.size + after.size);
  knots.set(before.values.subarray(0, before.size));
  knots.set(after.values.subarray(0, after.size), before.size);
  knots.sort();
  // Values near the largest double are brought down first, so that no difference overflows.
  const unit = Math.max(Math.abs(knots[0]!), Math.abs(knots[knots.length - 1]!)) > 1e150 ? 2 ** -600 : 1;
  const spread = [
    before.quantile(0.75) * unit - before.quantile(0.25) * unit,
    Math.sqrt(baseline.m2 / baseline.count) * unit,
    after.quantile(0.75) * unit - after.quantile(0.25) * unit,
    Math.sqrt(current.m2 / current.count) * unit,
  ].find((width) => width > 0);
  let area = 0;
  for (let i = 1; i < knots.length; i += 1) {
    const left = knots[i - 1]!;
    const right = knots[i]!;
    if (left === right) continue;
    const atLeft = before.cdf(left) - after.cdf(left);
    const atRight = before.cdfBelow(right) - after.cdfBelow(right);
    const crosses = atLeft * atRight < 0;
    const meanHeight = crosses
      ? (atLeft ** 2 + atRight ** 2) / (2 * (Math.abs(atLeft) + Math.abs(atRight)))
      : Math.abs(atLeft + atRight) / 2;
    area += (right * unit - left * unit) * meanHeight;
  }
  if (area === 0) return 0;
  return spread === undefined ? 1 : Math.min(area / spread, Number.MAX_VALUE);
}
