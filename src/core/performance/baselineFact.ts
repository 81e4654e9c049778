/** The frozen baselines of a model as a fact: written as JSON, read back with every number checked. */
import type { Dispersion, DispersionLink, TailWeight } from '../detect/significance/dispersion.ts';
import type { SlotRates, StatisticModel } from '../detect/significance/statistic.ts';
import { InputError } from '../errors.ts';
import type { SegmentKey } from '../summarize/messages.ts';
import type { BaselineSeries, PerformanceBaseline } from './types.ts';

/** What is remembered of one version. */
interface VersionFact {
  readonly version: string;
  /** Start of its first pane. */
  readonly firstPaneMs: number;
  /** Labelled panes from here on may begin its baseline. */
  readonly searchFromMs: number;
  readonly baseline: PerformanceBaseline | null;
}

export interface BaselineFact {
  /** The label clock of the last decision; null before the first. */
  readonly decidedMs: number | null;
  /** By first pane. */
  readonly versions: readonly VersionFact[];
}

/**
 * A fact as it came from JSON.
 *
 * @throws InputError naming the place that does not fit.
 */
export function parseBaselineFact(value: unknown): BaselineFact {
  const decidedMs = field(value, 'decidedMs');
  return {
    decidedMs: decidedMs === null ? null : number(decidedMs, 'fact.decidedMs'),
    versions: list(field(value, 'versions'), 'fact.versions', versionFact),
  };
}

function versionFact(value: unknown, at: string): VersionFact {
  const baseline = field(value, 'baseline', at);
  return {
    version: text(field(value, 'version', at), `${at}.version`),
    firstPaneMs: number(field(value, 'firstPaneMs', at), `${at}.firstPaneMs`),
    searchFromMs: number(field(value, 'searchFromMs', at), `${at}.searchFromMs`),
    baseline: baseline === null ? null : performanceBaseline(baseline, `${at}.baseline`),
  };
}

function performanceBaseline(value: unknown, at: string): PerformanceBaseline {
  const metric = field(value, 'metric', at);
  if (metric !== 'accuracy' && metric !== 'mae') throw misfit(`${at}.metric`, 'accuracy or mae');
  return {
    metric,
    fromMs: number(field(value, 'fromMs', at), `${at}.fromMs`),
    toMs: number(field(value, 'toMs', at), `${at}.toMs`),
    delayMs: number(field(value, 'delayMs', at), `${at}.delayMs`),
    usableScalesMs: list(field(value, 'usableScalesMs', at), `${at}.usableScalesMs`, number),
    series: list(field(value, 'series', at), `${at}.series`, baselineSeries),
  };
}

function baselineSeries(value: unknown, at: string): BaselineSeries {
  return {
    segment: segmentKey(field(value, 'segment', at), `${at}.segment`),
    labels: number(field(value, 'labels', at), `${at}.labels`),
    groupOfSlot: list(field(value, 'groupOfSlot', at), `${at}.groupOfSlot`, number),
    model: statisticModel(field(value, 'model', at), `${at}.model`),
  };
}

function segmentKey(value: unknown, at: string): SegmentKey {
  if (value === null) return null;
  const [name, segmentValue] = list(value, at, text);
  if (name === undefined || segmentValue === undefined) throw misfit(at, 'a name and a value');
  return [name, segmentValue];
}

function statisticModel(value: unknown, at: string): StatisticModel {
  return {
    rates: slotRates(field(value, 'rates', at), `${at}.rates`),
    dispersion: dispersion(field(value, 'dispersion', at), `${at}.dispersion`),
  };
}

function slotRates(value: unknown, at: string): SlotRates {
  const kind = field(value, 'kind', at);
  if (kind !== 'mean' && kind !== 'count') throw misfit(`${at}.kind`, 'mean or count');
  return {
    kind,
    rows: list(field(value, 'rows', at), `${at}.rows`, number),
    means: list(field(value, 'means', at), `${at}.means`, number),
    s2: number(field(value, 's2', at), `${at}.s2`),
    totalRows: number(field(value, 'totalRows', at), `${at}.totalRows`),
    mean: number(field(value, 'mean', at), `${at}.mean`),
  };
}

function dispersion(value: unknown, at: string): Dispersion {
  return {
    unitMs: number(field(value, 'unitMs', at), `${at}.unitMs`),
    links: list(field(value, 'links', at), `${at}.links`, dispersionLink),
    shortTail: tailWeight(field(value, 'shortTail', at), `${at}.shortTail`),
    longTail: tailWeight(field(value, 'longTail', at), `${at}.longTail`),
  };
}

function dispersionLink(value: unknown, at: string): DispersionLink {
  return {
    units: number(field(value, 'units', at), `${at}.units`),
    estimate: number(field(value, 'estimate', at), `${at}.estimate`),
    phi: number(field(value, 'phi', at), `${at}.phi`),
    nu: number(field(value, 'nu', at), `${at}.nu`),
  };
}

function tailWeight(value: unknown, at: string): TailWeight {
  return { units: number(field(value, 'units', at), `${at}.units`), excess: number(field(value, 'excess', at), `${at}.excess`) };
}

function field(value: unknown, name: string, at = 'fact'): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) throw misfit(`${at}.${name}`, 'a field');
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function list<Item>(value: unknown, at: string, item: (value: unknown, at: string) => Item): Item[] {
  if (!Array.isArray(value)) throw misfit(at, 'a list');
  return value.map((each: unknown, index) => item(each, `${at}[${index}]`));
}

function number(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw misfit(at, 'a finite number');
  return value;
}

function text(value: unknown, at: string): string {
  if (typeof value !== 'string') throw misfit(at, 'a text');
  return value;
}

function misfit(at: string, expected: string): InputError {
  return new InputError(`performance baseline in history: ${at} must be ${expected}; was this fact written by another release?`);
}
