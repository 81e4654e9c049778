import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeriesBuilder } from '../../../src/core/sketch/seriesBuilder.ts';
import { categoriesOf, finiteDouble, merging, numericOf, streams, summaryOf } from './data.ts';

describe('a live series', () => {
  it('counts every value once, of whatever kind', () => {
    const builder = new SeriesBuilder(merging, 10);
    builder.pushNumber(1);
    builder.pushNumber(0);
    builder.pushCategory('a');
    builder.countNonFinite();
    builder.countUnsupported();
    builder.countUnsupported();
    expect(builder.valueCount).toBe(6);
    expect(builder.summary()).toMatchObject({ numeric: { count: 2, zeros: 1 }, categories: { count: 1 }, nonFinite: 1, unsupported: 2 });
  });

  it('holds no digest without numbers and no map without text', () => {
    expect(new SeriesBuilder(merging, 10).summary()).toEqual({ numeric: null, categories: null, nonFinite: 0, unsupported: 0 });
    expect(new SeriesBuilder(merging, 10).bytes()).toBeLessThan(200);
    expect(categoriesOf(['a']).numeric).toBeNull();
    expect(summaryOf([1]).categories).toBeNull();
  });

  it('knows count, zeros, minimum and maximum exactly', () => {
    fc.assert(
      fc.property(fc.array(finiteDouble, { minLength: 1, maxLength: 1_200 }), (values) => {
        const numeric = numericOf(values);
        expect(numeric.count).toBe(values.length);
        expect(numeric.zeros).toBe(values.filter((value) => value === 0).length);
        expect(numeric.min).toBe(values.reduce((a, b) => Math.min(a, b)) + 0);
        expect(numeric.max).toBe(values.reduce((a, b) => Math.max(a, b)) + 0);
      }),
      { numRuns: 60 },
    );
  });

  it('lets no NaN or Infinity into mean, squares or centroids, however extreme the values', () => {
    fc.assert(
      fc.property(fc.array(finiteDouble, { minLength: 1, maxLength: 1_200 }), (values) => {
        const { mean, m2, min, max, centroids } = numericOf(values);
        expect([mean, m2, ...centroids.means].every(Number.isFinite)).toBe(true);
        expect(m2).toBeGreaterThanOrEqual(0);
        expect(mean).toBeGreaterThanOrEqual(min - Math.abs(min) * 1e-12);
        expect(mean).toBeLessThanOrEqual(max + Math.abs(max) * 1e-12);
      }),
      { numRuns: 100 },
    );
  });

  it('has the mean and variance of two passes over the values, far from zero too', () => {
    for (const values of [streams(5_000).normal!, streams(5_000).farFromZero!]) {
      const mean = values.reduce((sum, value) => sum + (value - values[0]!), 0) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - values[0]! - mean) ** 2, 0);
      const numeric = numericOf(values);
      expect(numeric.mean - values[0]!).toBeCloseTo(mean, 2);
      expect(numeric.m2 / squares).toBeCloseTo(1, 4);
    }
  });

  it('is not disturbed by a summary, and is a function of the pushes alone', () => {
    const looked = new SeriesBuilder(merging, 5);
    const left = new SeriesBuilder(merging, 5);
    streams(3_000).lognormal!.forEach((value, i) => {
      for (const builder of [looked, left]) {
        builder.pushNumber(value);
        builder.pushCategory(String(Math.floor(value)));
      }
      if (i % 50 === 0) looked.summary();
    });
    expect(looked.summary()).toEqual(left.summary());
  });
});
