/** Records that decode well and still cannot be summarized: what is said of them. */
import { dayMs } from '../duration.ts';
import type { DecodedRecord, FeedbackRecord, InvalidRecord, PredictionRecord } from '../record/record.ts';

/** A prediction whose event time lies further ahead of its Kafka timestamp than `window.maxAhead` allows. */
export function aheadOfLog(record: PredictionRecord, timestampMs: number): InvalidRecord {
  const aheadS = Math.round((record.timeMs - timestampMs) / 1000);
  const detail = `the event time is ${aheadS} s ahead of the Kafka timestamp: more than window.maxAhead allows; is the producer's clock right?`;
  return { kind: 'invalid', reason: 'ahead-of-log', detail, model: record.model };
}

/** A Kafka timestamp further ahead of the reader's clock than this is not believed: with CreateTime it is a producer's, and brokers before Kafka 4.0 take any. */
export const believableAheadMs = dayMs;

/** A record whose Kafka timestamp is not believed: usable where its own time is. `nowMs`: by the reader's clock. */
export function withoutTimestamp(decoded: DecodedRecord, nowMs: number): DecodedRecord {
  if (!('timeMs' in decoded) || decoded.timeMs - nowMs <= believableAheadMs) return decoded;
  const detail =
    "both its own time and its Kafka timestamp lie more than a day ahead of the clock of the worker that reads it: is the producer's clock right?";
  return { kind: 'invalid', reason: 'ahead-of-log', detail, model: decoded.model };
}

/** A prediction in a topic of feedback, or the other way round. */
export function wrongKind(record: PredictionRecord | FeedbackRecord): InvalidRecord {
  const detail = `a ${record.kind} record in a topic of the other kind: its decoder was made for another role`;
  return { kind: 'invalid', reason: 'not-object', detail, model: record.model };
}
