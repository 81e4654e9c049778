import { describe, expect, it } from 'vitest';
import { dayMs } from '../../../src/core/duration.ts';
import { type DelayWeights, delayWeights, type FlightFeatures, lateProbability } from '../../../src/demo/delayModel.ts';
import { fitDelayModel, trainingEndMs } from '../../../src/demo/fitDelayModel.ts';
import { firstDayMs, flightRows } from '../../../src/demo/flightRows.ts';
import { figuresText, flightFigures } from '../../../src/demo/flightsFigures.ts';

const features: FlightFeatures = { distance: 600, hour: 18, origin: 'ORD', destination: 'LGA' };

/** Every weight by its path. */
function flat(weights: DelayWeights): [string, number][] {
  const { intercept, threshold, ...groups } = weights;
  const named = Object.entries(groups).flatMap(([group, values]) =>
    Object.entries(values).map(([name, weight]): [string, number] => [`${group}.${name}`, weight]),
  );
  return [['intercept', intercept], ['threshold', threshold], ...named];
}

describe('the stored model', () => {
  it('is what the script fits on 1 to 21 January', async () => {
    const refitted = new Map(flat(await fitDelayModel(flightRows({ sample: 1, fromMs: firstDayMs, toMs: trainingEndMs }))));
    const stored = flat(delayWeights);
    expect([...refitted.keys()]).toEqual(stored.map(([name]) => name));
    // Rounded to four digits: another machine's exp and log may differ in the last one.
    for (const [name, weight] of stored) expect(refitted.get(name)).toBeCloseTo(weight, 3);
  });

  it('gives a probability; a missing feature, or an airport never seen, counts as average', () => {
    const known = lateProbability(delayWeights, features);
    expect(known).toBeGreaterThan(0.2);
    expect(known).toBeLessThan(0.6);
    expect(lateProbability(delayWeights, { ...features, origin: 'XXX' })).toBe(
      lateProbability(delayWeights, { ...features, origin: null }),
    );
    const nothing = lateProbability(delayWeights, { distance: null, hour: null, origin: null, destination: null });
    expect(Math.log(nothing / (1 - nothing))).toBeCloseTo(delayWeights.intercept, 10);
  });

  it('tells late flights from others better than chance in a week it was not fitted on', async () => {
    const { model, days } = await flightFigures(flightRows({ sample: 1, fromMs: trainingEndMs, toMs: trainingEndMs + 7 * dayMs }));
    expect(days.size).toBe(7);
    expect(model.flights).toBe(115_963);
    expect(model.auc).toBeGreaterThan(0.6);
  });
});

describe('the figures of the flights', () => {
  it('show LaGuardia without departures for most of the snow of 5 March', async () => {
    const from = Date.UTC(2001, 2, 4);
    const figures = await flightFigures(flightRows({ sample: 1, fromMs: from, toMs: from + 2 * dayMs }));
    const share = (day: number) => (figures.days.get(day)?.origins.get('LGA') ?? 0) / (figures.days.get(day)?.flights ?? 1);
    expect(share(from)).toBeGreaterThan(0.015);
    expect(share(from + dayMs)).toBeLessThan(0.005);
    expect(figuresText(figures, ['LGA'])).toMatch(/^Mon, 05 Mar +14696 +17\.1 % +3\.1 +705 +73\.0 % +0\.4 %$/m);
  });
});
