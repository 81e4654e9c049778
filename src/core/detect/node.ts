/**
 * A node: what one cell of a model saw in one step of a scale. Panes are the nodes of one hop; larger nodes are merged from panes once,
 * never twice (docs/design/design.md, section 4).
 *
 * Features have one baseline over all versions of a model, so their nodes belong to the version `*`; prediction, score and label
 * belong to their version.
 */
import type { SourceRange } from '../incident/event.ts';
import { keepSmallestHashes } from '../record/caps.ts';
import type { CoreSettings } from '../settings.ts';
import { mergeSeries } from '../sketch/merge.ts';
import type { SeriesSummary } from '../sketch/types.ts';
import type { Cell, PartialRecord, SegmentKey } from '../summarize/messages.ts';
import type { UnitRows } from './significance/types.ts';

/** Version name of the nodes that hold what is watched over all versions. */
export const allVersions = '*';

/** Series that are compared version by version. All others are features. */
export const versionSeries: ReadonlySet<string> = new Set(['prediction', 'score', 'label']);

export interface CellKey {
  readonly version: string;
  readonly segment: SegmentKey;
}

/** Rows of one absolute unit inside a node, and the values of each series in it (numeric, categorical), by the order of the node's series. */
export interface NodeUnit {
  readonly unit: number;
  readonly rows: number;
  readonly numeric: readonly number[];
  readonly categorical: readonly number[];
}

export interface Node {
  readonly endMs: number;
  readonly stepMs: number;
  readonly rows: number;
  /** Sorted by name. */
  readonly series: ReadonlyMap<string, SeriesSummary>;
  /** All records that named the model, and those of them that were invalid or late; 0 but in the cell (`*`, whole). */
  readonly records: number;
  readonly invalid: number;
  readonly late: number;
  readonly units: readonly NodeUnit[];
  /** Source offsets behind the node; empty but in the cell (`*`, whole). */
  readonly sources: readonly SourceRange[];
  /** Why a decision on it is not exact; sorted, empty where it is. */
  readonly inexact: readonly string[];
}

export function cellText(key: CellKey): string {
  return JSON.stringify([key.version, key.segment]);
}

/** Order of cells wherever they are walked: whole before segments, `*` before versions. */
export function compareCells(left: CellKey, right: CellKey): number {
  const a = [left.segment === null ? '' : JSON.stringify(left.segment), left.version === allVersions ? '' : `v${left.version}`] as const;
  const b = [
    right.segment === null ? '' : JSON.stringify(right.segment),
    right.version === allVersions ? '' : `v${right.version}`,
  ] as const;
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] === b[1] ? 0 : a[1] < b[1] ? -1 : 1;
}

interface Gathered {
  readonly key: CellKey;
  rows: number;
  readonly parts: Map<string, SeriesSummary[]>;
}

/** Nodes of one pane of one model, by cell, from its partials in merge order. `extraInexact`: reasons that concern the whole pane. */
export function paneNodes(
  partials: readonly PartialRecord[],
  endMs: number,
  settings: CoreSettings,
  unitMs: number,
  declared: ReadonlySet<string>,
  extraInexact: readonly string[],
): { key: CellKey; node: Node }[] {
  const gathered = new Map<string, Gathered>();
  let records = 0;
  let invalid = 0;
  let late = 0;
  const inexact = new Set(extraInexact);
  for (const partial of partials) {
    if (!partial.complete) inexact.add('gap');
    if (partial.counts !== null) {
      records += partial.counts.records;
      late += partial.counts.late;
      for (const count of Object.values(partial.counts.invalid)) invalid += count ?? 0;
    }
    for (const cell of partial.cells) gather(gathered, cell);
  }
  const whole: CellKey = { version: allVersions, segment: null };
  if (!gathered.has(cellText(whole))) gathered.set(cellText(whole), { key: whole, rows: 0, parts: new Map() });
  const unit = Math.floor((endMs - 1) / unitMs);
  const reasons = [...inexact].sort();
  return [...gathered.values()]
    .sort((left, right) => compareCells(left.key, right.key))
    .map((cell) => {
      const names = keepSmallestHashes([...cell.parts.keys()], declared, settings.limits.seriesPerModel).sort();
      const series = new Map<string, SeriesSummary>();
      for (const name of names)
        series.set(name, mergeSeries(cell.parts.get(name) ?? [], settings.digest, settings.limits.categoriesPerSeries));
      const isWhole = cell.key.version === allVersions && cell.key.segment === null;
      const node: Node = {
        endMs,
        stepMs: settings.window.hopMs,
        rows: cell.rows,
        series,
        records: isWhole ? records : 0,
        invalid: isWhole ? invalid : 0,
        late: isWhole ? late : 0,
        units: [unitOf(unit, cell.rows, series)],
        sources: isWhole ? sourceRanges(partials) : [],
        inexact: reasons,
      };
      return { key: cell.key, node };
    });
}

