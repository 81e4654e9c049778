/**
 * The frozen baseline of a version: accuracy (or error) by delay of the label, its variation over prediction time, and the delay s that
 * windows stay behind the clock.
 *
 * Censoring. When the baseline closes, its youngest predictions have seen only the fast labels. Were every label counted that is there,
 * a slot of slow labels would stem from the old predictions alone, and the slots would differ in what they stand for: so a label counts
 * only if its prediction is old enough to have seen everything that the label's delay slot can hold. Then a slot is a plain sample of
 * the labels of that delay, whatever the rest of the delays looks like.
 */

import type { StatisticKind, StatisticModel } from '../detect/significance/statistic.ts';
import { fitWithRates, slotRates } from '../detect/significance/statistic.ts';
import { hourMs } from '../duration.ts';
import type { SegmentKey } from '../summarize/messages.ts';
import type { CohortSums, WeightedSums } from './cohortSums.ts';
import { addRow, addSums, effectiveRows, emptySums, meanOf, scoreOf, sumCohort, varianceOf } from './cohortSums.ts';
import { exposureMs, joinDelaySlots } from './delays.ts';
import type { PerformanceFrame } from './frame.ts';
import type { PredictionPane } from './predictionPane.ts';
import { metricOf } from './task.ts';
import type { BaselineSeries, PerformanceBaseline, PerformanceMetric } from './types.ts';

/** Blocks of prediction time from which phi is read are multiples of this (recipe, section 7: 6, 12, 24 h). */
const blockMs = 6 * hourMs;
/** A baseline needs this many units, or no variation can be read from it. */
const minimumUnits = 4.5;
/** Share of the labels that come earlier than s. */
const shiftQuantile = 0.05;
/** The baseline closes when its youngest prediction is older than this share of the delays. */
const settledQuantile = 0.99;
/** Fewer labels than this make no baseline of a series. */
const minimumLabels = 30;

/** A scale's s: the 5 % quantile of label delays, rounded down to a step. */
export function shiftOf(baseline: { readonly delayMs: number }, stepMs: number): number {
  return Math.floor(baseline.delayMs / stepMs) * stepMs;
}

/**
 * Whether the baseline of the predictions [fromMs, toMs) can close at the clock `clockMs`: when its youngest prediction is older than 99 %
 * of the label delays that a window can hold, measured on the predictions that are old enough to have seen all of those. At the latest
 * it closes when no window and no join could show a longer delay.
 */
export function isSettled(
  panes: readonly PredictionPane[],
  toMs: number,
  clockMs: number,
  metric: PerformanceMetric,
  frame: PerformanceFrame,
): boolean {
  const ageMs = clockMs - toMs;
  if (ageMs >= frame.longestDelayMs) return true;
  const delayMs = delayQuantile(panes, metric, shiftQuantile);
  if (delayMs === null) return false;
  const visibleMs = Math.min(
    frame.longestDelayMs,
    Math.max(...frame.scales.map(({ scaleMs, stepMs }) => (scaleMs <= frame.baselineMs ? shiftOf({ delayMs }, stepMs) + scaleMs : 0))),
  );
  if (ageMs >= visibleMs) return true;
  const watched = panes.filter((pane) => pane.paneMs + frame.hopMs + visibleMs <= clockMs);
  const slowest = delayQuantile(watched, metric, settledQuantile, visibleMs);
  return slowest !== null && ageMs >= slowest;
}

/**
 * Fits and freezes the baseline of these panes.
 *
 * @param panes all panes that start in [fromMs, toMs), ascending.
 * @returns null where there are too few labels, or the span is shorter than 4.5 panes.
 */
