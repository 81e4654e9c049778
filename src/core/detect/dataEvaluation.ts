/**
 * All windows of one model that end at one pane, tested as one family per scale (recipe, sections 5 and 6): evaluations for the output,
 * signals for the incident book.
 */
import { formatDuration } from '../duration.ts';
import type { EvaluationRecord, Severity } from '../incident/event.ts';
import type { Signal } from '../incident/incidentBook.ts';
import type { CoreSettings, ModelSettings } from '../settings.ts';
import { stepsPerWindow } from '../settings.ts';
import type { SegmentKey } from '../summarize/messages.ts';
import { type CellBaseline, invalidSeries, type SeriesReference } from './baselineLearner.ts';
import { describeSeries, roundedEffects } from './describe.ts';
import { allVersions, type CellKey, type Node } from './node.ts';
import { alphaOfScale, benjaminiHochberg } from './significance/family.ts';
import type { SeriesEvaluation } from './significance/types.ts';
import { type CellWindow, cellWindow, type WindowEvaluator, windowState } from './windowEvaluation.ts';

/** p of the whole model at or below which a segment's own deviation is taken for a part of the model's. */
const shownByWhole = 0.01;

/** What the evaluation needs of one cell. */
export interface EvaluatedCell {
  readonly key: CellKey;
  readonly nodes: (stepMs: number, afterMs: number, untilMs: number) => Node[];
  readonly baseline: CellBaseline | null;
}

export interface DataEvaluation {
  readonly evaluations: EvaluationRecord[];
  readonly signals: Signal[];
}

interface Tested {
  readonly cell: EvaluatedCell;
  readonly window: CellWindow;
  readonly series: string;
  readonly reference: SeriesReference;
  readonly evaluation: SeriesEvaluation;
}

/** Unique name of a series in the incident book. */
export function seriesKey(version: string, segment: SegmentKey, series: string): string {
  return JSON.stringify([series, version, segment]);
}

/** Segment as it stands in outputs. */
export function segmentRecord(segment: SegmentKey): Readonly<Record<string, string>> | null {
  return segment === null ? null : Object.fromEntries([[segment[0], segment[1]]]);
}

/**
 * Evaluates every scale whose step ends at `endMs`. `isNamed` tells whether an open incident names a series of the whole model;
 * `families` is 2 where the model has labels, so that performance takes its share of the budget.
 */
export function evaluateData(
  endMs: number,
  model: string,
  cells: readonly EvaluatedCell[],
  evaluator: WindowEvaluator,
  settings: CoreSettings,
  modelSettings: ModelSettings,
  families: number,
  isNamed: (key: string) => boolean,
): DataEvaluation {
  const result: DataEvaluation = { evaluations: [], signals: [] };
  const whole = cells.find((cell) => cell.key.version === allVersions && cell.key.segment === null)?.baseline ?? null;
  const usable = whole === null ? [] : whole.usableScalesMs.filter((scaleMs) => whole.lengthMs >= 3 * scaleMs);
  for (const scaleMs of settings.window.scalesMs) {
    if (endMs % (scaleMs / stepsPerWindow) !== 0) continue;
    const alpha = alphaOfScale({
      incidents: modelSettings.alerts.budget.incidents,
      perMs: modelSettings.alerts.budget.perMs,
      windowMs: scaleMs,
      usableScales: Math.max(1, usable.length),
      families,
    });
    const tested: Tested[] = [];
    for (const cell of cells) {
      const window = cellWindow(scaleMs, endMs, cell.nodes);
      let state = windowState(window, cell.baseline);
      if (state === 'tested' && !usable.includes(scaleMs)) state = 'insufficient';
      if (state === 'tested') tested.push(...testCell(cell, window, evaluator, modelSettings, alpha));
      else result.evaluations.push(...untested(model, cell, window, state));
    }
    const breaches = benjaminiHochberg(
      tested.map((one) => one.evaluation.p),
      alpha,
    );
    const wholeP = new Map(
      tested
        .filter((one) => one.cell.key.segment === null)
        .map((one) => [seriesKey(one.cell.key.version, null, one.series), one.evaluation.p]),
    );
    for (const [index, one] of tested.entries()) {
      const isBreach = breaches[index] === true;
      const { version, segment } = one.cell.key;
      const wholeKey = seriesKey(version, null, one.series);
      const isShownByWhole = segment !== null && ((wholeP.get(wholeKey) ?? 1) <= shownByWhole || isNamed(wholeKey));
      result.evaluations.push(evaluationRecord(model, one, evaluator, isBreach));
      result.signals.push(signalOf(one, alpha, isBreach, isShownByWhole, evaluator, modelSettings));
    }
  }
  return result;
}

