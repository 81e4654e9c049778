/** The checks of the recipe's section 8 on phi: independent rows, autocorrelated rows, a daily rhythm, bursts. */

import { describe, expect, test } from 'vitest';
import { nuOfWindow, phiOfWindow } from '../../../src/core/detect/significance/dispersion.ts';
import { fitSlots, slotOf } from '../../../src/core/detect/significance/slots.ts';
import type { StatisticModel } from '../../../src/core/detect/significance/statistic.ts';
import { fitStatistic } from '../../../src/core/detect/significance/statistic.ts';
import { hourMs } from '../../../src/core/duration.ts';
import { Random } from '../../support/random.ts';

const rowsPerUnit = 40;

/** A row of an hour; `row` counts within the hour. */
type Draw = (random: Random, unit: number, row: number) => number;

/** The mean of rows over hours. */
function fitMean(seed: number, units: number, draw: Draw, slots?: number): StatisticModel {
  const random = new Random(seed);
  const n: number[] = [];
  const x: number[] = [];
  const ss: number[] = [];
  for (let unit = 0; unit < units; unit += 1) {
    let sum = 0;
    let squares = 0;
    for (let row = 0; row < rowsPerUnit; row += 1) {
      const value = draw(random, unit, row);
      sum += value;
      squares += value * value;
    }
    n.push(rowsPerUnit);
    x.push(sum);
    ss.push(squares);
  }
  const map = fitSlots([...n.keys()], n, hourMs);
  const oneSlot = slots === 1;
  return fitStatistic({
    kind: 'mean',
    unitMs: hourMs,
    n,
    x,
    ss,
    slots: oneSlot ? 1 : map.slots,
    slotOfUnit: oneSlot ? () => 0 : (index) => slotOf(map, index),
  })!;
}

function linkOf(model: StatisticModel, units: number) {
  return model.dispersion.links.find((link) => link.units === units)!;
}

const normal: Draw = (random) => random.normal();
const seeds = Array.from({ length: 500 }, (_, seed) => seed);

function meanOver(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('independent rows', () => {
  test.each([1, undefined])('the mean estimate over 500 baselines is 1 at every block length (slots: %s)', (slots) => {
    const models = seeds.map((seed) => fitMean(seed, 240, normal, slots));
    expect(models[0]!.dispersion.links.map(({ units }) => units)).toEqual([1, 3, 6, 12, 24, 48]);
    const days = 10;
    for (const { units } of models[0]!.dispersion.links) {
      const mean = meanOver(models.map((model) => linkOf(model, units).estimate));
      const lost = slots === 1 ? units / 240 : 1 / days;
      const free = (240 / units) * (1 - lost) * (units > 1 ? 1.4 : 1);
      expect(Math.abs(mean - 1), `blocks of ${units} h: ${mean}`).toBeLessThan(4 * Math.sqrt(2 / (500 * free)));
    }
  });

  test('windows are compared nearly as independent rows are: half of all baselines say phi < 1.2, with 20 degrees of freedom or more', () => {
    const models = seeds.slice(0, 101).map((seed) => fitMean(seed, 168, normal));
    const phis = models
      .map(({ dispersion }) => phiOfWindow(dispersion, 24 * hourMs, 1 / 960, 1 / 6720))
      .sort((left, right) => left - right);
    expect(phis[0]).toBe(1);
    expect(phis[50]).toBeLessThan(1.2);
    const nus = models.map(({ dispersion }) => nuOfWindow(dispersion, 24 * hourMs)).sort((left, right) => left - right);
    expect(nus[50]).toBeGreaterThan(20);
  });
});

test.each([0.5, 0.8])('autocorrelated rows with coefficient %d: the mean estimate at a day is near (1 + a) / (1 - a)', (a) => {
  const estimates = seeds.slice(0, 200).map((seed) => {
    let value = 0;
    const autocorrelated: Draw = (random) => {
      value = a * value + Math.sqrt(1 - a * a) * random.normal();
      return value;
    };
    return linkOf(fitMean(seed, 240, autocorrelated), 24).estimate;
  });
  const ratio = meanOver(estimates) / ((1 + a) / (1 - a));
  expect(ratio).toBeGreaterThan(0.9);
  expect(ratio).toBeLessThan(1.1);
});

describe('a sine over the day', () => {
  const sine: Draw = (random, unit) => Math.sin((2 * Math.PI * unit) / 24) + random.normal();

  test('is no variation with hour slots', () => {
    const means = seeds.slice(0, 50).map((seed) => linkOf(fitMean(seed, 240, sine), 24).phi);
    expect(Math.abs(meanOver(means) - 1)).toBeLessThan(0.1);
  });

  test('is variation with one slot: insensitive, not wrong', () => {
    expect(linkOf(fitMean(3, 240, sine, 1), 6).phi).toBeGreaterThan(20);
  });
});

test('phi goes on growing beyond the longest blocks, and the own mean of the baseline with it', () => {
  let level = 0;
  const randomWalk = fitMean(5, 168, (random, _unit, row) => {
    if (row === 0) level = 0.98 * level + 0.2 * random.normal();
    return level + random.normal();
  });
  const phi = (windowMs: number): number => phiOfWindow(randomWalk.dispersion, windowMs, 1, 0);
  expect(phi(24 * hourMs)).toBeGreaterThan(5);
  expect(phi(72 * hourMs)).toBeGreaterThan(1.5 * phi(24 * hourMs));
  expect(phiOfWindow(randomWalk.dispersion, hourMs, 1, 1)).toBeGreaterThan(phi(hourMs));
});

test('bursts leave few degrees of freedom, fewer to short windows', () => {
  const bursty = fitMean(7, 240, (random, unit) => (unit % 60 === 59 ? 3 : 0) + random.normal());
  const calm = fitMean(7, 240, normal);
  expect(nuOfWindow(bursty.dispersion, 3 * hourMs)).toBeLessThan(8);
  expect(nuOfWindow(calm.dispersion, 3 * hourMs)).toBeGreaterThan(20);
  expect(nuOfWindow(bursty.dispersion, hourMs)).toBeLessThan(nuOfWindow(bursty.dispersion, 24 * hourMs));
});

test('no variation is read from fewer than five units', () => {
  const unit = { kind: 'count', unitMs: hourMs, slotOfUnit: () => 0, slots: 1 } as const;
  expect(fitStatistic({ ...unit, n: [9, 9, 9, 9], x: [1, 1, 1, 1] })).toBeNull();
  expect(fitStatistic({ ...unit, n: [9, 9, 9, 9, 9], x: [1, 1, 1, 1, 1] })).not.toBeNull();
});
