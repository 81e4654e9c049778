/**
 * What each pane must hold, by a fold of the source log that shares no code with the stages: which records are late, and per pane, model,
 * version and segment the rows, values, missing values, extremes and categories.
 */
import type { Node } from '../../src/core/detect/node.ts';
import type { Scenario } from './scenario.ts';

interface FoldedSeries {
  count: number;
  min: number;
  max: number;
  sum: number;
  readonly categories: Map<string, number>;
}

interface FoldedCell {
  rows: number;
  readonly series: Map<string, FoldedSeries>;
}

export class Oracle {
  readonly #cells = new Map<string, FoldedCell>();

  constructor({ settings, traffic }: Pick<Scenario, 'settings' | 'traffic'>) {
    const { hopMs, latenessMs } = settings.window;
    for (const partition of traffic.predictions) {
      let largestMs = Number.NEGATIVE_INFINITY;
      for (const { record } of partition) {
        const paneMs = record.timeMs - (record.timeMs % hopMs);
        const isLate = paneMs + hopMs <= largestMs - latenessMs;
        largestMs = Math.max(largestMs, record.timeMs);
        if (isLate) continue;
        const segments: (readonly [string, string] | null)[] = [null];
        for (const name of settings.defaults.segments) {
          const value = record.segments[name];
          if (value !== undefined) segments.push([name, value]);
        }
        for (const segment of segments) {
          const features = Object.entries(record.features);
          this.#add(paneMs + hopMs, record.model, '*', segment, features);
          this.#add(paneMs + hopMs, record.model, record.version, segment, [
            ['prediction', record.prediction],
            ['score', record.score],
          ]);
        }
      }
    }
  }

  /** Differences between a decided pane and the fold, a sentence each. */
  problems(model: string, version: string, segment: readonly [string, string] | null, node: Node): string[] {
    const key = cellKey(node.endMs, model, version, segment);
    const folded = this.#cells.get(key) ?? { rows: 0, series: new Map<string, FoldedSeries>() };
    const problems: string[] = [];
    const compare = (what: string, decided: number, expected: number) => {
      if (Math.abs(decided - expected) > 1e-9 * Math.max(1, Math.abs(expected)))
        problems.push(`${key}: ${what} is ${decided}, the fold has ${expected}`);
    };
    compare('rows', node.rows, folded.rows);
    for (const [name, series] of folded.series) {
      const { numeric = null, categories = null } = node.series.get(name) ?? {};
      compare(`${name} values`, numeric?.count ?? 0, series.count);
      if (series.count > 0 && numeric !== null) {
        compare(`${name} minimum`, numeric.min, series.min);
        compare(`${name} maximum`, numeric.max, series.max);
        compare(`${name} sum`, numeric.mean * numeric.count, series.sum);
      }
      for (const [value, count] of series.categories) {
        compare(`${name} = ${value}`, categories?.entries.find((entry) => entry.value === value)?.count ?? 0, count);
      }
    }
    return problems;
  }

  /** Cells (model, version, segment) with rows in panes that end at or before `untilMs`, as texts with the pane. */
  cellsUntil(untilMs: number): string[] {
    return [...this.#cells.keys()].filter((key) => JSON.parse(key)[0] <= untilMs);
  }

  #add(
    endMs: number,
    model: string,
    version: string,
    segment: readonly [string, string] | null,
    values: readonly (readonly [string, unknown])[],
  ): void {
    const key = cellKey(endMs, model, version, segment);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { rows: 0, series: new Map() };
      this.#cells.set(key, cell);
    }
    cell.rows++;
    for (const [name, value] of values) {
      if (value === null || value === undefined) continue;
      let series = cell.series.get(name);
      if (series === undefined) {
        series = { count: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, sum: 0, categories: new Map() };
        cell.series.set(name, series);
      }
      if (typeof value === 'number') {
        series.count++;
        series.min = Math.min(series.min, value);
        series.max = Math.max(series.max, value);
        series.sum += value;
      } else series.categories.set(String(value), (series.categories.get(String(value)) ?? 0) + 1);
    }
  }
}

export function cellKey(endMs: number, model: string, version: string, segment: readonly [string, string] | null): string {
  return JSON.stringify([endMs, model, version, segment]);
}
