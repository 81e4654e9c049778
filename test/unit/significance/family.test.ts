import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alphaOfScale, benjaminiHochberg, holm, isInsufficient, isUsable } from '../../../src/core/detect/significance/family.ts';
import { dayMs, hourMs } from '../../../src/core/duration.ts';

const budget = { incidents: 1, perMs: 30 * dayMs };

describe('the level of a scale', () => {
  test('is the budget over its looks: 8 a window length', () => {
    const alpha = alphaOfScale({ ...budget, windowMs: hourMs, usableScales: 1, families: 1 });
    expect(alpha).toBeCloseTo(1 / (720 * 8), 12);
  });

  test('is shared by usable scales and by families', () => {
    const alone = alphaOfScale({ ...budget, windowMs: 6 * hourMs, usableScales: 1, families: 1 });
    expect(alphaOfScale({ ...budget, windowMs: 6 * hourMs, usableScales: 3, families: 2 })).toBeCloseTo(alone / 6, 12);
  });

  test('is a probability even for a budget without bounds', () => {
    expect(alphaOfScale({ incidents: 1e9, perMs: dayMs, windowMs: dayMs, usableScales: 1, families: 1 })).toBe(1);
  });
});

const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 });
const level = fc.double({ min: 1e-6, max: 0.5, noNaN: true });
const countOf = (rejected: readonly boolean[]): number => rejected.filter(Boolean).length;

describe('within a family', () => {
  test('the example of Benjamini and Hochberg (1995): 4 of 15 at .05, Holm 3', () => {
    const example = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1];
    expect(benjaminiHochberg(example, 0.05)).toEqual(example.map((_, index) => index < 4));
    expect(holm(example, 0.05)).toEqual(example.map((_, index) => index < 3));
  });

  test('a step-up counts a p above its own line when a larger one is under its line', () => {
    expect(benjaminiHochberg([0.04, 0.03], 0.04)).toEqual([true, true]);
    expect(holm([0.04, 0.03], 0.04)).toEqual([false, false]);
  });

  test('nothing to test rejects nothing', () => {
    expect([benjaminiHochberg([], 0.05), holm([], 0.05)]).toEqual([[], []]);
  });

  test('Bonferroni rejects no more than Holm, Holm no more than Benjamini-Hochberg', () => {
    fc.assert(
      fc.property(pValues, level, (p, alpha) => {
        const bonferroni = p.map((each) => each <= alpha / p.length);
        expect(countOf(bonferroni)).toBeLessThanOrEqual(countOf(holm(p, alpha)));
        expect(countOf(holm(p, alpha))).toBeLessThanOrEqual(countOf(benjaminiHochberg(p, alpha)));
      }),
    );
  });

  test('what is rejected has no larger p than what is not, in any order', () => {
    fc.assert(
      fc.property(pValues, level, (p, alpha) => {
        for (const rejected of [benjaminiHochberg(p, alpha), holm(p, alpha)]) {
          const largest = Math.max(-1, ...p.filter((_, index) => rejected[index]));
          const smallest = Math.min(2, ...p.filter((_, index) => !rejected[index]));
          expect(largest).toBeLessThan(smallest);
        }
        const backwards = [...p].reverse();
        expect(benjaminiHochberg(backwards, alpha).reverse()).toEqual(benjaminiHochberg(p, alpha));
      }),
    );
  });
});

describe('a scale takes a share of the budget', () => {
  test('from 50 rows in the median window of the baseline on', () => {
    expect(isUsable(new Array(168).fill(50), 1)).toBe(true);
    expect(isUsable(new Array(168).fill(49), 1)).toBe(false);
    expect(isUsable(new Array(168).fill(9), 6)).toBe(true);
  });

  test('by the median, not by the mean: a burst does not make a scale usable', () => {
    expect(isUsable([...new Array(167).fill(1), 1e6], 1)).toBe(false);
  });

  test('also where its length is no whole number of units', () => {
    expect(isUsable(new Array(168).fill(34), 1.5)).toBe(true);
    expect(isUsable(new Array(168).fill(33), 1.5)).toBe(false);
  });

  test('never where the baseline is shorter than the window', () => {
    expect(isUsable(new Array(5).fill(1000), 6)).toBe(false);
  });
});

test('a window is insufficient under 50 rows, or with a baseline under three times its length', () => {
  const enough = { baselineMs: 3 * dayMs, windowMs: dayMs, rows: 50 };
  expect(isInsufficient(enough)).toBe(false);
  expect(isInsufficient({ ...enough, rows: 49 })).toBe(true);
  expect(isInsufficient({ ...enough, baselineMs: 3 * dayMs - 1 })).toBe(true);
});
