import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cdf, midRank, quantile, RankCurve } from '../../../src/core/sketch/quantile.ts';
import type { NumericSummary } from '../../../src/core/sketch/types.ts';
import { finiteDouble, merging, npm, numericOf, sorted, streams } from './data.ts';

const anyValues = fc.array(finiteDouble, { minLength: 1, maxLength: 1_500 });

describe.each([merging, npm])('ranks and quantiles of engine $engine', (settings) => {
  it('are exact at minimum and maximum', () => {
    fc.assert(
      fc.property(anyValues, (values) => {
        const all = sorted(values);
        const summary = numericOf(values, settings);
        expect(quantile(summary, 0)).toBe(all[0]);
        expect(quantile(summary, 1)).toBe(all.at(-1));
        expect(cdf(summary, all.at(-1)!)).toBe(1);
      }),
      { numRuns: 60 },
    );
  });

  it('are monotone: a larger value never has a smaller rank, a larger share never a smaller quantile', () => {
    fc.assert(
      fc.property(anyValues, fc.array(finiteDouble, { maxLength: 50 }), (values, others) => {
        const curve = new RankCurve(numericOf(values, settings));
        const points = sorted([...values, ...others]);
        for (let i = 1; i < points.length; i += 1) {
          expect(curve.cdf(points[i]!)).toBeGreaterThanOrEqual(curve.cdf(points[i - 1]!));
          expect(curve.midRank(points[i]!)).toBeGreaterThanOrEqual(curve.midRank(points[i - 1]!));
          expect(curve.cdf(points[i]!)).toBeGreaterThanOrEqual(curve.midRank(points[i]!));
        }
        for (let i = 1; i <= 200; i += 1) expect(curve.quantile(i / 200)).toBeGreaterThanOrEqual(curve.quantile((i - 1) / 200));
      }),
      { numRuns: 40 },
    );
  });

  it('undo each other: at the quantile of q at least q of the values lie at or below, and no more than q below', () => {
    // A double near 1e12 is too coarse to hold every quantile.
    const tolerance = 1e-4;
    for (const values of Object.values(streams(8_000))) {
      const curve = new RankCurve(numericOf(values, settings));
      for (let i = 1; i < 100; i += 1) {
        const x = curve.quantile(i / 100);
        expect(curve.cdf(x)).toBeGreaterThan(i / 100 - tolerance);
        expect(curve.cdfBelow(x)).toBeLessThan(i / 100 + tolerance);
      }
    }
  });
});

describe('a rank curve', () => {
  const summary = (
    means: number[],
    weights: number[],
    min = means[0]!,
    max = means.at(-1)!,
  ): Pick<NumericSummary, 'min' | 'max' | 'centroids'> => ({
    min,
    max,
    centroids: { means: Float64Array.from(means), weights: Float64Array.from(weights) },
  });

  it('steps at exact values and stays level between them', () => {
    const curve = new RankCurve(summary([1, 2, 5], [1, 1, 1]));
    expect([0, 1, 1.5, 2, 4, 5, 6].map((x) => curve.cdf(x) * 3)).toEqual([0, 1, 1, 2, 2, 3, 3]);
    expect([1, 2, 5].map((x) => curve.midRank(x) * 3)).toEqual([0.5, 1.5, 2.5]);
    expect([0.1, 0.34, 0.5, 0.7].map((q) => curve.quantile(q))).toEqual([1, 2, 2, 5]);
  });

  it('takes a run of equal means for one exact value', () => {
    const curve = new RankCurve(summary([1, 4, 4, 9], [1, 7, 1, 1]));
    expect(curve.cdfBelow(4)).toBe(0.1);
    expect(curve.midRank(4)).toBe(0.5);
    expect(curve.cdf(4)).toBe(0.9);
    expect(curve.quantile(0.5)).toBe(4);
  });

  it('runs straight from half of one cluster to half of the next, and to single values at both ends', () => {
    // 1 value at 0, 4 between 0 and 10, 10 at 10 (middle), 15 from there on, 1 of them at 40
    const curve = new RankCurve(summary([10, 30], [10, 20], 0, 40));
    expect(curve.cdf(0) * 30).toBeCloseTo(1, 12);
    expect(curve.cdf(10) * 30).toBeCloseTo(5, 12);
    expect(curve.cdf(20) * 30).toBeCloseTo(12.5, 12);
    expect(curve.cdf(30) * 30).toBeCloseTo(20, 12);
    expect(curve.cdf(35) * 30).toBeCloseTo(24.5, 12);
    expect(curve.cdfBelow(40) * 30).toBeCloseTo(29, 12);
  });

  it('interpolates where the difference of two values overflows', () => {
    const curve = new RankCurve(summary([-1.7e308, 1.7e308], [100, 100]));
    expect(curve.midRank(0)).toBeCloseTo(0.5, 12);
    expect(Number.isFinite(curve.quantile(0.4))).toBe(true);
  });

  it('agrees with the free functions', () => {
    const numeric = numericOf(streams(3_000).lognormal!);
    const curve = new RankCurve(numeric);
    for (const x of [0, 0.5, 1, 3, 100]) {
      expect(cdf(numeric, x)).toBe(curve.cdf(x));
      expect(midRank(numeric, x)).toBe(curve.midRank(x));
    }
  });
});
