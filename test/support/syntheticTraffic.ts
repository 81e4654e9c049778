/** Small traffic of one or two models with everything in it: numbers, categories, missing values, segments, versions, late labels, a shift. */
import { hourMs } from '../../src/core/duration.ts';
import type { FeedbackRecord, PredictionRecord } from '../../src/core/record/record.ts';
import type { Random } from './random.ts';

export interface TrafficOptions {
  readonly random: Random;
  readonly startMs: number;
  readonly hours: number;
  readonly rowsPerHour: number;
  readonly predictionPartitions: number;
  readonly feedbackPartitions: number;
  /** From this hour on `amount` is larger, `country` changes, `age` goes missing and predictions are wrong more often. */
  readonly shiftAtHour?: number;
  /** The same within these hours `[from, to)` only. */
  readonly shiftedHours?: readonly (readonly [from: number, to: number])[];
  readonly models?: readonly string[];
}

export interface SourceRecord<R> {
  readonly record: R;
  readonly timestampMs: number;
  /** What its producer writes instead, where that is something else than the record. */
  readonly raw?: string;
}

export interface Traffic {
  /** By partition, in the order of the log. */
  readonly predictions: SourceRecord<PredictionRecord>[][];
  readonly feedback: SourceRecord<FeedbackRecord>[][];
}

export function syntheticTraffic(options: TrafficOptions): Traffic {
  const { random, startMs, hours, rowsPerHour } = options;
  const predictions: SourceRecord<PredictionRecord>[][] = Array.from({ length: options.predictionPartitions }, () => []);
  const labels: { at: number; record: FeedbackRecord }[] = [];
  const models = options.models ?? ['fraud'];
  for (let row = 0; row < hours * rowsPerHour; row++) {
    const arrivalMs = startMs + Math.floor((row / rowsPerHour) * hourMs);
    const hour = (arrivalMs - startMs) / hourMs;
    const isShifted =
      (options.shiftAtHour !== undefined && hour >= options.shiftAtHour) ||
      (options.shiftedHours ?? []).some(([from, to]) => hour >= from && hour < to);
    // Out of order by up to three minutes, now and then by half an hour: late.
    const timeMs = Math.max(startMs, arrivalMs - Math.floor(random.next() * (random.next() < 0.01 ? hourMs / 2 : hourMs / 20)));
    const label = random.next() < 0.3 ? 'fraud' : 'ok';
    const isRight = random.next() < (isShifted ? 0.7 : 0.9);
    const model = models[random.int(models.length)] as string;
    const record: PredictionRecord = {
      kind: 'prediction',
      id: `id-${row}`,
      timeMs,
      model,
      version: hour > hours / 2 ? '8' : '7',
      features: {
        amount: Math.round(100 * Math.exp(random.normal() + (isShifted ? 0.8 : 0))) / 100,
        country: ['DE', 'FR', 'US', isShifted ? 'BR' : 'DE'][random.int(4)],
        age: random.next() < (isShifted ? 0.4 : 0.02) ? null : 20 + random.int(50),
      },
      prediction: isRight ? label : label === 'ok' ? 'fraud' : 'ok',
      score: random.next(),
      segments: { plan: random.next() < 0.5 ? 'free' : 'paid' },
      label: null,
    };
    (predictions[random.int(predictions.length)] as SourceRecord<PredictionRecord>[]).push({ record, timestampMs: arrivalMs });
    if (options.feedbackPartitions > 0 && random.next() < 0.8) {
      const at = arrivalMs + Math.floor(random.next() * 2 * hourMs);
      labels.push({ at, record: { kind: 'feedback', id: record.id, timeMs: at, model: random.next() < 0.5 ? model : '*', label } });
    }
  }
  const feedback: SourceRecord<FeedbackRecord>[][] = Array.from({ length: options.feedbackPartitions }, () => []);
  for (const { at, record } of labels.sort((a, b) => a.at - b.at)) {
    (feedback[random.int(feedback.length)] as SourceRecord<FeedbackRecord>[]).push({ record, timestampMs: at });
  }
  return { predictions, feedback };
}