export function fitBaseline(
  panes: readonly PredictionPane[],
  span: { readonly fromMs: number; readonly toMs: number; readonly clockMs: number },
  frame: PerformanceFrame,
): PerformanceBaseline | null {
  const metric = metricOf(frame.task, panes);
  const delayMs = delayQuantile(panes, metric, shiftQuantile);
  if (delayMs === null) return null;
  const isExposed = (paneMs: number, slot: number): boolean =>
    paneMs + frame.hopMs + exposureMs(slot, frame.longestDelayMs) <= span.clockMs;
  const segments = topSegments(panes, metric, frame);
  const sums = sumCohort(panes, { metric, segmentNames: frame.segmentNames, segments, isExposed });

  const series: BaselineSeries[] = [];
  const spanMs = span.toMs - span.fromMs;
  const units = unitsOf(spanMs, frame.hopMs);
  if (units === null) return null;
  const unitSums = Array.from({ length: units.count }, (_, unit) => {
    const unitFromMs = span.fromMs + unit * units.unitMs;
    const ofUnit = panes.filter(({ paneMs }) => paneMs >= unitFromMs && paneMs < unitFromMs + units.unitMs);
    return sumCohort(ofUnit, { metric, segmentNames: frame.segmentNames, segments, isExposed });
  });
  for (const [at, each] of sums.entries()) {
    if (each.total.rows < minimumLabels) {
      if (each.segment === null) return null;
      continue;
    }
    const groupOfSlot = joinDelaySlots(each.slots.map(({ rows }) => rows));
    const model = fitModel(metric, each, groupOfSlot, { unitMs: units.unitMs, sums: unitSums.map((ofUnit) => ofUnit[at]!) });
    if (model === null) return null;
    series.push({ segment: each.segment, labels: each.total.rows, groupOfSlot, model });
  }
  const usableScalesMs = frame.scales
    .filter(({ scaleMs, stepMs }) => {
      const shiftMs = shiftOf({ delayMs }, stepMs);
      return scaleMs <= spanMs && usualLabels(panes, metric, scaleMs, shiftMs, spanMs) >= frame.minLabels;
    })
    .map(({ scaleMs }) => scaleMs);
  return { metric, fromMs: span.fromMs, toMs: span.toMs, delayMs, usableScalesMs, series };
}

/** Weighted quantile of the delays of labels up to `atMostMs`: the smallest delay that this share of the weight does not exceed; null without labels. */
function delayQuantile(
  panes: readonly PredictionPane[],
  metric: PerformanceMetric,
  quantile: number,
  atMostMs = Number.POSITIVE_INFINITY,
): number | null {
  const delays: { readonly delayMs: number; readonly weight: number }[] = [];
  let total = 0;
  forEachLabel(panes, metric, (pane, row) => {
    const delayMs = pane.delayMs(row);
    if (delayMs > atMostMs) return;
    const weight = pane.pairWeight(row);
    delays.push({ delayMs, weight });
    total += weight;
  });
  delays.sort((a, b) => a.delayMs - b.delayMs);
  let below = 0;
  for (const { delayMs, weight } of delays) {
    below += weight;
    if (below >= quantile * total) return delayMs;
  }
  return delays.at(-1)?.delayMs ?? null;
}

/** Labels (effective) that a window of this scale holds on the average: one that is `delay` late is seen once its prediction is that old. */
function usualLabels(
  panes: readonly PredictionPane[],
  metric: PerformanceMetric,
  scaleMs: number,
  shiftMs: number,
  spanMs: number,
): number {
  const seen = emptySums();
  let visible = 0;
  forEachLabel(panes, metric, (pane, row) => {
    const weight = pane.pairWeight(row);
    addRow(seen, weight, 0);
    visible += weight * Math.min(1, Math.max(0, (shiftMs + scaleMs - pane.delayMs(row)) / scaleMs));
  });
  return seen.square > 0 ? ((visible * seen.weight) / seen.square) * Math.min(1, scaleMs / spanMs) : 0;
}

