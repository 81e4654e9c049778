import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fUpperQuantile,
  fUpperTail,
  normalQuantile,
  normalUpperTail,
  studentTwoSided,
  studentTwoSidedQuantile,
} from '../../../src/core/detect/significance/distributions.ts';

/** References from mpmath 1.3 at 40 digits. */
describe('upper tails keep their digits far out', () => {
  test.each([
    [0.5, 3, 0.651447964848151],
    [2, 28.4, 0.05514567949085468],
    [6, 4.84, 0.002064808828053362],
    [12, 28.4, 1.219160892741096e-12],
    [40, 150, 6.476687856165989e-82],
  ])('P(|T| > %d) with %d degrees of freedom', (t, nu, expected) => {
    expect(studentTwoSided(t, nu) / expected).toBeCloseTo(1, 12);
    expect(studentTwoSided(-t, nu)).toBe(studentTwoSided(t, nu));
  });

  test.each([
    [0.5, 67.2, 144, 0.9991160759371271],
    [2, 36.8, 53.6, 0.01011212206785324],
    [10, 6.5, 28.4, 4.202712329717375e-6],
    [60, 49, 67.2, 1.370433443649471e-40],
  ])('P(F > %d) with %d and %d degrees of freedom', (f, d1, d2, expected) => {
    expect(fUpperTail(f, d1, d2) / expected).toBeCloseTo(1, 11);
  });

  test.each([
    [0, 0.5],
    [1, 0.15865525393145705],
    [4, 3.1671241833119924e-5],
    [9, 1.1285884059538405e-19],
  ])('P(Z > %d)', (z, expected) => {
    expect(normalUpperTail(z) / expected).toBeCloseTo(1, 13);
  });

  test('at and beyond the ends', () => {
    expect(studentTwoSided(0, 5)).toBe(1);
    expect(studentTwoSided(Number.POSITIVE_INFINITY, 5)).toBe(0);
    expect(fUpperTail(0, 3, 5)).toBe(1);
    expect(fUpperTail(Number.POSITIVE_INFINITY, 3, 5)).toBe(0);
  });
});

describe('the normal quantile', () => {
  test.each([
    [0.3, -0.5244005127080408],
    [0.01, -2.326347874040841],
    [1e-5, -4.264890793922825],
    [1e-9, -5.9978070150076865],
    [1e-20, -9.262340089798407],
  ])('of %d', (p, expected) => {
    expect(normalQuantile(p) / expected).toBeCloseTo(1, 14);
  });

  test('is exact at the middle, infinite at the ends', () => {
    expect([0, 0.5, 1].map(normalQuantile)).toEqual([Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY]);
  });

  test('inverts the upper tail', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-15, max: 1 - 1e-10, noNaN: true }), (p) => {
        expect(normalUpperTail(-normalQuantile(p)) / p).toBeCloseTo(1, 12);
      }),
    );
  });
});

test('quantiles of t and F invert their tails', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -25, max: -0.01, noNaN: true }),
      fc.double({ min: 3, max: 200, noNaN: true }),
      fc.double({ min: 1, max: 60, noNaN: true }),
      (logP, nu, d1) => {
        const p = 10 ** (logP / 2);
        expect(studentTwoSided(studentTwoSidedQuantile(p, nu), nu) / p).toBeCloseTo(1, 2);
        expect(fUpperTail(fUpperQuantile(p, d1, nu), d1, nu) / p).toBeCloseTo(1, 2);
      },
    ),
  );
  expect(studentTwoSidedQuantile(1, 5)).toBe(0);
});
