import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanInterval, wilsonInterval } from '../../../src/core/performance/intervals.ts';

describe('the 95 % interval of accuracy', () => {
  it('is that of Wilson 1927', () => {
    // 81 of 263 and 0 of 20: Newcombe 1998, Statistics in Medicine 17, table I, method 3.
    const [low, high] = wilsonInterval(81 / 263, 263);
    expect(low).toBeCloseTo(0.2553, 4);
    expect(high).toBeCloseTo(0.3662, 4);
    expect(wilsonInterval(0, 20)[0]).toBe(0);
    expect(wilsonInterval(0, 20)[1]).toBeCloseTo(0.1611, 4);
    expect(wilsonInterval(1, 20)[1]).toBe(1);
  });

  it('holds the share and stays in [0, 1], whole rows or not', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0.5, max: 1e7, noNaN: true }), (share, n) => {
        const [low, high] = wilsonInterval(share, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(share + 1e-12);
        expect(high).toBeGreaterThanOrEqual(share - 1e-12);
      }),
    );
  });
});

describe('the 95 % interval of a mean error', () => {
  it('is 1.96 standard errors each way, never below 0', () => {
    const [low, high] = meanInterval(5, 4, 100);
    expect(low).toBeCloseTo(5 - 1.96 * 0.2, 4);
    expect(high).toBeCloseTo(5 + 1.96 * 0.2, 4);
    expect(meanInterval(0.1, 4, 10)[0]).toBe(0);
  });
});