/** One node of a longer step from the panes (or smaller nodes) inside it, in order of time. */
export function mergeNodes(parts: readonly Node[], endMs: number, stepMs: number, settings: CoreSettings): Node {
  const names = new Set<string>();
  for (const part of parts) for (const name of part.series.keys()) names.add(name);
  const series = new Map<string, SeriesSummary>();
  for (const name of [...names].sort()) {
    const summaries = parts.flatMap((part) => part.series.get(name) ?? []);
    series.set(name, mergeSeries(summaries, settings.digest, settings.limits.categoriesPerSeries));
  }
  const inexact = new Set(parts.flatMap((part) => part.inexact));
  return {
    endMs,
    stepMs,
    rows: parts.reduce((sum, part) => sum + part.rows, 0),
    series,
    records: parts.reduce((sum, part) => sum + part.records, 0),
    invalid: parts.reduce((sum, part) => sum + part.invalid, 0),
    late: parts.reduce((sum, part) => sum + part.late, 0),
    units: mergeUnits(parts, [...series.keys()]),
    sources: mergeRanges(parts.flatMap((part) => part.sources)),
    inexact: [...inexact].sort(),
  };
}

/** Rows per unit of one series of a node, with n = values of the deciding kind. */
export function unitRows(node: Node, series: string, kind: 'numeric' | 'categorical'): UnitRows[] {
  let index = -1;
  let at = 0;
  for (const name of node.series.keys()) {
    if (name === series) index = at;
    at++;
  }
  return node.units.map((unit) => ({
    unit: unit.unit,
    rows: unit.rows,
    n: (kind === 'numeric' ? unit.numeric[index] : unit.categorical[index]) ?? 0,
  }));
}

/** One range per source partition that covers all of the given ones. */
export function mergeRanges(ranges: readonly SourceRange[]): SourceRange[] {
  const merged = new Map<string, { topic: string; partition: number; from: number; to: number }>();
  for (const range of ranges) {
    const key = `${range.topic}/${range.partition}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ...range });
    else {
      known.from = Math.min(known.from, range.from);
      known.to = Math.max(known.to, range.to);
    }
  }
  return [...merged.values()].sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
}

export function sourceRanges(partials: readonly PartialRecord[]): SourceRange[] {
  return mergeRanges(
    partials.map((partial) => ({ topic: partial.source.topic, partition: partial.source.partition, from: partial.first, to: partial.to })),
  );
}

function gather(gathered: Map<string, Gathered>, cell: Cell): void {
  gatherInto(gathered, { version: allVersions, segment: cell.segment }, cell, (name) => !versionSeries.has(name));
  gatherInto(gathered, { version: cell.version, segment: cell.segment }, cell, (name) => versionSeries.has(name));
}

function gatherInto(gathered: Map<string, Gathered>, key: CellKey, cell: Cell, wanted: (name: string) => boolean): void {
  const text = cellText(key);
  let target = gathered.get(text);
  if (target === undefined) {
    target = { key, rows: 0, parts: new Map() };
    gathered.set(text, target);
  }
  target.rows += cell.rows;
  for (const [name, summary] of cell.series) {
    if (!wanted(name)) continue;
    const parts = target.parts.get(name);
    if (parts === undefined) target.parts.set(name, [summary]);
    else parts.push(summary);
  }
}

function unitOf(unit: number, rows: number, series: ReadonlyMap<string, SeriesSummary>): NodeUnit {
  const numeric: number[] = [];
  const categorical: number[] = [];
  for (const summary of series.values()) {
    numeric.push(summary.numeric?.count ?? 0);
    categorical.push(summary.categories?.count ?? 0);
  }
  return { unit, rows, numeric, categorical };
}

function mergeUnits(parts: readonly Node[], names: readonly string[]): NodeUnit[] {
  const units = new Map<number, { unit: number; rows: number; numeric: number[]; categorical: number[] }>();
  const places = new Map(names.map((name, place) => [name, place]));
  for (const part of parts) {
    const partNames = [...part.series.keys()];
    for (const unit of part.units) {
      let target = units.get(unit.unit);
      if (target === undefined) {
        target = { unit: unit.unit, rows: 0, numeric: names.map(() => 0), categorical: names.map(() => 0) };
        units.set(unit.unit, target);
      }
      target.rows += unit.rows;
      for (const [index, name] of partNames.entries()) {
        const place = places.get(name) as number;
        target.numeric[place] = (target.numeric[place] ?? 0) + (unit.numeric[index] ?? 0);
        target.categorical[place] = (target.categorical[place] ?? 0) + (unit.categorical[index] ?? 0);
      }
    }
  }
  return [...units.values()].sort((a, b) => a.unit - b.unit);
}
