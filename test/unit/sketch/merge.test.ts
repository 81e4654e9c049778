import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptySeries, mergeSeries } from '../../../src/core/sketch/merge.ts';
import { RankCurve } from '../../../src/core/sketch/quantile.ts';
import { categoriesOf, cut, finiteDouble, merging, npm, numericOf, rankError, streams, summaryOf } from './data.ts';

describe.each([merging, npm])('merged series of engine $engine', (settings) => {
  it('of one part are that part, however many empty ones stand beside it', () => {
    const part = summaryOf(streams(2_000).normal!, settings);
    expect(mergeSeries([part], settings, 50)).toEqual(part);
    expect(mergeSeries([emptySeries, part, emptySeries], settings, 50)).toEqual(part);
    expect(mergeSeries([], settings, 50)).toEqual(emptySeries);
  });

  it('have the count, zeros, minimum and maximum of the whole exactly, and its mean and variance to rounding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 800 }),
        fc.array(fc.integer({ min: 1, max: 200 })),
        (values, lengths) => {
          const whole = numericOf(values, settings);
          const parts = cut(values, lengths).map((part) => summaryOf(part, settings));
          const { numeric } = mergeSeries(parts, settings, 50);
          const { count, zeros, min, max } = whole;
          expect(numeric).toMatchObject({ count, zeros, min, max });
          expect(Math.abs(numeric!.mean - whole.mean)).toBeLessThan(1e-6);
          expect(Math.abs(numeric!.m2 - whole.m2)).toBeLessThanOrEqual(1e-9 * whole.m2 + 1e-9);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('stay finite and whole for extreme values', () => {
    fc.assert(
      fc.property(fc.array(fc.array(finiteDouble, { minLength: 1, maxLength: 80 }), { minLength: 1, maxLength: 12 }), (streamsOfParts) => {
        const { numeric } = mergeSeries(
          streamsOfParts.map((values) => summaryOf(values, settings)),
          settings,
          50,
        );
        expect([numeric!.mean, numeric!.m2, ...numeric!.centroids.means].every(Number.isFinite)).toBe(true);
        expect(numeric!.centroids.weights.reduce((sum, weight) => sum + weight, 0)).toBe(streamsOfParts.flat().length);
      }),
      { numRuns: 60 },
    );
  });

  it('give the same bits for the same parts in the same order', () => {
    const parts = cut(streams(20_000).lognormal!, new Array(30).fill(600)).map((part) => summaryOf(part, settings));
    expect(mergeSeries(parts, settings, 50)).toEqual(mergeSeries(parts, settings, 50));
  });
});

describe('merged series', () => {
  it('of a hundred parts rank as the whole does, within the error', () => {
    for (const [name, values] of Object.entries(streams(50_000))) {
      const parts = cut(values, new Array(99).fill(500)).map((part) => summaryOf(part));
      const curve = new RankCurve(mergeSeries(parts, merging, 50).numeric!);
      expect(
        rankError(values, (x) => curve.midRank(x)),
        name,
      ).toBeLessThan(name === 'twoLumps' ? 0.01 : 0.004);
    }
  });

  it('of equal parts rank as one of them does', () => {
    const values = streams(5_000).normal!;
    const part = summaryOf(values);
    const one = new RankCurve(part.numeric!);
    const both = new RankCurve(mergeSeries([part, part], merging, 50).numeric!);
    for (const value of values) expect(Math.abs(both.midRank(value) - one.midRank(value))).toBeLessThan(5e-4);
  });

  it('of both kinds keep both', () => {
    const merged = mergeSeries([summaryOf([1, 2]), categoriesOf(['a']), { ...emptySeries, nonFinite: 2, unsupported: 1 }], merging, 50);
    expect(merged).toMatchObject({ numeric: { count: 2 }, categories: { count: 1 }, nonFinite: 2, unsupported: 1 });
  });
});
