/** Records that decode well and still cannot be summarized: what is said of them. */
import type { FeedbackRecord, InvalidRecord, PredictionRecord } from '../record/record.ts';

/** A prediction whose event time lies further ahead of its Kafka timestamp than `window.maxAhead` allows. */
export function aheadOfLog(record: PredictionRecord, timestampMs: number): InvalidRecord {
  const aheadS = Math.round((record.timeMs - timestampMs) / 1000);
  const detail = `the event time is ${aheadS} s ahead of the Kafka timestamp: more than window.maxAhead allows; is the producer's clock right?`;
  return { kind: 'invalid', reason: 'ahead-of-log', detail, model: record.model };
}

/** A prediction in a topic of feedback, or the other way round. */
export function wrongKind(record: PredictionRecord | FeedbackRecord): InvalidRecord {
  const detail = `a ${record.kind} record in a topic of the other kind: its decoder was made for another role`;
  return { kind: 'invalid', reason: 'not-object', detail, model: record.model };
}
