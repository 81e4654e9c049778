/** Severity by consequence, from records to events: alerts and whom they wake go by it. */
import { describe, expect, it } from 'vitest';
import { Detector } from '../../../src/core/detect/detector.ts';
import type { EventRecord } from '../../../src/core/incident/event.ts';
import type { PredictionRecord } from '../../../src/core/record/record.ts';
import type { ModelSettings } from '../../../src/core/settings.ts';
import { partialsOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings, topicSource } from '../../support/settings.ts';
import { syntheticTraffic, type Traffic } from '../../support/syntheticTraffic.ts';

const hour = 3_600_000;
const day = 24 * hour;
const zero = Date.UTC(2026, 2, 1);
const shiftMs = zero + 78 * hour;

const quiet = syntheticTraffic({
  random: new Random(5),
  startMs: zero,
  hours: 96,
  rowsPerHour: 60,
  predictionPartitions: 2,
  feedbackPartitions: 1,
});

type Change = (record: PredictionRecord, isShifted: boolean) => PredictionRecord;

/** Opened incidents, as `kind severity`, of the quiet traffic of one version with a change in it. */
function opened(change: Change, model: Partial<ModelSettings> = {}, withLabels = false): string[] {
  const traffic: Traffic = {
    feedback: withLabels ? quiet.feedback : [],
    predictions: quiet.predictions.map((all) =>
      all.map((one) => ({ ...one, record: change({ ...one.record, version: '7' }, one.record.timeMs >= shiftMs) })),
    ),
  };
  const defaults = modelSettings({ baseline: { kind: 'first', durationMs: 2 * day }, ...model });
  const settings = coreSettings({
    feedback: withLabels ? [topicSource('feedback')] : [],
    defaults: { ...defaults, performance: { ...defaults.performance, scalesMs: [12 * hour] } },
    window: { hopMs: hour, scalesMs: [12 * hour], latenessMs: 0 },
  });
  const detector = new Detector(settings);
  const messages = partialsOf(settings, traffic, new Random(6));
  const events = messages.flatMap((message, offset): readonly EventRecord[] => detector.take(message, offset)?.events ?? []);
  return events.filter(({ step }) => step === 'opened').map(({ kind, severity }) => `${kind} ${severity}`);
}

const amountIn =
  (name: string): Change =>
  (record, isShifted) => ({ ...record, features: { [name]: Number(record.features.amount) * (isShifted ? 3 : 1) } });

describe('severity', () => {
  it('of a feature that drifts by itself is information, and a warning where people have marked it important', () => {
    expect(opened(amountIn('amount'))).toEqual(['drift info']);
    expect(opened(amountIn('amount'), { important: ['amount'] })).toEqual(['drift warning']);
    expect(opened(amountIn('amount'), { important: ['age'] })).toEqual(['drift info']);
  });

  it('knows an important feature that has the name of a series of ours', () => {
    expect(opened(amountIn('label'))).toEqual(['drift info']);
    expect(opened(amountIn('label'), { important: ['label'] })).toEqual(['drift warning']);
  });

  it('of what the model says is a warning', () => {
    expect(opened((record, isShifted) => (isShifted ? { ...record, score: Number(record.score) ** 3 } : record))).toEqual([
      'drift warning',
    ]);
    expect(opened((record, isShifted) => (isShifted ? { ...record, prediction: 'fraud' } : record))).toEqual(['drift warning']);
  });

  it('of broken data is an error', () => {
    const broken: Change = (record, isShifted) => (isShifted ? { ...record, features: { ...record.features, amount: null } } : record);
    expect(opened(broken)).toEqual(['quality error']);
  });

  it('of measured performance is an error, that of what it says beside it a warning', () => {
    const wrong: Change = (record, isShifted) =>
      isShifted ? { ...record, prediction: record.prediction === 'ok' ? 'fraud' : 'ok' } : record;
    expect(opened(wrong, {}, true).sort()).toEqual(['drift warning', 'performance error']);
  });
});
