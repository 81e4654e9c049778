/** Seeded streams of predictions with late labels, and the samples that a performance state is fed with. */
import type { PerformanceState } from '../../../src/core/performance/performanceState.ts';
import type { PerformanceEvaluation } from '../../../src/core/performance/types.ts';
import type { ModelSettings, WindowSettings } from '../../../src/core/settings.ts';
import { hashId } from '../../../src/core/sketch/hash.ts';
import { FeedbackSampler, PredictionSampler } from '../../../src/core/sketch/sample.ts';
import type { FeedbackSampleEntry, PredictionSampleEntry, Sample } from '../../../src/core/sketch/types.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
/** A day boundary, far from the epoch. */
export const start = Date.UTC(2026, 0, 1);
/** Length of a pane: an hour keeps the tests short. */
export const hopMs = 60 * 60_000;

export const window: WindowSettings = { ...coreSettings().window, hopMs, latenessMs: hourMs };

/** Settings of a model with the documented defaults, and changes of its performance part. */
export function settingsWith(performance: Partial<ModelSettings['performance']> = {}, change: Partial<ModelSettings> = {}): ModelSettings {
  const settings = modelSettings(change);
  return { ...settings, performance: { ...settings.performance, ...performance } };
}

/** One prediction and the labels that come for it. */
export interface Case {
  readonly id: string;
  readonly timeMs: number;
  readonly version?: string;
  readonly prediction: number | string | null;
  readonly segments?: readonly (string | null)[];
  readonly inline?: number | string;
  readonly labels: readonly {
    readonly arrivalMs: number;
    readonly label: number | string;
    readonly timeMs?: number;
    readonly partition?: number;
  }[];
}

export interface Samples {
  readonly predictions: ReadonlyMap<number, ReadonlyMap<string, Sample<PredictionSampleEntry>>>;
  readonly feedback: ReadonlyMap<number, Sample<FeedbackSampleEntry>>;
}

/** What summarize and the merge over partitions would make of these cases. */
export function samplesOf(
  cases: readonly Case[],
  k: { readonly predictions: number; readonly feedback: number } = { predictions: 65_536, feedback: 65_536 },
): Samples {
  const predictions = new Map<number, Map<string, PredictionSampler>>();
  const feedback = new Map<number, FeedbackSampler>();
  let offset = 0;
  for (const one of cases) {
    const versions = getOr(predictions, paneOf(one.timeMs), () => new Map<string, PredictionSampler>());
    getOr(versions, one.version ?? 'v1', () => new PredictionSampler(k.predictions)).offer({
      hash: hashId(one.id),
      timeMs: one.timeMs,
      prediction: one.prediction,
      score: null,
      segments: one.segments ?? [],
      label: one.inline ?? null,
    });
    for (const label of one.labels) {
      getOr(feedback, paneOf(label.arrivalMs), () => new FeedbackSampler(k.feedback)).offer({
        hash: hashId(one.id),
        timeMs: label.timeMs ?? label.arrivalMs,
        arrivalMs: label.arrivalMs,
        label: label.label,
        partition: label.partition ?? 0,
        offset: offset++,
      });
    }
  }
  return {
    predictions: new Map(
      [...predictions].map(([pane, versions]) => [pane, new Map([...versions].map(([version, sampler]) => [version, sampler.sample()]))]),
    ),
    feedback: new Map([...feedback].map(([pane, sampler]) => [pane, sampler.sample()])),
  };
}

/** Adds the samples of the panes that start in [fromMs, toMs). */
export function add(state: PerformanceState, samples: Samples, fromMs: number, toMs: number): void {
  for (let pane = fromMs; pane < toMs; pane += hopMs) {
    for (const [version, sample] of samples.predictions.get(pane) ?? []) state.addPredictions(pane, version, sample);
    const labels = samples.feedback.get(pane);
    if (labels !== undefined) state.addFeedback(pane, labels);
  }
}

/** As a worker would: pane after pane of [fromMs, toMs) added and decided. */
export function run(state: PerformanceState, samples: Samples, fromMs: number, toMs: number): PerformanceEvaluation[] {
  const evaluations: PerformanceEvaluation[] = [];
  for (let pane = fromMs; pane < toMs; pane += hopMs) {
    add(state, samples, pane, pane + hopMs);
    evaluations.push(...state.decide(pane + hopMs));
  }
  return evaluations;
}

/** The evaluation that would open an incident: the second in a row of its scale at or below its level; null where there is none. */
export function opening(evaluations: readonly PerformanceEvaluation[]): PerformanceEvaluation | null {
  const inARow = new Map<number, number>();
  for (const one of evaluations) {
    if (one.verdict !== 'tested' || one.p === null || one.alpha === null) continue;
    const breaches = one.p <= one.alpha ? (inARow.get(one.scaleMs) ?? 0) + 1 : 0;
    if (breaches === 2) return one;
    inARow.set(one.scaleMs, breaches);
  }
  return null;
}

export function paneOf(timeMs: number): number {
  return Math.floor(timeMs / hopMs) * hopMs;
}

function getOr<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
