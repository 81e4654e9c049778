/** Ranks and quantiles of a digest at rest, whatever engine built it. */
import type { NumericSummary } from './types.ts';

/**
 * The distribution function of a summary, in values rather than shares: knots (value, weight below, weight up to and with it), ascending;
 * straight between the knots. An exact value (a single or an atom) is a step: its weight lies at it. Any other centroid is a point of the
 * line at half its weight. Minimum and maximum are exact values, each of weight 1 where a centroid hides them. Hence monotone, and right at
 * both ends.
 *
 * Building one is a pass over the centroids; each question then is a binary search. Build it once where one summary is asked a lot.
 */
export class RankCurve {
  readonly size: number;
  readonly values: Float64Array;
  readonly below: Float64Array;
  readonly upTo: Float64Array;
  readonly total: number;

  /** @param summary of at least one value. */
  constructor(summary: Pick<NumericSummary, 'min' | 'max' | 'centroids'>) {
    const { means, weights } = summary.centroids;
    const n = means.length;
    this.values = new Float64Array(n + 2);
    this.below = new Float64Array(n + 2);
    this.upTo = new Float64Array(n + 2);
    let size = 0;
    let done = 0;
    for (let i = 0; i < n; ) {
      const mean = means[i]!;
      const first = i;
      let weight = 0;
      for (; i < n && means[i] === mean; i += 1) weight += weights[i]!;
      // All values of a centroid whose mean is the minimum or the maximum are that value.
      const isExact = weight === 1 || i > first + 1 || mean === summary.min || mean === summary.max;
      if (first === 0 && mean > summary.min) size = this.#knot(size, summary.min, 0, Math.min(1, weight));
      const middle = done + weight / 2;
      size = isExact ? this.#knot(size, mean, done, done + weight) : this.#knot(size, mean, middle, middle);
      done += weight;
      if (i === n && mean < summary.max) size = this.#knot(size, summary.max, done - Math.min(1, weight), done);
    }
    this.size = size;
    this.total = done;
  }

  /** Share of values at most x, in 0..1. */
  cdf(x: number): number {
    return this.#weight(x, 1) / this.total;
  }

  /** Share of values below x, in 0..1. */
  cdfBelow(x: number): number {
    return this.#weight(x, 0) / this.total;
  }

  /** (weight below x + half the weight at x) / N. */
  midRank(x: number): number {
    return this.#weight(x, 0.5) / this.total;
  }

  /** Smallest value with at least the share q at or below it; q is cut to 0..1. */
  quantile(q: number): number {
    if (q >= 1) return this.values[this.size - 1]!;
    const target = Math.max(q, 0) * this.total;
    // First knot with upTo >= target.
    let low = 0;
    let high = this.size - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.upTo[middle]! >= target) high = middle;
      else low = middle + 1;
    }
    const below = this.below[low]!;
    if (low === 0 || target >= below) return this.values[low]!;
    const from = this.upTo[low - 1]!;
    return between(this.values[low - 1]!, this.values[low]!, (target - from) / (below - from));
  }

  #knot(size: number, value: number, below: number, upTo: number): number {
    this.values[size] = value;
    // Where a small centroid lends a weight of 1 to the minimum or maximum, its own middle can lie inside of that.
    this.below[size] = size > 0 ? Math.max(below, this.upTo[size - 1]!) : below;
    this.upTo[size] = Math.max(upTo, this.below[size]!);
    return size + 1;
  }

  /** Weight below x and the given part of the weight at x. */
  #weight(x: number, partAt: number): number {
    // Last knot with value <= x.
    let low = -1;
    let high = this.size - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.values[middle]! <= x) low = middle;
      else high = middle - 1;
    }
    if (low < 0) return 0;
    const value = this.values[low]!;
    const upTo = this.upTo[low]!;
    if (value === x) return this.below[low]! + (upTo - this.below[low]!) * partAt;
    if (low === this.size - 1) return upTo;
    const share = shareOf(value, this.values[low + 1]!, x);
    return upTo + (this.below[low + 1]! - upTo) * share;
  }
}

/** `quantile` of a RankCurve. The exact minimum at 0, the exact maximum at 1. */
export function quantile(summary: NumericSummary, q: number): number {
  return new RankCurve(summary).quantile(q);
}

/** `cdf` of a RankCurve: share of values at most x. */
export function cdf(summary: NumericSummary, x: number): number {
  return new RankCurve(summary).cdf(x);
}

/** `midRank` of a RankCurve: (weight below x + half the weight at x) / N. */
export function midRank(summary: NumericSummary, x: number): number {
  return new RankCurve(summary).midRank(x);
}

/** A point between two values, without overflow of their difference, never outside of them. */
function between(left: number, right: number, share: number): number {
  const width = right - left;
  const value = Number.isFinite(width) ? left + width * share : left * (1 - share) + right * share;
  return Math.min(Math.max(value, left), right);
}

/** How far x is on the way from left to right, in 0..1. */
function shareOf(left: number, right: number, x: number): number {
  const width = right - left;
  const share = Number.isFinite(width) ? (x - left) / width : (x / 2 - left / 2) / (right / 2 - left / 2);
  return Math.min(Math.max(share, 0), 1);
}
