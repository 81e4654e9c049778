/** What the performance part says, and what it freezes. Everything is plain data of finite numbers, so that a fact is its JSON. */
import type { StatisticModel } from '../detect/significance/statistic.ts';
import type { SegmentKey } from '../summarize/messages.ts';

/** Share of predictions that equal their label, or mean absolute error of numbers. */
export type PerformanceMetric = 'accuracy' | 'mae';

/** The whole or one segment value of a frozen baseline. */
export interface BaselineSeries {
  readonly segment: SegmentKey;
  /** Labels that count: those of predictions old enough to have seen every label of the same delay slot. */
  readonly labels: number;
  /** Group of every delay slot; the groups are the slots of `model`. */
  readonly groupOfSlot: readonly number[];
  readonly model: StatisticModel;
}

/** What windows are compared with, frozen. Spans are of prediction time. */
export interface PerformanceBaseline {
  readonly metric: PerformanceMetric;
  readonly fromMs: number;
  readonly toMs: number;
  /** 5 % quantile of the delays of labels. */
  readonly delayMs: number;
  /** Scales no longer than the baseline, of which a usual window holds enough labels. The others are `insufficient` and take no share of the budget. */
  readonly usableScalesMs: readonly number[];
  /** The whole first, then segments in the order of the settings, their values by falling number of labels. */
  readonly series: readonly BaselineSeries[];
}

/**
 * `learning`: there is no baseline yet, or the window begins before its end. `insufficient`: too few labels, a baseline shorter than the
 * window, or a segment that the baseline knows too little of. `tested`: `p` says what the window says.
 */
export type PerformanceVerdict = 'learning' | 'insufficient' | 'tested';

/** One window of predictions with the labels that came by its evaluation. */
export interface PerformanceEvaluation {
  readonly version: string;
  readonly segment: SegmentKey;
  readonly metric: PerformanceMetric;
  readonly scaleMs: number;
  readonly windowStartMs: number;
  /** T - s: predictions younger than nearly all label delays are not waited for. */
  readonly windowEndMs: number;
  /** Effective number of labelled rows: (sum w)^2 / sum w^2, the number itself while nothing was cut. */
  readonly n: number;
  /** Labelled rows in the sample. */
  readonly rows: number;
  /** Share of the window's predictions that have a label, in [0, 1]. */
  readonly coverage: number;
  /** The metric over the labels so far; null without any. */
  readonly observed: number | null;
  /** 95 % interval of `observed`: Wilson for accuracy, standard error for the mean absolute error. */
  readonly interval: readonly [number, number] | null;
  /** What baseline labels of the same delays lead one to expect. Null where there was no test, as all that follow. */
  readonly expected: number | null;
  /** observed - expected for accuracy (a drop is negative); the same as a share of `expected` for the mean absolute error (a rise is positive). */
  readonly effect: number | null;
  /** The same over the newest third of the window; null where that has too few labels. What is over does not open (recipe, section 6). */
  readonly newestEffect: number | null;
  /** One-sided, against a drop of accuracy or a rise of the error; 1 where the effect is below the user's minimum. */
  readonly p: number | null;
  /** "This series varies phi times more than independent rows would." */
  readonly phi: number | null;
  /** Labels of the baseline series; 0 without a baseline. */
  readonly baselineN: number;
  /** True where the drop or rise is smaller than `minDrop`. */
  readonly belowMinimum: boolean;
  /** Level that Holm's procedure shares among the tested series of this scale (recipe, section 6). */
  readonly alpha: number | null;
  /** Size of the worsening that would just have reached `alpha`, were this the only series; in the unit of `effect`. */
  readonly detectable: number | null;
  readonly verdict: PerformanceVerdict;
}
