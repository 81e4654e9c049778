/**
 * One window of one cell against its baseline: the last 12 nodes of a scale, their sums added, every series compared (recipe, sections 3
 * to 5). Drift is incremental: a node is scored once per baseline, a window adds 12 sums whatever its length.
 */
import type { Signal } from '../incident/signal.ts';
import type { AlertSettings, CoreSettings } from '../settings.ts';
import { stepsPerWindow } from '../settings.ts';
import { mergeSeries } from '../sketch/merge.ts';
import type { SeriesSummary } from '../sketch/types.ts';
import { type CellBaseline, rates, type SeriesReference } from './cellFit.ts';
import { type Node, unitRows } from './node.ts';
import { isInsufficient } from './significance/family.ts';
import { addSums, scoreSeries } from './significance/scores.ts';
import { effectOf, evaluateSeries, rateSums, type Sighting, sightingOf } from './significance/series.ts';
import type { SeriesBaseline, SeriesEvaluation, SeriesSums, UnitRows, WindowSums } from './significance/types.ts';

export interface CellWindow {
  readonly scaleMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly nodes: readonly Node[];
  readonly rows: number;
}

export type WindowState = 'learning' | 'insufficient' | 'tested';

/** Nodes of the window that ends at `endMs`; `nodes` gives those of one step that end in a stretch of time. */
export function cellWindow(
  scaleMs: number,
  endMs: number,
  nodes: (stepMs: number, afterMs: number, untilMs: number) => Node[],
): CellWindow {
  const startMs = endMs - scaleMs;
  const inside = nodes(scaleMs / stepsPerWindow, startMs, endMs);
  return { scaleMs, startMs, endMs, nodes: inside, rows: inside.reduce((sum, node) => sum + Math.max(node.rows, node.records), 0) };
}

/** Whether this window can be tested against this baseline at all. */
export function windowState(window: CellWindow, baseline: CellBaseline | null): WindowState {
  // A window that is a part of the baseline would be compared with itself.
  if (baseline === null || (window.startMs < baseline.endMs && window.endMs > baseline.startMs)) return 'learning';
  if (isInsufficient({ baselineMs: baseline.lengthMs, windowMs: window.scaleMs, rows: window.rows })) return 'insufficient';
  return 'tested';
}

/** Sums of nodes are kept as long as the node itself lives, for the reference that they were scored with. */
export class WindowEvaluator {
  readonly #settings: CoreSettings;
  readonly #unitMs: number;
  readonly #sums = new WeakMap<Node, Map<string, { reference: SeriesReference; sums: SeriesSums; units: UnitRows[] }>>();

  constructor(settings: CoreSettings, unitMs: number) {
    this.#settings = settings;
    this.#unitMs = unitMs;
  }

  /**
   * Null where the series has too few values in the window to say anything about them, and does not go missing more often than it should:
   * that alone is asked of all rows.
   */
  evaluate(
    window: CellWindow,
    series: string,
    reference: SeriesReference,
    minimumEffect: AlertSettings['minimumEffect'],
    alpha: number,
  ): SeriesEvaluation | null {
    const sums = this.#windowSums(window.nodes, series, reference);
    const isSparse = hasTooFew(sums.sums.n);
    const asked = isSparse ? missingOnly(sums, reference.fitted) : sums;
    const evaluation = evaluateSeries(reference.fitted, asked, window.scaleMs, minimumEffect, alpha);
    return isSparse && (evaluation.statistic !== 'miss' || evaluation.p >= 1) ? null : evaluation;
  }

  /**
   * What is over does not open: whether the newest third of the window shows at least half of the effect, in its direction. Too few rows there
   * may open, but do not speak for recovery; nor does a third that deviates in another way, as after a large step: first the window, which holds
   * both sides of it, is wider than it should be, then its newest part is elsewhere.
   */
  newest(
    window: CellWindow,
    series: string,
    reference: SeriesReference,
    evaluation: SeriesEvaluation,
    minimumEffect: AlertSettings['minimumEffect'],
    alpha: number,
  ): Signal['newest'] {
    const thirdMs = (window.scaleMs / stepsPerWindow) * (stepsPerWindow / 3);
    const nodes = window.nodes.filter((node) => node.endMs > window.endMs - thirdMs);
    if (nodes.length === 0) return 'unknown';
    const sums = this.#windowSums(nodes, series, reference);
    const effect = effectOf(reference.fitted, sums, evaluation.statistic);
    if (Math.sign(effect) === Math.sign(evaluation.effect) && Math.abs(effect) >= Math.abs(evaluation.effect) / 2) return 'shows';
    if (hasTooFew(evaluation.statistic === 'miss' ? sums.sums.rows : sums.sums.n)) return 'unknown';
    const third = evaluateSeries(reference.fitted, sums, thirdMs, minimumEffect, alpha);
    return third.p <= alpha && !third.belowMinimum ? 'unknown' : 'over';
  }

