/**
 * Fits the demo's model and writes `delayModel.json`: `node src/demo/fitDelayModel.ts`. Coordinate-wise Newton steps with a ridge,
 * in a fixed order without randomness: the penalised likelihood is concave, so the same rows give the same weights.
 */
import { writeFileSync } from 'node:fs';
import { dayMs } from '../core/duration.ts';
import { type DelayWeights, lateMinutes } from './delayModel.ts';
import type { Flight } from './flight.ts';
import { firstDayMs, flightRows } from './flightRows.ts';

/** Training weeks: 1 to 21 January. The demo replays what comes after. */
export const trainingEndMs = firstDayMs + 21 * dayMs;

/** As if every value had been seen this often more, at the average: keeps airports with a handful of flights near zero. */
const ridge = 20;
const sweeps = 12;

/** One feature as the index of its value, per flight. */
interface Group {
  readonly levels: string[];
  readonly indexes: number[];
  readonly weights: number[];
}

/** Fits the weights to these flights. */
export async function fitDelayModel(flights: AsyncIterable<Flight>): Promise<DelayWeights> {
  const rows: Flight[] = [];
  for await (const flight of flights) rows.push(flight);
  const late = rows.map((flight) => (flight.arrivalDelay >= lateMinutes ? 1 : 0));
  const lateShare = late.reduce<number>((sum, one) => sum + one, 0) / rows.length;
  const logs = rows.map((flight) => Math.log(Math.max(1, flight.distance)));
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  const deviation = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length);
  const standard = logs.map((value) => (value - mean) / deviation);

  const groups = {
    hour: group(rows.map((flight) => String(new Date(flight.departureMs).getUTCHours()))),
    origin: group(rows.map((flight) => flight.origin)),
    destination: group(rows.map((flight) => flight.destination)),
  };
  const intercept = Math.log(lateShare / (1 - lateShare));
  const logOdds = rows.map(() => intercept);
  let slope = 0;
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    for (const one of Object.values(groups)) stepGroup(one, late, logOdds);
    slope += stepSlope(standard, slope, late, logOdds);
  }
  const scores = logOdds.map((value) => 1 / (1 + Math.exp(-value))).sort((left, right) => left - right);
  return {
    intercept: rounded(intercept),
    hour: named(groups.hour),
    origin: named(groups.origin),
    destination: named(groups.destination),
    distance: { mean: rounded(mean), deviation: rounded(deviation), weight: rounded(slope) },
    threshold: rounded(scores[Math.floor(scores.length * (1 - lateShare))] ?? 0.5),
  };
}

function group(values: readonly string[]): Group {
  const levels = [...new Set(values)].sort();
  const places = new Map(levels.map((level, place) => [level, place]));
  return { levels, indexes: values.map((value) => places.get(value) ?? 0), weights: levels.map(() => 0) };
}

/** One Newton step for every level of a group at once: its levels share no flight, so the Hessian is diagonal. */
function stepGroup({ levels, indexes, weights }: Group, late: readonly number[], logOdds: number[]): void {
  const gradient = weights.map((weight) => -ridge * 0.25 * weight);
  const curvature = levels.map(() => ridge * 0.25);
  for (const [row, level] of indexes.entries()) {
    const p = 1 / (1 + Math.exp(-(logOdds[row] ?? 0)));
    gradient[level] = (gradient[level] ?? 0) + (late[row] ?? 0) - p;
    curvature[level] = (curvature[level] ?? 0) + p * (1 - p);
  }
  const steps = gradient.map((value, level) => value / (curvature[level] ?? 1));
  for (const [level, step] of steps.entries()) weights[level] = (weights[level] ?? 0) + step;
  for (const [row, level] of indexes.entries()) logOdds[row] = (logOdds[row] ?? 0) + (steps[level] ?? 0);
}

function stepSlope(values: readonly number[], slope: number, late: readonly number[], logOdds: number[]): number {
  let gradient = -ridge * 0.25 * slope;
  let curvature = ridge * 0.25;
  for (const [row, value] of values.entries()) {
    const p = 1 / (1 + Math.exp(-(logOdds[row] ?? 0)));
    gradient += ((late[row] ?? 0) - p) * value;
    curvature += p * (1 - p) * value * value;
  }
  const step = gradient / curvature;
  for (const [row, value] of values.entries()) logOdds[row] = (logOdds[row] ?? 0) + step * value;
  return step;
}

function named({ levels, weights }: Group): Record<string, number> {
  return Object.fromEntries(levels.map((level, place) => [level, rounded(weights[place] ?? 0)]));
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

if (import.meta.main) {
  const weights = await fitDelayModel(flightRows({ sample: 1, fromMs: firstDayMs, toMs: trainingEndMs }));
  writeFileSync(new URL('./delayModel.json', import.meta.url), `${JSON.stringify(weights, null, 2)}\n`);
}