function testCell(cell: EvaluatedCell, window: CellWindow, evaluator: WindowEvaluator, settings: ModelSettings, alpha: number): Tested[] {
  const tested: Tested[] = [];
  for (const [series, reference] of cell.baseline?.series ?? []) {
    const evaluation = evaluator.evaluate(window, series, reference, settings.alerts.minimumEffect, alpha);
    tested.push({ cell, window, series, reference, evaluation });
  }
  return tested;
}

function untested(model: string, cell: EvaluatedCell, window: CellWindow, verdict: 'learning' | 'insufficient'): EvaluationRecord[] {
  const names = new Set(cell.baseline?.series.keys());
  for (const node of window.nodes) for (const name of node.series.keys()) names.add(name);
  return [...names].sort().map((series) => ({
    model,
    version: versionOf(cell.key.version),
    segment: segmentRecord(cell.key.segment),
    series,
    kind: 'drift' as const,
    scale: formatDuration(window.scaleMs),
    windowStart: new Date(window.startMs).toISOString(),
    windowEnd: new Date(window.endMs).toISOString(),
    n: window.rows,
    baselineN: cell.baseline?.series.get(series)?.fitted.rows ?? 0,
    effects: {},
    p: null,
    detectable: null,
    verdict,
    statistic: null,
  }));
}

function evaluationRecord(model: string, one: Tested, evaluator: WindowEvaluator, isBreach: boolean): EvaluationRecord {
  const { evaluation, window, cell } = one;
  const effects = isBreach
    ? describeSeries(one.series, one.reference, evaluation, evaluator.summary(window, one.series)).effects
    : roundedEffects({ effect: evaluation.effect });
  return {
    model,
    version: versionOf(cell.key.version),
    segment: segmentRecord(cell.key.segment),
    series: one.series,
    kind: 'drift',
    scale: formatDuration(window.scaleMs),
    windowStart: new Date(window.startMs).toISOString(),
    windowEnd: new Date(window.endMs).toISOString(),
    n: evaluation.n,
    baselineN: evaluation.baselineN,
    effects,
    p: evaluation.p,
    detectable: evaluation.detectable,
    verdict: isBreach ? 'drift' : 'ok',
    statistic: evaluation.statistic,
  };
}

function signalOf(
  one: Tested,
  alpha: number,
  isBreach: boolean,
  isShownByWhole: boolean,
  evaluator: WindowEvaluator,
  settings: ModelSettings,
): Signal {
  const { evaluation, series, window, reference, cell } = one;
  const isQuality = evaluation.statistic === 'miss' || series === invalidSeries;
  return {
    key: seriesKey(cell.key.version, cell.key.segment, series),
    name: series,
    version: versionOf(cell.key.version),
    segment: cell.key.segment,
    kind: isQuality ? 'quality' : 'drift',
    severity: isQuality ? 'error' : severityOf(series, settings),
    scaleMs: window.scaleMs,
    p: evaluation.p,
    alpha,
    isBreach,
    isBelowMinimum: evaluation.belowMinimum,
    // Asked only where it can matter: of what breaches, or may keep an incident open.
    isNew: evaluation.p <= 10 * alpha && evaluator.isNew(window, series, reference, evaluation),
    isShownByWhole,
    describe: () => describeSeries(series, reference, evaluation, evaluator.summary(window, series)),
  };
}

/** Severity by consequence (DESIGN section 4): what the model says matters more than one feature, unless that is marked important. */
function severityOf(series: string, settings: ModelSettings): Severity {
  if (series === 'prediction' || series === 'score' || series === 'label') return 'warning';
  return settings.important.includes(series) ? 'warning' : 'info';
}

function versionOf(version: string): string | null {
  return version === allVersions ? null : version;
}
