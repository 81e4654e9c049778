/** What the performance part of one model works with, derived once from the settings. */
import type { ModelSettings, WindowSettings } from '../settings.ts';
import { stepsPerWindow } from '../settings.ts';

/** Families that share a model's false-alarm budget: data, and performance (recipe, section 6). */
const families = 2;
/** Overlapping windows of one length are worth this many independent looks a length (recipe, section 6). */
const looksPerWindow = 8;

export interface PerformanceScale {
  readonly scaleMs: number;
  readonly stepMs: number;
}

export interface PerformanceFrame {
  readonly hopMs: number;
  readonly horizonMs: number;
  readonly latenessMs: number;
  /** Ascending. */
  readonly scales: readonly PerformanceScale[];
  readonly minLabels: number;
  readonly minDrop: number;
  readonly task: ModelSettings['task'];
  /** Names of the watched segments, in the order of the samples. */
  readonly segmentNames: readonly string[];
  readonly valuesPerSegment: number;
  /** Length of a baseline, in whole panes. */
  readonly baselineMs: number;
  /** No label of a joined pair is later than this after its prediction. */
  readonly longestDelayMs: number;
  /** False incidents allowed in `budgetPerMs`, of the performance family. */
  readonly budget: number;
  readonly budgetPerMs: number;
}

export function frameOf(
  settings: ModelSettings,
  window: WindowSettings,
  segmentNames: readonly string[],
  valuesPerSegment: number,
): PerformanceFrame {
  const { performance, baseline, alerts } = settings;
  const { hopMs } = window;
  return {
    hopMs,
    horizonMs: performance.horizonMs,
    latenessMs: window.latenessMs,
    scales: [...performance.scalesMs]
      .sort((a, b) => a - b)
      .map((scaleMs) => ({ scaleMs, stepMs: Math.max(hopMs, scaleMs / stepsPerWindow) })),
    minLabels: performance.minLabels,
    minDrop: performance.minDrop,
    task: settings.task,
    segmentNames,
    valuesPerSegment,
    // A baseline file says nothing of performance: that is learned, as with `first`.
    baselineMs: Math.ceil(baseline.durationMs / hopMs) * hopMs,
    // The join goes by panes: a label counts if its pane of arrival is within the horizon of the prediction's pane.
    longestDelayMs: performance.horizonMs + hopMs,
    budget: alerts.budget.incidents / families,
    budgetPerMs: alerts.budget.perMs,
  };
}

/** Level of one evaluation of a scale, where `scales` scales share the budget of the family. */
export function alphaOf(frame: PerformanceFrame, scaleMs: number, scales: number): number {
  return frame.budget / Math.max(1, scales) / ((frame.budgetPerMs / scaleMs) * looksPerWindow);
}
