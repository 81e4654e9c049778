/**
 * What a baseline file says of one model (docs/design/protocol.md, File baseline): by cell either a finished baseline, where its rows have times, or
 * scores and rates that wait for the variation of the first live days, where they have none. The same file gives the same.
 */

import { dayMs } from '../duration.ts';
import type { CoreSettings } from '../settings.ts';
import { settingsOf } from '../settings.ts';
import type { PartialRecord } from '../summarize/messages.ts';
import { seriesOfFeature } from '../summarize/seriesNames.ts';
import { baselineUnitMs, type CellBaseline, fitCell, type UndatedCell } from './cellFit.ts';
import { allVersions, type CellKey, cellText, type Node, paneNodes } from './node.ts';

/** One cell of a file. `hash` is that of the file's bytes. */
export type FileCell =
  | { readonly kind: 'dated'; readonly hash: string; readonly baseline: CellBaseline }
  | { readonly kind: 'undated'; readonly hash: string; readonly rows: UndatedCell };

export interface FileBaseline {
  readonly kind: FileCell['kind'];
  /** Of the file's bytes. */
  readonly hash: string;
  /** By cell text. */
  readonly cells: ReadonlyMap<string, FileCell>;
  /** The only version in the file: empty where its rows name none; null where there are several. */
  readonly onlyVersion: string | null;
}

/** By model. Models that no file holds learn their baseline from live data. */
export type FileBaselines = ReadonlyMap<string, FileBaseline>;

/** First and last event time of a model in a file; null where its rows have none. */
export type FileSpan = { readonly firstMs: number; readonly lastMs: number } | null;

/** Settings by which the rows of a file are summarized: panes as long as a unit, no sample for labels, and a day's leeway in the order. */
export function fileSettings(settings: CoreSettings): CoreSettings {
  const window = { ...settings.window, hopMs: baselineUnitMs(settings), latenessMs: dayMs };
  return { ...settings, window, limits: { ...settings.limits, bytesPerModel: 1 } };
}

/** First complete unit and last complete hop of a file: what its whole days are counted in. */
export function completeSpan({ firstMs, lastMs }: NonNullable<FileSpan>, settings: CoreSettings): { startMs: number; endMs: number } {
  const { hopMs } = settings.window;
  const unitMs = baselineUnitMs(settings);
  const firstPaneMs = Math.floor(firstMs / hopMs) * hopMs;
  return { startMs: Math.ceil(firstPaneMs / unitMs) * unitMs, endMs: (Math.floor(lastMs / hopMs) + 1) * hopMs };
}

/**
 * Makes the baseline of a model from the partials of its rows, which were summarized by `fileSettings(settings)`.
 *
 * @returns null where rows with times do not fill one whole day
 */
export function fitFile(
  model: string,
  partials: readonly PartialRecord[],
  span: FileSpan,
  hash: string,
  settings: CoreSettings,
): FileBaseline | null {
  const nodes = unitNodes(model, partials, settings);
  const cells = new Map<string, FileCell>();
  for (const [text, { nodes: ofCell }] of nodes) {
    const [first] = ofCell;
    if (first === undefined) continue;
    if (span === null) {
      cells.set(text, { kind: 'undated', hash, rows: { rows: first.rows, series: first.series } });
      continue;
    }
    const baseline = fitDays(ofCell, completeSpan(span, settings), settings);
    if (baseline !== null) cells.set(text, { kind: 'dated', hash, baseline });
  }
  if (!cells.has(cellText({ version: allVersions, segment: null }))) return null;
  const versions = [...nodes.values()].flatMap(({ key }) => (key.segment === null && key.version !== allVersions ? [key.version] : []));
  const [only] = versions;
  return { kind: span === null ? 'undated' : 'dated', hash, cells, onlyVersion: versions.length === 1 ? (only ?? null) : null };
}

/**
 * What a file says of a cell; null: nothing, the cell learns. Rows that name no version stand for every one; so do undated rows of a single
 * version.
 */
export function fileCellOf(file: FileBaseline | null, key: CellKey): FileCell | null {
  const known = file?.cells.get(cellText(key));
  if (file === null || known !== undefined) return known ?? null;
  if (key.version === allVersions || (file.onlyVersion !== '' && file.kind === 'dated')) return null;
  return onlyVersionOf(file, key.segment);
}

/** The segment's cell of the file's only version: the last resort of a version that nothing else can be compared with. */
export function onlyVersionOf(file: FileBaseline | null, segment: CellKey['segment']): FileCell | null {
  if (file === null || file.onlyVersion === null) return null;
  return file.cells.get(cellText({ version: file.onlyVersion, segment })) ?? null;
}

function unitNodes(
  model: string,
  partials: readonly PartialRecord[],
  settings: CoreSettings,
): Map<string, { key: CellKey; nodes: Node[] }> {
  const summarizedBy = fileSettings(settings);
  const unitMs = summarizedBy.window.hopMs;
  const { important, sensitive } = settingsOf(settings, model);
  const declared = new Set([...important, ...sensitive].map(seriesOfFeature));
  const units = new Map<number, PartialRecord[]>();
  for (const partial of partials) {
    if (partial.paneMs === null) continue;
    const unit = units.get(partial.paneMs);
    if (unit === undefined) units.set(partial.paneMs, [partial]);
    else unit.push(partial);
  }
  const cells = new Map<string, { key: CellKey; nodes: Node[] }>();
  for (const [startMs, ofUnit] of [...units].sort(([left], [right]) => left - right)) {
    for (const { key, node } of paneNodes(ofUnit, startMs + unitMs, summarizedBy, unitMs, declared, [])) {
      const cell = cells.get(cellText(key));
      if (cell === undefined) cells.set(cellText(key), { key, nodes: [node] });
      else cell.nodes.push(node);
    }
  }
  return cells;
}

/** All whole days with data from the first complete unit of the cell: as `first` learns them, but none is left out for an incident. */
function fitDays(
  nodes: readonly Node[],
  { startMs, endMs }: { startMs: number; endMs: number },
  settings: CoreSettings,
): CellBaseline | null {
  const unitMs = baselineUnitMs(settings);
  const first = nodes.find((node) => node.endMs - unitMs >= startMs);
  if (first === undefined) return null;
  const days: number[] = [];
  for (let dayStartMs = first.endMs - unitMs; dayStartMs + dayMs <= endMs; dayStartMs += dayMs) {
    if (nodes.some((node) => node.endMs > dayStartMs && node.endMs <= dayStartMs + dayMs)) days.push(dayStartMs);
  }
  const last = days.at(-1);
  if (last === undefined) return null;
  return { number: 0, endMs: last + dayMs, isFrozen: true, ...fitCell({ nodes, days, unitMs }, settings, null) };
}
