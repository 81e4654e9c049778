/**
 * The traffic of the demo: for each flight a prediction when it leaves and its label when it has landed, in the order of event time, with
 * faults injected on request. A pure function of the data set and the options.
 */
import { minuteMs } from '../core/duration.ts';
import { delayWeights, type FlightFeatures, lateMinutes, lateProbability, modelName, modelVersion, type Outcome } from './delayModel.ts';
import type { Flight, FlightSelection } from './flight.ts';
import { flightRows, shareOf } from './flightRows.ts';

/** A prediction as the `json` preset reads it (docs/design/design.md, section 9). */
export interface FlightPrediction {
  readonly id: string;
  readonly ts: string;
  readonly model: string;
  readonly version: string;
  readonly features: FlightFeatures;
  readonly prediction: Outcome;
  /** Probability of `late`. */
  readonly score: number;
  /** Origin, where it is one of the large airports; else `other`. */
  readonly segments: { readonly hub: string };
}

export interface FlightFeedback {
  readonly id: string;
  readonly ts: string;
  readonly model: string;
  readonly label: Outcome;
}

export type FlightMessage =
  | { readonly topic: 'predictions'; readonly timestampMs: number; readonly value: FlightPrediction }
  | { readonly topic: 'feedback'; readonly timestampMs: number; readonly value: FlightFeedback };

/**
 * What goes wrong: in the features that the model gets, and that are logged, in place of the true ones, or in what it answers. Pure functions
 * of the flight.
 */
export interface Fault {
  readonly features?: (truth: FlightFeatures, flight: Flight) => FlightFeatures;
  readonly outcome?: (outcome: Outcome, flight: Flight) => Outcome;
}

export interface FlightTrafficOptions extends FlightSelection {
  readonly fault?: Fault;
}

/** The ten airports with the most departures in the training weeks: about 35 % of all flights. */
export const hubs: readonly string[] = ['ORD', 'DFW', 'ATL', 'LAX', 'PHX', 'STL', 'DTW', 'MSP', 'LAS', 'DEN'];

/**
 * Predictions and labels of the selected flights by event time; of those at the same minute the labels come first. Labels of flights in the
 * air at the end of the selection still follow.
 */
export async function* flightTraffic(options: FlightTrafficOptions): AsyncIterable<FlightMessage> {
  const landings = new Map<number, FlightMessage[]>();
  let minute = Math.floor(options.fromMs / minuteMs);
  for await (const flight of flightRows(options)) {
    for (const now = flight.departureMs / minuteMs; minute <= now; minute += 1) yield* take(landings, minute);
    yield predictionOf(flight, options.fault);
    const feedback = feedbackOf(flight);
    const landing = feedback.timestampMs / minuteMs;
    const others = landings.get(landing);
    if (others === undefined) landings.set(landing, [feedback]);
    else others.push(feedback);
  }
  for (; landings.size > 0; minute += 1) yield* take(landings, minute);
}

/** From `sinceMs` on, flights from these origins (from everywhere where there are none) have their distance in kilometres instead of miles. */
export function distanceInKilometres(options: { readonly sinceMs: number; readonly origins?: readonly string[] }): Fault {
  return {
    features: (truth, flight) =>
      flight.departureMs >= options.sinceMs && (options.origins?.includes(flight.origin) ?? true) && truth.distance !== null
        ? { ...truth, distance: Math.round(truth.distance * 1.609344) }
        : truth,
  };
}

/** From `sinceMs` on, a share of the flights (chosen by a hash of the flight) lacks one feature. */
export function missingFeature(options: {
  readonly sinceMs: number;
  readonly feature: keyof FlightFeatures;
  readonly share: number;
}): Fault {
  return {
    // Another hash than that of the sample, which has already taken the small values of the first.
    features: (truth, flight) =>
      flight.departureMs >= options.sinceMs && shareOf(flight.row ^ 0x5bd1e995) < options.share
        ? { ...truth, [options.feature]: null }
        : truth,
  };
}

/** From `sinceMs` on, late and on-time are mixed up, as by a release with the classes in another order. The score stays. */
export function swappedClasses(options: { readonly sinceMs: number }): Fault {
  return {
    outcome: (outcome, flight) => (flight.departureMs < options.sinceMs ? outcome : outcome === 'late' ? 'on-time' : 'late'),
  };
}

/** When the flight lands: half an hour of taxiing, climb and descent, and 8 miles a minute. The delay is in the actual departure already. */
function landingMs(flight: Flight): number {
  return flight.departureMs + Math.ceil(30 + flight.distance / 8) * minuteMs;
}

function* take(landings: Map<number, FlightMessage[]>, minute: number): Iterable<FlightMessage> {
  const landed = landings.get(minute);
  if (landed === undefined) return;
  landings.delete(minute);
  yield* landed;
}

function predictionOf(flight: Flight, fault: Fault | undefined): FlightMessage {
  const departure = new Date(flight.departureMs);
  const truth: FlightFeatures = {
    distance: flight.distance,
    hour: departure.getUTCHours(),
    origin: flight.origin,
    destination: flight.destination,
  };
  const features = fault?.features?.(truth, flight) ?? truth;
  const score = Math.round(lateProbability(delayWeights, features) * 1e4) / 1e4;
  const outcome = score >= delayWeights.threshold ? 'late' : 'on-time';
  return {
    topic: 'predictions',
    timestampMs: flight.departureMs,
    value: {
      id: idOf(flight),
      ts: departure.toISOString(),
      model: modelName,
      version: modelVersion,
      features,
      prediction: fault?.outcome?.(outcome, flight) ?? outcome,
      score,
      segments: { hub: hubs.includes(flight.origin) ? flight.origin : 'other' },
    },
  };
}

function feedbackOf(flight: Flight): FlightMessage {
  const landed = landingMs(flight);
  return {
    topic: 'feedback',
    timestampMs: landed,
    value: {
      id: idOf(flight),
      ts: new Date(landed).toISOString(),
      model: modelName,
      label: flight.arrivalDelay >= lateMinutes ? 'late' : 'on-time',
    },
  };
}

function idOf(flight: Flight): string {
  return `flight-${flight.row}`;
}
