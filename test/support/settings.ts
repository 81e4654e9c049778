import { hourMs, minuteMs } from '../../src/core/duration.ts';
import type { CoreSettings, LimitSettings, ModelSettings, TopicSource, WindowSettings } from '../../src/core/settings.ts';

/** A topic in the `json` format whose records name their models. */
export function topicSource(topic: string): TopicSource {
  return { topic, format: 'json', model: null, feedback: null };
}

/** Settings of a model with the documented defaults. */
export function modelSettings(change: Partial<ModelSettings> = {}): ModelSettings {
  return {
    task: null,
    owner: null,
    important: [],
    sensitive: [],
    ignore: [],
    baseline: { kind: 'first', durationMs: 7 * 24 * hourMs },
    performance: { scalesMs: [24 * hourMs, 96 * hourMs], minLabels: 50, minDrop: 0.02, horizonMs: 14 * 24 * hourMs, absent: 'unknown' },
    alerts: {
      budget: { incidents: 1, perMs: 30 * 24 * hourMs },
      minimumEffect: { location: 0.05, spread: 0.05, share: 0.01, totalVariation: 0.01 },
      openAfter: 2,
      recoverAfter: 2,
      remindEveryMs: 24 * hourMs,
      cooldownMs: hourMs,
      reopenWithinMs: 24 * hourMs,
    },
    segments: [],
    ...change,
  };
}

/** Core settings with the documented defaults: what a test is not about. */
export function coreSettings(
  change: Partial<Omit<CoreSettings, 'window' | 'limits'>> & { window?: Partial<WindowSettings>; limits?: Partial<LimitSettings> } = {},
): CoreSettings {
  return {
    group: 'tidemark',
    predictions: [topicSource('predictions')],
    feedback: [topicSource('feedback')],
    digest: { engine: 'merging', delta: 100 },
    defaults: modelSettings(),
    models: new Map(),
    ...change,
    window: {
      hopMs: 5 * minuteMs,
      scalesMs: [hourMs, 6 * hourMs, 24 * hourMs],
      latenessMs: 5 * minuteMs,
      maxAheadMs: hourMs,
      idleAfterMs: 30_000,
      silenceAfterMs: 15 * minuteMs,
      ...change.window,
    },
    limits: {
      seriesPerModel: 1000,
      valuesPerSegment: 50,
      versionsPerModel: 20,
      categoriesPerSeries: 1000,
      bytesPerModel: 256 * 1024 * 1024,
      ...change.limits,
    },
  };
}
