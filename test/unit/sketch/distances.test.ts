import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { categoricalEffects, numericEffects } from '../../../src/core/sketch/distances.ts';
import { categoriesOf, finiteDouble, numericOf, sorted, streams } from './data.ts';

/** Largest difference of the empirical distribution functions, by counting. */
function exactKs(left: readonly number[], right: readonly number[]): number {
  const upTo = (values: readonly number[], x: number) => values.filter((value) => value <= x).length / values.length;
  return Math.max(...[...left, ...right].map((x) => Math.abs(upTo(left, x) - upTo(right, x))));
}

/** Mean distance of the values paired in order (equal counts). */
function exactWasserstein(left: readonly number[], right: readonly number[]): number {
  const a = sorted(left);
  const b = sorted(right);
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

const small = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 60, maxLength: 60 });

describe('effects between numeric series', () => {
  it('are zero between a series and itself', () => {
    for (const values of Object.values(streams(3_000))) {
      const one = numericOf(values);
      expect(numericEffects(one, one)).toEqual({ ks: 0, wasserstein: 0, psi: 0, js: 0 });
    }
  });

  it('are the exact KS and Wasserstein distance while the digests are exact', () => {
    fc.assert(
      fc.property(small, small, (left, right) => {
        const baseline = numericOf(left);
        const effects = numericEffects(baseline, numericOf(right));
        const all = sorted(left);
        const interquartile = all[44]! - all[14]!;
        expect(effects.ks).toBeCloseTo(exactKs(left, right), 10);
        if (interquartile > 0) expect(effects.wasserstein).toBeCloseTo(exactWasserstein(left, right) / interquartile, 10);
      }),
      { numRuns: 60 },
    );
  });

  it('of a shift of half a sigma are those of theory within the error of digest and sampling', () => {
    const baseline = streams(40_000, 11).normal!;
    const current = streams(40_000, 23).normal!.map((value) => value + 0.5);
    const effects = numericEffects(numericOf(baseline), numericOf(current));
    expect(Math.abs(effects.ks - 0.1974)).toBeLessThan(0.01);
    expect(Math.abs(effects.wasserstein - 0.5 / 1.349)).toBeLessThan(0.02);
    expect(Math.abs(effects.psi - 0.2377)).toBeLessThan(0.02);
    expect(Math.abs(effects.js - 0.2047)).toBeLessThan(0.01);
  });

  it('have a PSI over merged deciles, an empty cell counting as half a record', () => {
    // Deciles of the baseline are 0 (nine tenths) and 1: the cells are (-inf, 0] and (0, inf).
    const baseline = numericOf([...new Array(90).fill(0), ...new Array(10).fill(1)]);
    const current = numericOf(new Array(50).fill(0));
    const empty = 0.5 / 50;
    expect(numericEffects(baseline, current).psi).toBeCloseTo((1 - 0.9) * Math.log(1 / 0.9) + (empty - 0.1) * Math.log(empty / 0.1), 12);
  });

  it('between constants say that they differ', () => {
    expect(numericEffects(numericOf([5, 5]), numericOf([7, 7, 7]))).toMatchObject({ ks: 1, wasserstein: 1 });
  });

  it('are finite and in range for any values', () => {
    const values = fc.array(finiteDouble, { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, values, (left, right) => {
        const { ks, wasserstein, psi, js } = numericEffects(numericOf(left), numericOf(right));
        expect([ks, wasserstein, psi, js].every((effect) => Number.isFinite(effect) && effect >= -1e-12)).toBe(true);
        expect(Math.max(ks, js)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 150 },
    );
  });
});

describe('effects between categorical series', () => {
  const of = (counts: Record<string, number>, cap = 50) =>
    categoriesOf(
      Object.entries(counts).flatMap(([value, count]) => new Array<string>(count).fill(value)),
      cap,
    ).categories!;

  it('are zero between a series and itself', () => {
    const one = of({ a: 5, b: 3 });
    expect(categoricalEffects(one, one)).toEqual({ psi: 0, js: 0, totalVariation: 0, newShare: 0 });
  });

  it('are those worked out by hand', () => {
    const effects = categoricalEffects(of({ a: 50, b: 50 }), of({ a: 25, b: 50, c: 25 }));
    expect(effects.totalVariation).toBeCloseTo(0.25, 12);
    expect(effects.newShare).toBeCloseTo(0.25, 12);
    expect(effects.psi).toBeCloseTo(0.25 * Math.log(2) + (0.25 - 0.005) * Math.log(0.25 / 0.005), 12);
    expect(effects.js).toBeCloseTo(Math.sqrt((0.5 * Math.log2(4 / 3) + 0.25 * Math.log2(2 / 3) + 0.25) / 2), 12);
  });

  it('between disjoint series are as large as can be', () => {
    expect(categoricalEffects(of({ a: 4 }), of({ b: 9 }))).toMatchObject({ js: 1, totalVariation: 1, newShare: 1 });
  });

  it('pool what is not certain, so that two draws of a long tail do not differ', () => {
    const tail = (from: number) =>
      categoriesOf(
        Array.from({ length: 5_000 }, (_, i) => `id-${from + i}`),
        50,
      ).categories!;
    const effects = categoricalEffects(tail(0), tail(10_000));
    expect(effects.totalVariation).toBeLessThan(0.03);
    expect(effects.newShare).toBe(0);
  });
});
