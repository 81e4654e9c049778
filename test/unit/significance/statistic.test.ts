import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StatisticKind, StatisticModel } from '../../../src/core/detect/significance/statistic.ts';
import { compareStatistic, effectAt, fitStatistic, fitWithRates, slotRates } from '../../../src/core/detect/significance/statistic.ts';
import { hourMs, times } from './traffic.ts';

/** A baseline of two days without any variation beyond that of its rows: x of 100 rows every hour. */
function steady(kind: StatisticKind, x: number): StatisticModel {
  return fitStatistic({
    kind,
    unitMs: hourMs,
    n: times(48, () => 100),
    x: times(48, (hour) => x + (hour % 2 === 0 ? 1 : -1)),
    ss: times(48, () => 100),
    slotOfUnit: () => 0,
    slots: 1,
  })!;
}

describe('a comparison', () => {
  test('of a count agrees with the normal z where counts are large', () => {
    const { z, phi, effect, expected, observed } = compareStatistic(
      steady('count', 30),
      { n: 4800, x: 1500, slotRows: [4800] },
      24 * hourMs,
    );
    const pooled = (0.3 + 1500 / 4800) / 2;
    const normal = (1500 / 4800 - 0.3) / Math.sqrt(pooled * (1 - pooled) * (2 / 4800));
    expect(phi).toBe(1);
    expect(z / normal).toBeCloseTo(1, 3);
    expect([effect, expected, observed].map((value) => value.toFixed(4))).toEqual(['0.0125', '0.3000', '0.3125']);
  });

  test('of a mean is in standard deviations of a row', () => {
    const model = steady('mean', 0);
    expect(compareStatistic(model, { n: 100, x: 50, slotRows: [100] }, hourMs).effect).toBeCloseTo(0.5, 3);
  });

  test('takes the sign of the change, and the same p for changes of the same size', () => {
    const model = steady('count', 50);
    const [down, up] = [40, 60].map((x) => compareStatistic(model, { n: 100, x, slotRows: [100] }, hourMs));
    expect(down!.z).toBeCloseTo(-up!.z, 10);
    expect(down!.p).toBeCloseTo(up!.p, 10);
  });

  test('says nothing without rows, or where the baseline has none', () => {
    const model = fitWithRates(
      { kind: 'count', unitMs: hourMs, n: times(48, () => 10), x: times(48, () => 1), slotOfUnit: () => 0, slots: 1 },
      slotRates('count', [480, 0], [48, 0]),
    )!;
    expect(compareStatistic(model, { n: 0, x: 0, slotRows: [0, 0] }, hourMs).p).toBe(1);
    expect(compareStatistic(model, { n: 50, x: 50, slotRows: [0, 50] }, hourMs).p).toBe(1);
    expect(compareStatistic(model, { n: 50, x: 50, slotRows: [50, 0] }, hourMs).p).toBeLessThan(0.001);
  });

  test('expects of every slot what the baseline has there (delays of labels: fast ones are right more often)', () => {
    const model = fitWithRates(
      { kind: 'count', unitMs: hourMs, n: times(48, () => 200), x: times(48, () => 160), slotOfUnit: () => 0, slots: 1 },
      slotRates('count', [4800, 4800], [4320, 3360]),
    )!;
    expect(compareStatistic(model, { n: 100, x: 90, slotRows: [100, 0] }, hourMs).effect).toBeCloseTo(0, 10);
    expect(compareStatistic(model, { n: 100, x: 70, slotRows: [0, 100] }, hourMs).effect).toBeCloseTo(0, 10);
    expect(compareStatistic(model, { n: 100, x: 80, slotRows: [50, 50] }, hourMs).effect).toBeCloseTo(0, 10);
  });

  test('is limited by the degrees of freedom that are lent', () => {
    const window = { n: 100, x: 45, slotRows: [100] };
    const free = compareStatistic(steady('count', 30), window, hourMs);
    const limited = compareStatistic(steady('count', 30), window, hourMs, 5);
    expect(limited.nu).toBe(5);
    expect(limited.p).toBeGreaterThan(free.p);
  });
});

describe('the effect at a level', () => {
  test('is the one whose comparison has that p', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<StatisticKind>('mean', 'count'),
        fc.integer({ min: 5, max: 95 }),
        fc.double({ min: 1e-8, max: 0.5, noNaN: true }),
        fc.constantFrom(-1, 1),
        (kind, x, p, sign) => {
          const model = steady(kind, kind === 'mean' ? 0 : x);
          const n = 2000;
          const usual = compareStatistic(model, { n, x: n * model.rates.mean, slotRows: [n] }, hourMs);
          const effect = effectAt(model, { n, x: 0, slotRows: [n] }, usual, p, sign);
          const difference = kind === 'mean' ? effect * Math.sqrt(model.rates.s2) : effect;
          const moved = compareStatistic(model, { n, x: n * (model.rates.mean + difference), slotRows: [n] }, hourMs);
          expect(Math.sign(moved.z)).toBe(sign);
          expect(Math.log(moved.p) / Math.log(p)).toBeCloseTo(1, 3);
        },
      ),
    );
  });

  test('is no more than a share leaves room for', () => {
    const model = steady('count', 2);
    const usual = compareStatistic(model, { n: 50, x: 1, slotRows: [50] }, hourMs);
    expect(effectAt(model, { n: 50, x: 1, slotRows: [50] }, usual, 1e-6, -1)).toBeCloseTo(-model.rates.mean, 10);
  });
});

test('what rounding leaves of equal scores is no variance', () => {
  const scores = times(1000, () => 0.1 + 0.2);
  const x = scores.reduce((sum, score) => sum + score, 0);
  const ss = scores.reduce((sum, score) => sum + score * score, 0);
  expect(slotRates('mean', [1000], [x], [ss]).s2).toBe(0);
  expect(slotRates('mean', [1000], [x], [ss + 1]).s2).toBeCloseTo(1 / 999, 6);
});
