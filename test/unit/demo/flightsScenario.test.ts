import { describe, expect, it } from 'vitest';
import { flightTraffic } from '../../../src/demo/flights.ts';
import { fullScenario, quickScenario } from '../../../src/demo/flightsScenario.ts';

async function median(scenario: typeof quickScenario, fromMs: number, toMs: number): Promise<number> {
  const distances: number[] = [];
  for await (const { topic, value } of flightTraffic({ ...scenario.traffic, fromMs, toMs })) {
    if (topic === 'predictions' && value.features.distance !== null) distances.push(value.features.distance);
  }
  return distances.sort((left, right) => left - right)[Math.floor(distances.length / 2)] ?? Number.NaN;
}

describe.each([
  ['full', fullScenario],
  ['quick', quickScenario],
])('the %s run of the demo', (_name, scenario) => {
  it('leaves a day and more between the baseline and the fault, and hours after the fault', () => {
    const { traffic, faultSinceMs, baselineMs, scalesMs, hopMs } = scenario;
    expect(faultSinceMs - traffic.fromMs - baselineMs).toBeGreaterThan(24 * 3_600_000);
    expect(traffic.toMs - faultSinceMs).toBeGreaterThanOrEqual(12 * 3_600_000);
    for (const scale of scalesMs) expect((scale / 12) % hopMs).toBe(0);
  });

  it('has its distances in kilometres from the fault on', async () => {
    const { faultSinceMs } = scenario;
    const before = await median(scenario, faultSinceMs - 12 * 3_600_000, faultSinceMs);
    const after = await median(scenario, faultSinceMs, faultSinceMs + 12 * 3_600_000);
    expect(after / before).toBeGreaterThan(1.35);
  });
});
