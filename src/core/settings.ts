/** The settings of the core, with every unit fixed: `src/config` makes them from YAML, environment and flags. All durations are milliseconds. */
import type { DigestSettings } from './sketch/types.ts';

export interface TopicSource {
  readonly topic: string;
  /** A preset (`json`); field maps come with later formats. */
  readonly format: 'json';
  /** Model of all records of the topic; null: each record names its own. */
  readonly model: string | null;
  /** Prediction topics only: which feedback topics label it; null = all. */
  readonly feedback: readonly string[] | null;
}

export interface WindowSettings {
  /** Length of a pane. Divides an hour, or is whole hours that divide a day. */
  readonly hopMs: number;
  /** Window lengths, ascending. A scale's step is scale / 12, a multiple of the hop. */
  readonly scalesMs: readonly number[];
  readonly latenessMs: number;
  readonly maxAheadMs: number;
  readonly idleAfterMs: number;
  readonly silenceAfterMs: number;
}

export interface PerformanceSettings {
  readonly scalesMs: readonly number[];
  readonly minLabels: number;
  /** Smallest drop of accuracy (absolute), or rise of the mean absolute error as a share of the baseline's, worth a page. */
  readonly minDrop: number;
  readonly horizonMs: number;
  readonly absent: 'unknown' | 'negative';
}

/** `durationMs`: how long what is learned from live data takes, with a file what the file does not hold. */
export type BaselineSettings =
  | { readonly kind: 'first'; readonly durationMs: number }
  | { readonly kind: 'file'; readonly path: string; readonly durationMs: number };

export interface AlertSettings {
  /** False incidents allowed per model and period. */
  readonly budget: { readonly incidents: number; readonly perMs: number };
  readonly minimumEffect: { readonly location: number; readonly spread: number; readonly share: number; readonly totalVariation: number };
  readonly openAfter: number;
  readonly recoverAfter: number;
  readonly remindEveryMs: number;
  readonly cooldownMs: number;
  readonly reopenWithinMs: number;
}

/** What holds for one model once its overrides are applied. */
export interface ModelSettings {
  readonly task: 'binary' | 'multiclass' | 'regression' | null;
  readonly owner: string | null;
  readonly important: readonly string[];
  readonly sensitive: readonly string[];
  readonly ignore: readonly string[];
  readonly baseline: BaselineSettings;
  readonly performance: PerformanceSettings;
  readonly alerts: AlertSettings;
  readonly segments: readonly string[];
}

export interface LimitSettings {
  readonly seriesPerModel: number;
  readonly valuesPerSegment: number;
  readonly versionsPerModel: number;
  readonly categoriesPerSeries: number;
  readonly bytesPerModel: number;
}

export interface CoreSettings {
  /** Kafka group; names the internal topics and goes into every incident id. */
  readonly group: string;
  readonly predictions: readonly TopicSource[];
  readonly feedback: readonly TopicSource[];
  readonly window: WindowSettings;
  readonly digest: DigestSettings;
  readonly limits: LimitSettings;
  /** Settings of every model that the `models` key does not name. */
  readonly defaults: ModelSettings;
  readonly models: ReadonlyMap<string, ModelSettings>;
}

/** Settings of one model: its own entry, else the defaults. */
export function settingsOf(settings: CoreSettings, model: string): ModelSettings {
  return settings.models.get(model) ?? settings.defaults;
}

/** Number of steps in a window: a scale of 1 h is evaluated every 5 min. */
export const stepsPerWindow = 12;
