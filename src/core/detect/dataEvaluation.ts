/**
 * All windows of one model that end at one pane, tested as one family per scale (recipe, sections 5 and 6): evaluations for the output,
 * signals for the incident book.
 */

import { formatDuration } from '../duration.ts';
import type { BookStep } from '../incident/bookState.ts';
import type { EvaluationRecord, Severity } from '../incident/event.ts';
import type { Picture } from '../incident/picture.ts';
import type { Signal } from '../incident/signal.ts';
import type { CoreSettings, ModelSettings } from '../settings.ts';
import { stepsPerWindow } from '../settings.ts';
import type { SeriesSummary } from '../sketch/types.ts';
import type { SegmentKey } from '../summarize/messages.ts';
import { lateSeries, rateSeries, seriesOfFeature } from '../summarize/seriesNames.ts';
import type { CellBaseline, SeriesReference } from './cellFit.ts';
import { dataPicture } from './dataPicture.ts';
import { describeSeries, roundedEffects } from './describe.ts';
import { allVersions, type CellKey, type Node } from './node.ts';
import { alphaOfScale, benjaminiHochberg } from './significance/family.ts';
import type { SeriesEvaluation } from './significance/types.ts';
import { type CellWindow, cellWindow, type WindowEvaluator, windowState } from './windowEvaluation.ts';

/** Share of late records from which on windows are not what they say. */
const grossLateness = 0.1;

/** p of the whole model at or below which a segment's own deviation is taken for a part of the model's. */
const shownByWhole = 0.01;

/** What the evaluation needs of one cell. */
interface EvaluatedCell {
  readonly key: CellKey;
  readonly nodes: (stepMs: number, afterMs: number, untilMs: number) => Node[];
  readonly baseline: CellBaseline | null;
}