  /** What one statistic saw in some nodes, and on how many rows: for people. */
  sighting(nodes: readonly Node[], series: string, reference: SeriesReference, statistic: string): Sighting & { readonly n: number } {
    const sums = this.#windowSums(nodes, series, reference);
    return { ...sightingOf(reference.fitted, sums, statistic), n: statistic === 'miss' ? sums.sums.rows : sums.sums.n };
  }

  /** The merged summary of a window, for people. */
  summary(window: CellWindow, series: string): SeriesSummary {
    const parts = window.nodes.flatMap((node) => node.series.get(series) ?? []);
    return mergeSeries(parts, this.#settings.digest, this.#settings.limits.categoriesPerSeries);
  }

  #windowSums(nodes: readonly Node[], series: string, reference: SeriesReference): WindowSums {
    let sums: SeriesSums | null = null;
    const units = new Map<number, { unit: number; rows: number; n: number }>();
    for (const node of nodes) {
      const scored = this.#nodeSums(node, series, reference);
      sums = sums === null ? scored.sums : addSums(sums, scored.sums);
      for (const unit of scored.units) {
        const known = units.get(unit.unit);
        if (known === undefined) units.set(unit.unit, { ...unit });
        else {
          known.rows += unit.rows;
          known.n += unit.n;
        }
      }
    }
    return { units: [...units.values()].sort((a, b) => a.unit - b.unit), sums: sums ?? { rows: 0, n: 0, x: [], ss: [] } };
  }

  #nodeSums(node: Node, series: string, reference: SeriesReference): { sums: SeriesSums; units: UnitRows[] } {
    let bySeries = this.#sums.get(node);
    if (bySeries === undefined) {
      bySeries = new Map();
      this.#sums.set(node, bySeries);
    }
    const known = bySeries.get(series);
    if (known?.reference === reference) return known;
    const { scores } = reference.fitted;
    let scored: { sums: SeriesSums; units: UnitRows[] };
    if (scores.kind === 'rate') scored = { sums: rateSums(node.records, rates.get(series)?.(node) ?? 0), units: this.#recordUnits(node) };
    else {
      scored = {
        sums: scoreSeries(scores, node.series.get(series) ?? null, node.rows),
        units: unitRows(node, series, scores.kind),
      };
    }
    bySeries.set(series, { reference, ...scored });
    return scored;
  }

  /** Records per unit: as the valid rows are spread, for records of no cell have no unit of their own. */
  #recordUnits(node: Node): UnitRows[] {
    const newest = { unit: Math.floor((node.endMs - 1) / this.#unitMs), rows: node.rows };
    const units = node.rows > 0 ? node.units : [{ ...newest, rows: 1 }];
    const rows = units.reduce((sum, unit) => sum + unit.rows, 0);
    return units.map((unit) => {
      const records = (node.records * unit.rows) / rows;
      return { unit: unit.unit, rows: records, n: records };
    });
  }
}

function hasTooFew(rows: number): boolean {
  return isInsufficient({ baselineMs: Number.POSITIVE_INFINITY, windowMs: 0, rows });
}

/** The sums without the values, so that only `miss`, which is of all rows, can differ. */
function missingOnly({ units, sums }: WindowSums, { scores }: SeriesBaseline): WindowSums {
  return {
    units: units.map((unit) => ({ ...unit, n: 0 })),
    sums: {
      rows: sums.rows,
      n: 0,
      x: sums.x.map((x, index) => (scores.statistics[index] === 'miss' ? x : 0)),
      ss: sums.ss.map(() => 0),
    },
  };
}
