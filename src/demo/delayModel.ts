/**
 * The model of the demo: will this flight arrive 15 minutes late or more? A logistic regression on what is known when the flight
 * leaves, fitted once on 1 to 21 January 2001 (`fitDelayModel.ts`) and fixed since, as a deployed model is. It is meant to be honest, not
 * good: nothing of it was chosen with the weeks that the demo replays. The day of the week is left out on purpose: three weeks cannot tell
 * a Friday from that Friday's weather.
 */
import stored from './delayModel.json' with { type: 'json' };

/** What the model is given. A value that is missing adds nothing to the log-odds, as if it were average. */
export interface FlightFeatures {
  /** Miles. */
  readonly distance: number | null;
  /** Hour of departure, local time, 0 to 23. */
  readonly hour: number | null;
  readonly origin: string | null;
  readonly destination: string | null;
}

/** Log-odds of being late: one weight per value of each feature, and one per standard deviation of ln(distance). */
export interface DelayWeights {
  readonly intercept: number;
  readonly hour: Readonly<Record<string, number>>;
  readonly origin: Readonly<Record<string, number>>;
  readonly destination: Readonly<Record<string, number>>;
  readonly distance: { readonly mean: number; readonly deviation: number; readonly weight: number };
  /** Scores from here on are called late: chosen so that the model calls as many late as there were in its training weeks. */
  readonly threshold: number;
}

export type Outcome = 'late' | 'on-time';

/** A flight is late from this many minutes on: the rule of the US Department of Transportation. */
export const lateMinutes = 15;

/** Name and version under which the demo's predictions are logged. */
export const modelName = 'delays';
export const modelVersion = '2001-01';

/** The weights that the demo uses. */
export const delayWeights: DelayWeights = stored;

/** Probability that the flight is late. Origins and destinations that the training weeks did not have count as average. */
export function lateProbability(weights: DelayWeights, features: FlightFeatures): number {
  const { mean, deviation, weight } = weights.distance;
  const logOdds =
    weights.intercept +
    weightOf(weights.hour, features.hour) +
    weightOf(weights.origin, features.origin) +
    weightOf(weights.destination, features.destination) +
    (features.distance === null ? 0 : (weight * (Math.log(Math.max(1, features.distance)) - mean)) / deviation);
  return 1 / (1 + Math.exp(-logOdds));
}

function weightOf(weights: Readonly<Record<string, number>>, value: string | number | null): number {
  return value === null ? 0 : (weights[value] ?? 0);
}
