/**
 * The fit of one cell's baseline from its units, whoever gathered them: a learner from live data, or a reader from a file
 * (docs/design/protocol.md, Baseline `first` and learning).
 */
import { dayMs, hourMs } from '../duration.ts';
import type { CoreSettings } from '../settings.ts';
import { mergeSeries } from '../sketch/merge.ts';
import type { SeriesSummary } from '../sketch/types.ts';
import { invalidSeries, lateSeries } from '../summarize/seriesNames.ts';
import type { Node } from './node.ts';
import { isUsable } from './significance/family.ts';
import type { UnitSums } from './significance/fitSums.ts';
import { fitScores, scoreSeries } from './significance/scores.ts';
import { fitFileSeries, fitRate, fitSeries, type SeriesBaseline, type SeriesUnit } from './significance/series.ts';

/** Rates of all records of a node: how many it has of them. */
export const rates: ReadonlyMap<string, (node: Node) => number> = new Map([
  [invalidSeries, (node) => node.invalid],
  [lateSeries, (node) => node.late],
]);

/** What one series is compared with: the fitted statistics, and the merged summary for people (null for a rate). */
export interface SeriesReference {
  readonly fitted: SeriesBaseline;
  readonly summary: SeriesSummary | null;
}

/** One fit of a cell. `number` rises with every refit; 0 is that of a file, which is no fact. Windows must not overlap `startMs` to `endMs`. */
export interface CellBaseline {
  readonly number: number;
  readonly startMs: number;
  readonly endMs: number;
  /** Length of what was learned from, without the days that were left out. */
  readonly lengthMs: number;
  readonly isFrozen: boolean;
  /** Scales with enough rows in the median baseline window (recipe, section 6). */
  readonly usableScalesMs: readonly number[];
  readonly series: ReadonlyMap<string, SeriesReference>;
}

/** Rows without times: they give scores and rates, but no variation. */
export interface UndatedCell {
  readonly rows: number;
  readonly series: ReadonlyMap<string, SeriesSummary>;
}

/** Span in which a baseline keeps its sums (recipe, section 1): an hour, the hop if that is longer, the shortest scale if that is shorter. */
export function baselineUnitMs({ window }: CoreSettings): number {
  const shortest = window.scalesMs[0] ?? Number.POSITIVE_INFINITY;
  return Math.max(window.hopMs, Math.min(hourMs, shortest));
}

/** What a fit is made from: nodes of one unit each, and the starts of the days that count, ascending. */
export interface CellDays {
  readonly nodes: readonly Node[];
  readonly days: readonly number[];
  readonly unitMs: number;
}

/**
 * Fits all series of a cell: from its own days, or with scores and rates of `undated` rows and the variation of the days.
 * Days that were left out are closed up: units go on from the first day, their hours of the day stay what they are.
 */
export function fitCell(
  { nodes, days, unitMs }: CellDays,
  settings: CoreSettings,
  undated: UndatedCell | null,
): Pick<CellBaseline, 'startMs' | 'lengthMs' | 'usableScalesMs' | 'series'> {
  const startMs = days[0] ?? 0;
  const ends = days.flatMap((dayStartMs) => Array.from({ length: dayMs / unitMs }, (_, i) => dayStartMs + (i + 1) * unitMs));
  const byEnd = new Map(nodes.map((node) => [node.endMs, node]));
  const firstUnit = startMs / unitMs;
  const units = ends.map((end, index) => ({ unit: firstUnit + index, node: byEnd.get(end) ?? null }));
  const series = new Map<string, SeriesReference>();
  const names = undated?.series.keys() ?? new Set(units.flatMap(({ node }) => (node === null ? [] : [...node.series.keys()])));
  for (const name of [...names].sort()) {
    const parts = units.map(({ unit, node }) => ({ unit, rows: node?.rows ?? 0, summary: node?.series.get(name) ?? null }));
    const reference = undated === null ? ofDays(parts, unitMs, settings) : ofUndated(undated, name, parts, unitMs);
    if (reference !== null) series.set(name, reference);
  }
  if (units.some(({ node }) => node !== null && node.records > 0)) {
    for (const [name, countOf] of rates) {
      const rate = fitRate(
        units.map(({ unit, node }) => ({ unit, n: node?.records ?? 0, x: node === null ? 0 : countOf(node) })),
        { unitMs },
      );
      if (rate !== null) series.set(name, { fitted: rate, summary: null });
    }
  }
  const rows = units.map(({ node }) => Math.max(node?.rows ?? 0, node?.records ?? 0));
  return {
    startMs,
    lengthMs: days.length * dayMs,
    usableScalesMs: settings.window.scalesMs.filter((scaleMs) => isUsable(rows, scaleMs / unitMs)),
    series,
  };
}

function ofDays(units: readonly SeriesUnit[], unitMs: number, { digest, limits }: CoreSettings): SeriesReference | null {
  const categoryCap = limits.categoriesPerSeries;
  const fitted = fitSeries(units, { unitMs, digest, categoryCap });
  if (fitted === null) return null;
  const summaries = units.flatMap((unit) => (unit.summary === null ? [] : [unit.summary]));
  return { fitted, summary: mergeSeries(summaries, digest, categoryCap) };
}

function ofUndated({ rows, series }: UndatedCell, name: string, units: readonly SeriesUnit[], unitMs: number): SeriesReference | null {
  const summary = series.get(name) ?? null;
  const scores = summary === null ? null : fitScores(summary);
  if (summary === null || scores === null) return null;
  const live = units.map((unit): UnitSums => ({ unit: unit.unit, sums: scoreSeries(scores, unit.summary, unit.rows) }));
  const fitted = fitFileSeries(summary, rows, live, { unitMs });
  return fitted === null ? null : { fitted, summary };
}
