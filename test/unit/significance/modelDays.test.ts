/**
 * False alarms and delays of the whole rule (recipe, section 8). The runs here are small, so that they take seconds; for figures:
 *
 *   TIDEMARK_MODEL_DAYS=240 npx vitest run test/unit/significance/modelDays.test.ts
 */
import { describe, expect, test } from 'vitest';
import { bursts, openings, type Traffic, wandering } from './modelDays.ts';
import { hourMs, times } from './traffic.ts';

const independent = wandering({ size: 0, correlationMs: hourMs, rhythm: 0 });

/** Days of undrifted traffic per kind; where it is given, at the full size of 10 series and 60 rows a pane, with its figures printed. */
const wantedDays = Number(process.env.TIDEMARK_MODEL_DAYS ?? 0);
const size = wantedDays > 0 ? { series: 10, rowsPerPane: 60, days: 30 } : { series: 3, rowsPerPane: 20, days: 6 };
const runs = wantedDays > 0 ? Math.ceil(wantedDays / size.days) : 1;

describe('undrifted traffic opens no more incidents per 30 days than the budget of one, bursts apart', () => {
  // A known limit: hours that happen to hold three or four bursts look like a short drift. At the full size this traffic gave 2.0.
  const kinds: readonly (readonly [name: string, perMonth: number, traffic: Traffic])[] = [
    ['independent rows', 1, independent],
    ['a daily rhythm', 1, wandering({ size: 0, correlationMs: hourMs, rhythm: 0.5 })],
    ['a mean that wanders by the hour, with a rhythm', 1, wandering({ size: 0.15, correlationMs: hourMs, rhythm: 0.5 })],
    ['a mean that wanders over six hours', 1, wandering({ size: 0.15, correlationMs: 6 * hourMs, rhythm: 0 })],
    ['bursts of ten minutes, four a day', 2.5, bursts],
  ];

  test.each(kinds)('%s', { timeout: 60_000 + runs * 120_000 }, (name, perMonth, traffic) => {
    const opened = times(runs, (run) => openings({ seed: 100 + run, ...size, traffic })).flat();
    const days = runs * size.days;
    if (wantedDays > 0)
      console.info(`${name}: ${opened.length} incidents in ${days} model-days, ${((30 * opened.length) / days).toFixed(2)} per 30 days`);
    // As many as a process of this rate exceeds once in a hundred times.
    expect(opened.length).toBeLessThanOrEqual(poissonQuantile((perMonth * days) / 30, 0.99));
  });
});

test.each([
  [0.5, 4],
  [1, 2],
])('a shift of %d standard deviations in independent traffic is reported within %d hours', (by, hours) => {
  const delays = times(4, (run) => {
    const opened = openings({ seed: 200 + run, series: 2, rowsPerPane: 60, days: 2, traffic: independent, shift: { afterHours: 24, by } });
    return (opened.find((hour) => hour > 24) ?? Number.POSITIVE_INFINITY) - 24;
  });
  if (wantedDays > 0) console.info(`a shift of ${by}: reported after ${delays.map((delay) => delay.toFixed(1)).join(', ')} h`);
  expect(Math.max(...delays)).toBeLessThan(hours);
});

/** Smallest count that a Poisson variable of this mean exceeds with probability 1 - share at most. */
function poissonQuantile(mean: number, share: number): number {
  let count = 0;
  let probability = Math.exp(-mean);
  let sum = probability;
  while (sum < share) {
    count += 1;
    probability *= mean / count;
    sum += probability;
  }
  return count;
}
