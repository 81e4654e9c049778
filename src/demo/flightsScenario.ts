/** What the demo replays, and the settings under which it was tried out (docs/flights.md has what came of it). Durations are milliseconds. */
import { dayMs, hourMs, minuteMs } from '../core/duration.ts';
import type { FlightTrafficOptions } from './flights.ts';
import { distanceInKilometres } from './flights.ts';

/** One run of the demo: the traffic, when its fault begins, and how windows are cut. */
export interface FlightsScenario {
  readonly traffic: FlightTrafficOptions;
  /** From here on the distances are in kilometres. */
  readonly faultSinceMs: number;
  readonly hopMs: number;
  readonly scalesMs: readonly number[];
  readonly baselineMs: number;
  /** Features not to watch: the hour of departure is the clock, and the clock does not drift. */
  readonly ignore: readonly string[];
  /** Segments to watch. */
  readonly segments: readonly string[];
}

/**
 * 22 January to 8 February, a fifth of the flights, about 115,000 records: a week of baseline, a quiet week, the snow of 5 February that
 * closed LaGuardia (a real incident, seven hours long), and kilometres from 7 February, 06:00 on (an incident at 07:30).
 */
export const fullScenario: FlightsScenario = scenario(0.2, Date.UTC(2001, 1, 7, 6), Date.UTC(2001, 1, 8, 12), ['hub']);

/** 22 to 31 January, a tenth of the flights, about 31,000 records: the baseline, two quiet days, and kilometres from 31 January, 06:00 on. */
export const quickScenario: FlightsScenario = scenario(0.1, Date.UTC(2001, 0, 31, 6), Date.UTC(2001, 0, 31, 18), []);

function scenario(sample: number, faultSinceMs: number, toMs: number, segments: readonly string[]): FlightsScenario {
  return {
    traffic: { sample, fromMs: Date.UTC(2001, 0, 22), toMs, fault: distanceInKilometres({ sinceMs: faultSinceMs }) },
    faultSinceMs,
    hopMs: 30 * minuteMs,
    scalesMs: [6 * hourMs, dayMs],
    baselineMs: 7 * dayMs,
    ignore: ['hour'],
    segments,
  };
}
