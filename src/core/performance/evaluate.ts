/** Compares one series of one window with a frozen baseline (recipe, section 7). */
import type { Comparison, StatisticWindow } from '../detect/significance/statistic.ts';
import { compareStatistic, effectAt } from '../detect/significance/statistic.ts';
import { groupSums } from './baseline.ts';
import type { CohortSums } from './cohortSums.ts';
import { effectiveRows, meanOf, varianceOf } from './cohortSums.ts';
import { meanInterval, wilsonInterval } from './intervals.ts';
import type { BaselineSeries, PerformanceEvaluation, PerformanceMetric, PerformanceVerdict } from './types.ts';

/** What every evaluation of a window has in common. */
export interface EvaluatedWindow {
  readonly version: string;
  readonly metric: PerformanceMetric;
  readonly scaleMs: number;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
}

/** The figures of a window without a test: while learning, or with too little of something. */
export function describeOnly(
  window: EvaluatedWindow,
  sums: CohortSums,
  verdict: PerformanceVerdict,
  baselineN: number,
): PerformanceEvaluation {
  const { total } = sums;
  const n = effectiveRows(total);
  return {
    version: window.version,
    segment: sums.segment,
    metric: window.metric,
    scaleMs: window.scaleMs,
    windowStartMs: window.windowStartMs,
    windowEndMs: window.windowEndMs,
    n,
    rows: total.rows,
    // Predictions and pairs may be weighted by different thresholds: the estimate can pass 1 by chance.
    coverage: sums.predicted > 0 ? Math.min(1, total.weight / sums.predicted) : 0,
    observed: n > 0 ? meanOf(total) : null,
    interval: n > 0 ? intervalOf(window.metric, sums, n) : null,
    expected: null,
    effect: null,
    newestEffect: null,
    p: null,
    phi: null,
    baselineN,
    belowMinimum: false,
    alpha: null,
    detectable: null,
    verdict,
  };
}

function intervalOf(metric: PerformanceMetric, { total }: CohortSums, n: number): readonly [number, number] {
  return metric === 'accuracy' ? wilsonInterval(meanOf(total), n) : meanInterval(meanOf(total), varianceOf(total), n);
}

/** What decides beside the sums. */
export interface TestLevels {
  /** Level of the scale. */
  readonly alpha: number;
  /** Smallest effect worth a page. */
  readonly minDrop: number;
  readonly minLabels: number;
}

/** The test of a window with rows; `newest` are the sums of its newest third. */
export function testWindow(
  window: EvaluatedWindow,
  { whole, newest }: { readonly whole: CohortSums; readonly newest: CohortSums },
  series: BaselineSeries,
  { alpha, minDrop, minLabels }: TestLevels,
): PerformanceEvaluation {
  const statistic = statisticOf(whole, series);
  const comparison = compareStatistic(series.model, statistic, window.scaleMs);
  const worse = window.metric === 'accuracy' ? -1 : 1;
  const effect = effectOf(window.metric, comparison);
  const belowMinimum = worse * effect < minDrop;
  const atAlpha = Math.abs(effectAt(series.model, statistic, comparison, 2 * alpha, worse));
  return {
    ...describeOnly(window, whole, 'tested', series.labels),
    expected: comparison.expected,
    effect,
    newestEffect:
      effectiveRows(newest.total) < minLabels
        ? null
        : effectOf(window.metric, compareStatistic(series.model, statisticOf(newest, series), window.scaleMs)),
    p: belowMinimum ? 1 : oneSided(comparison, worse),
    phi: comparison.phi,
    belowMinimum,
    alpha,
    detectable: window.metric === 'accuracy' ? atAlpha : relative(atAlpha * Math.sqrt(series.model.rates.s2), comparison.expected),
  };
}

/** The delays of the window's labels are the slots in which it is compared. */
function statisticOf(sums: CohortSums, series: BaselineSeries): StatisticWindow {
  const n = effectiveRows(sums.total);
  const groups = groupSums(sums.slots, series.groupOfSlot);
  return { n, x: meanOf(sums.total) * n, slotRows: groups.map((group) => (group.weight / sums.total.weight) * n) };
}

function oneSided({ z, p }: Comparison, worse: number): number {
  return worse * z >= 0 ? p / 2 : 1 - p / 2;
}

/** A drop of accuracy in points, a rise of the error as a share of what was expected. */
function effectOf(metric: PerformanceMetric, { observed, expected }: Comparison): number {
  return metric === 'accuracy' ? observed - expected : relative(observed - expected, expected);
}

function relative(difference: number, expected: number): number {
  return expected > 0 ? difference / expected : 0;
}
