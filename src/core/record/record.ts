/**
 * What Tidemark knows of one message of an inference stack, whatever its bytes were. `src/formats` makes these from bytes; the
 * core sees nothing else.
 */

/** A label or a predicted class / value as it came: numbers stay numbers. Compared by `canonicalValue`. */
export type Value = number | string | boolean;

/** One prediction of a model. `features` is the parsed object itself (not a copy), so its values are of unknown type. */
export interface PredictionRecord {
  readonly kind: 'prediction';
  readonly id: string;
  /** Event time, epoch milliseconds. */
  readonly timeMs: number;
  /** Model name; the pseudo-model `topic:NAME` where the record has none. */
  readonly model: string;
  /** Model version; empty where the record has none. */
  readonly version: string;
  readonly features: Readonly<Record<string, unknown>>;
  readonly prediction: Value | null;
  /** Probability of the positive class, or of each class by its name; null where the record has none. */
  readonly score: number | Readonly<Record<string, number>> | null;
  readonly segments: Readonly<Record<string, string>>;
  /** A label that came with the prediction itself; null where none did. */
  readonly label: Value | null;
}

/** One late label. `model` is `*` where the record names none: it then serves every model of its topic. */
export interface FeedbackRecord {
  readonly kind: 'feedback';
  readonly id: string;
  /** Time of the label as its producer states it, epoch milliseconds. */
  readonly timeMs: number;
  readonly model: string;
  readonly label: Value;
}

/** Why a record cannot be used. A stable word of the contract: a metric label, a key of `summary.json`, a dead letter's reason. */
export type InvalidReason =
  | 'not-json'
  | 'not-object'
  | 'too-large'
  | 'too-deep'
  | 'no-id'
  | 'no-time'
  | 'bad-time'
  | 'ahead-of-log'
  | 'bad-model'
  | 'bad-version'
  | 'bad-features'
  | 'bad-prediction'
  | 'bad-score'
  | 'bad-segments'
  | 'no-label'
  | 'bad-label';

/** A record that cannot be used: counted, and sent to the dead-letter topic with `detail` (what was found, what was expected). */
export interface InvalidRecord {
  readonly kind: 'invalid';
  readonly reason: InvalidReason;
  /** One sentence for a person. Holds no value of the record beyond 80 characters. */
  readonly detail: string;
  /** The model that the record names, where that much could be read; else the pseudo-model `topic:NAME`. */
  readonly model: string;
}

/** A null value (a tombstone of a compacted topic): skipped and counted. */
interface SkippedRecord {
  readonly kind: 'skipped';
}

export type DecodedRecord = PredictionRecord | FeedbackRecord | InvalidRecord | SkippedRecord;

/** Canonical text of a label or prediction: `1`, `"1"` and `true` are `"1"`, `"1"` and `"true"` (docs/design/protocol.md, Values). */
export function canonicalValue(value: Value): string {
  return String(value);
}

/** Name of the model that a record without a model belongs to. */
export function pseudoModel(topic: string): string {
  return `topic:${topic}`;
}