function forEachLabel(
  panes: readonly PredictionPane[],
  metric: PerformanceMetric,
  visit: (pane: PredictionPane, row: number) => void,
): void {
  for (const pane of panes) {
    if (pane.labelled === 0) continue;
    for (let row = 0; row < pane.length; row += 1) {
      if (pane.counts(row) && !Number.isNaN(scoreOf(pane, row, metric))) visit(pane, row);
    }
  }
}

/** The values with the most labels of every segment name, at most `valuesPerSegment` each; ties by value. */
function topSegments(panes: readonly PredictionPane[], metric: PerformanceMetric, frame: PerformanceFrame): SegmentKey[] {
  const counts = frame.segmentNames.map(() => new Map<string, number>());
  forEachLabel(panes, metric, (pane, row) => {
    counts.forEach((values, name) => {
      const value = pane.text(pane.segmentCode(name, row));
      if (value !== null) values.set(value, (values.get(value) ?? 0) + 1);
    });
  });
  return counts.flatMap((values, name) =>
    [...values]
      .sort(([left, leftCount], [right, rightCount]) => rightCount - leftCount || (left < right ? -1 : 1))
      .slice(0, frame.valuesPerSegment)
      .map(([value]): SegmentKey => [frame.segmentNames[name]!, value]),
  );
}

/** Units of prediction time: 6 h; for short baselines 1 h, then the hop. Null where even that is too long. */
function unitsOf(spanMs: number, hopMs: number): { readonly unitMs: number; readonly count: number } | null {
  for (const unitMs of [blockMs, hourMs, hopMs]) {
    if (unitMs >= hopMs && spanMs / unitMs >= minimumUnits) return { unitMs, count: Math.ceil(spanMs / unitMs) };
  }
  return null;
}

/**
 * Rates by group of delay slots, phi from the residuals around them over units of prediction time. Delays are no rhythm of the units, so the
 * chain has one slot; taking the residuals around the rates of the delays keeps the mix of delays, which changes with the age of
 * the unit, from passing for variation.
 */
function fitModel(
  metric: PerformanceMetric,
  sums: CohortSums,
  groupOfSlot: readonly number[],
  units: { readonly unitMs: number; readonly sums: readonly CohortSums[] },
): StatisticModel | null {
  const kind: StatisticKind = metric === 'accuracy' ? 'count' : 'mean';
  const groups = groupSums(sums.slots, groupOfSlot);
  const rows = groups.map(effectiveRows);
  const rates = slotRates(
    kind,
    rows,
    groups.map((group, at) => (group.rows > 0 ? meanOf(group) * rows[at]! : 0)),
    groups.map((group, at) => (group.rows > 0 ? (varianceOf(group) + meanOf(group) ** 2) * rows[at]! : 0)),
  );
  // Rows of unequal weight count as so many rows of equal weight: sums are scaled by W / sum w^2, which is 1 while nothing was cut.
  const scale = sums.total.weight / sums.total.square;
  const n = units.sums.map(({ total }) => scale * total.weight);
  const x = units.sums.map(({ slots }, unit) => {
    let residual = 0;
    slots.forEach((slot, at) => {
      residual += slot.x - slot.weight * rates.means[groupOfSlot[at]!]!;
    });
    return scale * residual + n[unit]! * rates.mean;
  });
  const oneSlot = { ...rates, rows: [rates.totalRows], means: [rates.mean] };
  const fitted = fitWithRates({ kind, unitMs: units.unitMs, n, x, slotOfUnit: () => 0, slots: 1 }, oneSlot);
  return fitted === null ? null : { rates, dispersion: fitted.dispersion };
}

/** Sums of slots by group. */
export function groupSums(slots: readonly WeightedSums[], groupOfSlot: readonly number[]): readonly WeightedSums[] {
  const groups = Array.from({ length: Math.max(...groupOfSlot) + 1 }, emptySums);
  slots.forEach((slot, at) => {
    addSums(groups[groupOfSlot[at]!]!, slot);
  });
  return groups;
}
