/**
 * The figures of docs/flights.md: what the data set is, how it changes, and how good the demo's model is. `node src/demo/flightsFigures.ts`
 * reads all three million flights, about ten seconds.
 */
import { dayMs } from '../core/duration.ts';
import { delayWeights, lateMinutes, lateProbability } from './delayModel.ts';
import { trainingEndMs } from './fitDelayModel.ts';
import type { Flight } from './flight.ts';
import { firstDayMs, flightRows, lastDayMs } from './flightRows.ts';

/** What is said of one day. Shares are of the day's flights. */
interface Day {
  flights: number;
  late: number;
  /** Sum of the delays in minutes. */
  delay: number;
  /** Sum of the distances in miles. */
  distance: number;
  correct: number;
  origins: Map<string, number>;
}

/** How late and on-time flights are spread over scores of one ten-thousandth. */
interface ScoreCounts {
  readonly late: Float64Array;
  readonly onTime: Float64Array;
}

/** What telling departure from schedule rests on: departures at a minute that ends in 0 or 5, by how the flight went. */
interface Rounding {
  flights: number;
  atFive: number;
}

export interface FlightFigures {
  readonly flights: number;
  readonly days: ReadonlyMap<number, Readonly<Day>>;
  /** Share of departures at a minute that ends in 0 or 5: of flights that arrived on the minute, and of those over an hour late. */
  readonly roundMinutes: { readonly onTheMinute: number; readonly hourLate: number };
  /** Smallest delay, and the 5 %, 50 % and 95 % quantiles of all delays, minutes. */
  readonly delayQuantiles: readonly number[];
  /** Of the flights after the training weeks. */
  readonly model: { readonly flights: number; readonly late: number; readonly auc: number; readonly accuracy: number };
}

/** Reads the flights once. */
export async function flightFigures(flights: AsyncIterable<Flight>): Promise<FlightFigures> {
  const days = new Map<number, Day>();
  const delays = new Map<number, number>();
  const scores: ScoreCounts = { late: new Float64Array(10_001), onTime: new Float64Array(10_001) };
  const onTheMinute: Rounding = { flights: 0, atFive: 0 };
  const hourLate: Rounding = { flights: 0, atFive: 0 };
  let count = 0;
  for await (const flight of flights) {
    const isLate = flight.arrivalDelay >= lateMinutes;
    const departure = new Date(flight.departureMs);
    const score = lateProbability(delayWeights, { ...flight, hour: departure.getUTCHours() });
    const isCorrect = score >= delayWeights.threshold === isLate;
    count += 1;
    delays.set(flight.arrivalDelay, (delays.get(flight.arrivalDelay) ?? 0) + 1);
    addToDay(days, flight, isLate, isCorrect);
    const rounding = flight.arrivalDelay === 0 ? onTheMinute : flight.arrivalDelay > 60 ? hourLate : null;
    if (rounding !== null) {
      rounding.flights += 1;
      if (departure.getUTCMinutes() % 5 === 0) rounding.atFive += 1;
    }
    if (flight.departureMs >= trainingEndMs) {
      const side = isLate ? scores.late : scores.onTime;
      const place = Math.round(score * 10_000);
      side[place] = (side[place] ?? 0) + 1;
    }
  }
  const after = [...days].filter(([day]) => day >= trainingEndMs).map(([, day]) => day);
  const flightsAfter = sum(after.map((day) => day.flights));
  return {
    flights: count,
    days,
    roundMinutes: { onTheMinute: onTheMinute.atFive / onTheMinute.flights, hourLate: hourLate.atFive / hourLate.flights },
    delayQuantiles: quantiles(delays, count, [0, 0.05, 0.5, 0.95]),
    model: {
      flights: flightsAfter,
      late: sum(after.map((day) => day.late)) / flightsAfter,
      auc: areaUnderCurve(scores),
      accuracy: sum(after.map((day) => day.correct)) / flightsAfter,
    },
  };
}

function addToDay(days: Map<number, Day>, flight: Flight, isLate: boolean, isCorrect: boolean): void {
  const key = Math.floor(flight.departureMs / dayMs) * dayMs;
  const day = days.get(key) ?? { flights: 0, late: 0, delay: 0, distance: 0, correct: 0, origins: new Map() };
  days.set(key, day);
  day.flights += 1;
  day.late += isLate ? 1 : 0;
  day.correct += isCorrect ? 1 : 0;
  day.delay += flight.arrivalDelay;
  day.distance += flight.distance;
  day.origins.set(flight.origin, (day.origins.get(flight.origin) ?? 0) + 1);
}

/** Probability that a late flight has a higher score than one on time; ties count half. */
function areaUnderCurve({ late, onTime }: ScoreCounts): number {
  let below = 0;
  let area = 0;
  for (const [place, count] of onTime.entries()) {
    area += (late[place] ?? 0) * (below + count / 2);
    below += count;
  }
  return area / (below * sum([...late]));
}

function quantiles(counts: ReadonlyMap<number, number>, total: number, shares: readonly number[]): number[] {
  const sorted = [...counts].sort(([left], [right]) => left - right);
  return shares.map((share) => {
    let seen = 0;
    for (const [value, count] of sorted) {
      seen += count;
      if (seen > share * total) return value;
    }
    return Number.NaN;
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The figures as text: one line a day. */
export function figuresText(figures: FlightFigures, origins: readonly string[]): string {
  const { model, roundMinutes, delayQuantiles } = figures;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const lines = [...figures.days].map(([time, day]) =>
    [
      new Date(time).toUTCString().slice(0, 11),
      String(day.flights).padStart(7),
      percent(day.late / day.flights).padStart(8),
      (day.delay / day.flights).toFixed(1).padStart(6),
      (day.distance / day.flights).toFixed(0).padStart(6),
      percent(day.correct / day.flights).padStart(8),
      ...origins.map((origin) => percent((day.origins.get(origin) ?? 0) / day.flights).padStart(7)),
    ].join(' '),
  );
  return [
    `${figures.flights} flights; delay minutes: least ${delayQuantiles[0]}, 5 % ${delayQuantiles[1]}, median ${delayQuantiles[2]}, 95 % ${delayQuantiles[3]}`,
    `departures at a minute ending in 0 or 5: ${percent(roundMinutes.onTheMinute)} of flights that arrived on the minute, ${percent(roundMinutes.hourLate)} of those over an hour late`,
    `model, on ${model.flights} flights after its training weeks: AUC ${model.auc.toFixed(3)}, accuracy ${percent(model.accuracy)}, late ${percent(model.late)}`,
    '',
    `day         flights     late  delay  miles accuracy ${origins.map((origin) => origin.padStart(7)).join(' ')}`,
    ...lines,
  ].join('\n');
}

if (import.meta.main) {
  const figures = await flightFigures(flightRows({ sample: 1, fromMs: firstDayMs, toMs: lastDayMs }));
  process.stdout.write(`${figuresText(figures, ['LGA', 'BOS', 'ORD', 'DFW', 'DEN', 'SEA'])}\n`);
}