export interface DataEvaluation {
  readonly evaluations: EvaluationRecord[];
  readonly signals: Signal[];
  /** Signals of the newest windows of the scales that are not due now, of what moves there: for series that are moving too. */
  readonly others: () => Signal[];
  /** What a picture of a series in its newest window of a scale shows; null where it is not watched any more. */
  readonly picture: (leading: NonNullable<BookStep['leading']>) => Picture | null;
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

/** What `seriesKey` made of a series. */
export function parseSeriesKey(key: string): readonly [series: string, version: string, segment: SegmentKey] {
  // Only keys that `seriesKey` wrote stand in a book.
  return JSON.parse(key) as [string, string, SegmentKey];
}

/** Segment as it stands in outputs. */
export function segmentRecord(segment: SegmentKey): Readonly<Record<string, string>> | null {
  return segment === null ? null : Object.fromEntries([[segment[0], segment[1]]]);
}

/** What an evaluation of a model needs, whatever the scale. */
interface EvaluationContext {
  readonly model: string;
  readonly cells: readonly EvaluatedCell[];
  readonly evaluator: WindowEvaluator;
  readonly settings: CoreSettings;
  readonly modelSettings: ModelSettings;
  /** 2 where the model has labels, so that performance takes its share of the budget; else 1. */
  readonly families: number;
  /** Whether an open incident names this series of the whole model. */
  readonly isNamed: (key: string) => boolean;
}

/** Evaluates every scale whose step ends at `endMs`. */
export function evaluateData(endMs: number, context: EvaluationContext): DataEvaluation {
  const { cells, settings, model } = context;
  const evaluations: EvaluationRecord[] = [];
  const signals: Signal[] = [];
  const whole = wholeBaseline(cells);
  const usable = whole === null ? [] : whole.usableScalesMs.filter((scaleMs) => whole.lengthMs >= 3 * scaleMs);
  const notDue: number[] = [];
  for (const scaleMs of settings.window.scalesMs) {
    if (endMs % (scaleMs / stepsPerWindow) !== 0) {
      notDue.push(scaleMs);
      continue;
    }
    const { tested, untested, alpha } = testScale(endMs, scaleMs, usable, context);
    for (const { cell, window, series, state } of untested) evaluations.push(untestedRecord(model, cell, window, series, state));
    for (const { one, isBreach } of tested) evaluations.push(evaluationRecord(model, one, context.evaluator, isBreach));
    signals.push(...signalsOf(tested, alpha, context));
  }
  const others = () =>
    notDue.flatMap((scaleMs) => {
      const stepMs = scaleMs / stepsPerWindow;
      const { tested, alpha } = testScale(Math.floor(endMs / stepMs) * stepMs, scaleMs, usable, context);
      return signalsOf(tested, alpha, context);
    });
  return { evaluations, signals, others, picture: (leading) => pictureOf(endMs, leading, usable, context) };
}

/** Of all versions, without a segment. */
function wholeBaseline(cells: readonly EvaluatedCell[]): CellBaseline | null {
  return cells.find(({ key }) => key.version === allVersions && key.segment === null)?.baseline ?? null;
}

function pictureOf(
  nowMs: number,
  { key, statistic, scaleMs }: NonNullable<BookStep['leading']>,
  usable: readonly number[],
  { cells, evaluator, settings, modelSettings, families }: EvaluationContext,
): Picture | null {
  const alpha = alphaAt(scaleMs, usable, modelSettings, families);
  for (const { key: cell, nodes, baseline } of cells) {
    for (const [series, reference] of baseline?.series ?? []) {
      if (seriesKey(cell.version, cell.segment, series) !== key) continue;
      const { minimumEffect } = modelSettings.alerts;
      const { scalesMs } = settings.window;
      const version = versionOf(cell.version);
      return dataPicture({ nowMs, series, version, statistic, reference, nodes }, { scaleMs, scalesMs, minimumEffect, alpha }, evaluator);
    }
  }
  return null;
}

function alphaAt(scaleMs: number, usable: readonly number[], { alerts }: ModelSettings, families: number): number {
  return alphaOfScale({ ...alerts.budget, windowMs: scaleMs, usableScales: Math.max(1, usable.length), families });
}

interface ScaleTest {
  readonly alpha: number;
  readonly tested: readonly { readonly one: Tested; readonly isBreach: boolean }[];
  readonly untested: readonly {
    readonly cell: EvaluatedCell;
    readonly window: CellWindow;
    readonly series: string;
    readonly state: 'learning' | 'insufficient';
  }[];
}

/** All series of one scale, as one family. */
function testScale(endMs: number, scaleMs: number, usable: readonly number[], context: EvaluationContext): ScaleTest {
  const { cells, evaluator, modelSettings, families } = context;
  const alpha = alphaAt(scaleMs, usable, modelSettings, families);
  const tested: Tested[] = [];
  const untested: ScaleTest['untested'][number][] = [];
  // A baseline may be older than the wish to ignore a feature, which then is missing everywhere.
  const ignored = new Set(modelSettings.ignore.map(seriesOfFeature));
  for (const cell of cells) {
    const window = cellWindow(scaleMs, endMs, cell.nodes);
    let state = windowState(window, cell.baseline);
    if (state === 'tested' && !usable.includes(scaleMs)) state = 'insufficient';
    if (state !== 'tested') {
      for (const series of seriesOf(cell, window)) if (!ignored.has(series)) untested.push({ cell, window, series, state });
      continue;
    }
    for (const [series, reference] of cell.baseline?.series ?? []) {
      if (ignored.has(series)) continue;
      const evaluation = evaluator.evaluate(window, series, reference, modelSettings.alerts.minimumEffect, alpha);
      if (evaluation === null) untested.push({ cell, window, series, state: 'insufficient' });
      else tested.push({ cell, window, series, reference, evaluation });
    }
  }
  const breaches = benjaminiHochberg(
    tested.map((one) => one.evaluation.p),
    alpha,
  );
  return { alpha, untested, tested: tested.map((one, index) => ({ one, isBreach: breaches[index] === true })) };
}

function signalsOf(tested: ScaleTest['tested'], alpha: number, { cells, evaluator, modelSettings, isNamed }: EvaluationContext): Signal[] {
  const whole = wholeBaseline(cells);
  const wholeP = new Map(
    tested
      .filter(({ one }) => one.cell.key.segment === null)
      .map(({ one }) => [seriesKey(one.cell.key.version, null, one.series), one.evaluation.p]),
  );
  return tested.map(({ one, isBreach }) => {
    const { version, segment } = one.cell.key;
    const wholeKey = seriesKey(version, null, one.series);
    const isShownByWhole = segment !== null && ((wholeP.get(wholeKey) ?? 1) <= shownByWhole || isNamed(wholeKey));
    const wholeSummary = whole?.series.get(one.series)?.summary ?? null;
    return signalOf(one, alpha, isBreach, isShownByWhole, evaluator, modelSettings, wholeSummary);
  });
}

/** Names of what is watched in a cell, or was seen in the window while there is no baseline yet; sorted. */
function seriesOf(cell: EvaluatedCell, window: CellWindow): string[] {
  const names = new Set(cell.baseline?.series.keys());
  for (const node of window.nodes) for (const name of node.series.keys()) names.add(name);
  return [...names].sort();
}

function untestedRecord(
  model: string,
  cell: EvaluatedCell,
  window: CellWindow,
  series: string,
  verdict: 'learning' | 'insufficient',
): EvaluationRecord {
  return {
    model,
    version: versionOf(cell.key.version),
    segment: segmentRecord(cell.key.segment),
    series,
    kind: 'drift',
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
  };
}

function evaluationRecord(model: string, one: Tested, evaluator: WindowEvaluator, isBreach: boolean): EvaluationRecord {
  const { evaluation, window, cell } = one;
  const effects = isBreach
    ? describeSeries(one.series, one.reference, evaluation, evaluator.summary(window, one.series), null).effects
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
  wholeSummary: SeriesSummary | null,
): Signal {
  const { evaluation, series, window, reference, cell } = one;
  const isQuality = evaluation.statistic === 'miss' || rateSeries.has(series);
  return {
    key: seriesKey(cell.key.version, cell.key.segment, series),
    name: series,
    version: versionOf(cell.key.version),
    segment: cell.key.segment,
    kind: isQuality ? 'quality' : 'drift',
    severity: isQuality ? qualitySeverity(series, evaluation) : severityOf(series, settings),
    scaleMs: window.scaleMs,
    windowEndMs: window.endMs,
    p: evaluation.p,
    alpha,
    isBreach,
    isBelowMinimum: evaluation.belowMinimum,
    // Asked only where it can matter: of what breaches, or may keep an incident open.
    newest:
      evaluation.p <= 10 * alpha
        ? evaluator.newest(window, series, reference, evaluation, settings.alerts.minimumEffect, alpha)
        : 'unknown',
    isShownByWhole,
    describe: () => describeSeries(series, reference, evaluation, evaluator.summary(window, series), wholeSummary),
  };
}

/** Severity by consequence (docs/design/design.md, section 4): what the model says matters more than one feature, unless that is marked important. */
function severityOf(series: string, settings: ModelSettings): Severity {
  if (series === 'prediction' || series === 'score' || series === 'label') return 'warning';
  return settings.important.some((feature) => seriesOfFeature(feature) === series) ? 'warning' : 'info';
}

/** Broken data is an error; some more late records than usual is none yet. */
function qualitySeverity(series: string, { observed }: SeriesEvaluation): Severity {
  return series === lateSeries && observed < grossLateness ? 'warning' : 'error';
}

function versionOf(version: string): string | null {
  return version === allVersions ? null : version;
}
