/** What a simulated run is about: settings small enough for a day's baseline and a drift, and traffic in them. */
import { hourMs, minuteMs } from '../../src/core/duration.ts';
import type { FeedbackRecord, PredictionRecord } from '../../src/core/record/record.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import { Random } from '../support/random.ts';
import { coreSettings, modelSettings } from '../support/settings.ts';
import { type SourceRecord, syntheticTraffic, type Traffic } from '../support/syntheticTraffic.ts';

export interface Scenario {
  readonly name: string;
  readonly settings: CoreSettings;
  readonly traffic: Traffic;
  /** Everything up to here must be decided in the end. */
  readonly targetMs: number;
  /** Offsets without records before the first one, so that the end of a chunk of 65,536 comes in the middle. */
  readonly leadingGap: number;
}

const startMs = Date.UTC(2026, 2, 1);
const hours = 33;
export const variants = 8;

/** One of a few fixed traffics; every other one has idle partitions. */
export function scenarioOf(variant: number): Scenario {
  const random = new Random(1_000 + variant);
  const isIdle = variant % 2 === 1;
  const settings = coreSettings({
    window: {
      hopMs: 10 * minuteMs,
      scalesMs: [2 * hourMs],
      latenessMs: 5 * minuteMs,
      idleAfterMs: isIdle ? 3 * minuteMs : 1_000 * hourMs,
      silenceAfterMs: 2 * hourMs,
    },
    defaults: modelSettings({
      baseline: { kind: 'first', durationMs: 24 * hourMs },
      performance: { scalesMs: [2 * hourMs], minLabels: 50, minDrop: 0.02, horizonMs: 3 * hourMs, absent: 'unknown' },
      segments: variant % 4 < 2 ? [] : ['plan'],
    }),
  });
  const traffic = syntheticTraffic({
    random,
    startMs,
    hours,
    rowsPerHour: 60,
    predictionPartitions: 2,
    feedbackPartitions: 1,
    shiftAtHour: 28,
    models: ['fraud', 'churn'],
  });
  const targetMs = startMs + hours * hourMs;
  return {
    name: `variant ${variant}${isIdle ? ' (idle)' : ''}`,
    settings,
    traffic: closed(traffic, targetMs + hourMs),
    targetMs,
    leadingGap: 65_536 - 500,
  };
}

/** One record more in every partition, late enough that all panes before are closed. */
export function closed(traffic: Traffic, timeMs: number): Traffic {
  const prediction = (partition: number): SourceRecord<PredictionRecord> => ({
    timestampMs: timeMs,
    record: {
      kind: 'prediction',
      id: `closing-${partition}`,
      timeMs,
      model: 'closing',
      version: '',
      features: {},
      prediction: 'ok',
      score: null,
      segments: {},
      label: null,
    },
  });
  const feedback = (partition: number): SourceRecord<FeedbackRecord> => ({
    timestampMs: timeMs,
    record: { kind: 'feedback', id: `closing-${partition}`, timeMs, model: 'closing', label: 'ok' },
  });
  return {
    predictions: traffic.predictions.map((records, partition) => [...records, prediction(partition)]),
    feedback: traffic.feedback.map((records, partition) => [...records, feedback(partition)]),
  };
}

/** A record as its producer writes it. */
export function bytesOf(record: PredictionRecord | FeedbackRecord): string {
  const { kind: _, timeMs, model, ...rest } = record;
  return JSON.stringify({ ...rest, ts: timeMs, ...(model === '*' ? {} : { model }) });
}
