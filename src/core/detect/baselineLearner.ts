/**
 * The baseline `first` of one cell (PROTOCOL.md, Baseline `first` and learning): D whole days from the first complete unit with data,
 * refitted at the end of every whole day with data until it is complete, then frozen. A day in which an incident was open is not added, so
 * the baseline ends a day later; a gap of more than a day starts anew.
 */
import type { CoreSettings } from '../settings.ts';
import { mergeSeries } from '../sketch/merge.ts';
import type { SeriesSummary } from '../sketch/types.ts';
import type { CellHistory } from './cellHistory.ts';
import type { Node } from './node.ts';
import { isUsable } from './significance/family.ts';
import { fitRate, fitSeries, type SeriesBaseline } from './significance/series.ts';

const dayMs = 86_400_000;

/** Name of the series that is the rate of bad records. */
export const invalidSeries = 'invalid';

/** What one series is compared with: the fitted statistics, and the merged summary for people (null for a rate). */
export interface SeriesReference {
  readonly fitted: SeriesBaseline;
  readonly summary: SeriesSummary | null;
}

/** One fit of a cell. `number` rises with every refit. Windows may begin at `endMs` or later. */
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

export interface LearnerState {
  startMs: number | null;
  lastDataMs: number | null;
  /** Starts of the days learned from. */
  days: number[];
  hadIncident: boolean;
  number: number;
}

export class BaselineLearner {
  readonly #settings: CoreSettings;
  readonly #unitMs: number;
  readonly #neededDays: number;
  #state: LearnerState = { startMs: null, lastDataMs: null, days: [], hadIncident: false, number: 0 };
  #current: CellBaseline | null = null;

  constructor(settings: CoreSettings, unitMs: number, durationMs: number) {
    this.#settings = settings;
    this.#unitMs = unitMs;
    this.#neededDays = Math.max(1, Math.ceil(durationMs / dayMs));
  }

  get current(): CellBaseline | null {
    return this.#current;
  }

  /** Whether there is nothing to keep: no fit, and nothing being learned. */
  get isEmpty(): boolean {
    return this.#current === null && this.#state.startMs === null;
  }

  /** Whether the unit that ends at `endMs` belongs to a day that the next refit needs, as far as is known at `nowMs`. */
  needsUnit(endMs: number, nowMs: number): boolean {
    const { startMs, days, hadIncident } = this.#state;
    if (this.#current?.isFrozen === true || startMs === null || endMs <= startMs) return false;
    const dayOf = (timeMs: number) => Math.ceil((timeMs - startMs) / dayMs) - 1;
    const day = dayOf(endMs);
    // The day that is being filled: the one of the next pane.
    if (day >= dayOf(nowMs + 1)) return !hadIncident;
    return days.includes(startMs + day * dayMs);
  }

  /**
   * Closes the pane that ends at `endMs`. `pane` is null without data. Gives the new fit when this pane completes a day to learn from.
   */
  close(endMs: number, pane: Node | null, history: CellHistory, isIncidentOpen: boolean): CellBaseline | null {
    if (this.#current?.isFrozen === true) return null;
    const state = this.#state;
    const hasData = pane !== null && (pane.rows > 0 || pane.records > 0);
    const withoutDataUntilMs = hasData ? pane.endMs - pane.stepMs : endMs;
    if (state.lastDataMs !== null && withoutDataUntilMs - state.lastDataMs > dayMs) this.#startAnew();
    return this.#learn(endMs, hasData ? pane : null, history, isIncidentOpen);
  }

  #learn(endMs: number, pane: Node | null, history: CellHistory, isIncidentOpen: boolean): CellBaseline | null {
    const state = this.#state;
    if (pane !== null) {
      state.lastDataMs = endMs;
      state.startMs ??= this.#firstUnit(pane);
    }
    if (state.startMs === null || endMs <= state.startMs) return null;
    if (isIncidentOpen) state.hadIncident = true;
    if ((endMs - state.startMs) % dayMs !== 0) return null;
    const dayStartMs = endMs - dayMs;
    const isAdded = !state.hadIncident && history.nodes(this.#unitMs, dayStartMs, endMs).some((node) => node.rows > 0 || node.records > 0);
    state.hadIncident = isIncidentOpen;
    if (!isAdded) return null;
    state.days.push(dayStartMs);
    this.#current = this.#fit(endMs, history);
    return this.#current;
  }

  snapshot(): LearnerState {
    return structuredClone(this.#state);
  }

  restore(state: LearnerState, current: CellBaseline | null): void {
    this.#state = structuredClone(state);
    this.#current = current;
  }

  #startAnew(): void {
    this.#state = { startMs: null, lastDataMs: null, days: [], hadIncident: false, number: this.#state.number };
    this.#current = null;
  }

  /** The first unit that is complete: a pane that began in the middle of a unit, or whose reader did, belongs to none. */
  #firstUnit(pane: Node): number {
    const startMs = pane.endMs - pane.stepMs;
    const isCut = pane.inexact.includes('gap');
    return isCut ? (Math.floor(startMs / this.#unitMs) + 1) * this.#unitMs : Math.ceil(startMs / this.#unitMs) * this.#unitMs;
  }

  #fit(endMs: number, history: CellHistory): CellBaseline {
    const state = this.#state;
    const unitMs = this.#unitMs;
    const ends = state.days.flatMap((dayStartMs) => Array.from({ length: dayMs / unitMs }, (_, i) => dayStartMs + (i + 1) * unitMs));
    const nodes = new Map(history.nodes(unitMs, state.startMs ?? endMs, endMs).map((node) => [node.endMs, node]));
    // Days that were left out are closed up: units go on from the first day, their hours of the day stay what they are.
    const firstUnit = (state.days[0] ?? 0) / unitMs;
    const span = { unitMs, firstUnit, unitCount: ends.length };
    const units = ends.map((end, index) => ({ unit: firstUnit + index, node: nodes.get(end) ?? null }));
    const names = new Set(units.flatMap(({ node }) => (node === null ? [] : [...node.series.keys()])));
    const { digest, limits, window } = this.#settings;
    const series = new Map<string, SeriesReference>();
    for (const name of [...names].sort()) {
      const parts = units.map(({ unit, node }) => ({ unit, rows: node?.rows ?? 0, summary: node?.series.get(name) ?? null }));
      const fitted = fitSeries(parts, { ...span, digest, categoryCap: limits.categoriesPerSeries });
      if (fitted === null) continue;
      const summaries = parts.flatMap((part) => (part.summary === null ? [] : [part.summary]));
      series.set(name, { fitted, summary: mergeSeries(summaries, digest, limits.categoriesPerSeries) });
    }
    if (units.some(({ node }) => node !== null && node.records > 0)) {
      const rate = fitRate(
        units.map(({ unit, node }) => ({ unit, n: node?.records ?? 0, x: node?.invalid ?? 0 })),
        span,
      );
      if (rate !== null) series.set(invalidSeries, { fitted: rate, summary: null });
    }
    const rows = units.map(({ node }) => Math.max(node?.rows ?? 0, node?.records ?? 0));
    const lengthMs = state.days.length * dayMs;
    state.number++;
    return {
      number: state.number,
      startMs: state.days[0] ?? endMs,
      endMs,
      lengthMs,
      isFrozen: state.days.length >= this.#neededDays,
      usableScalesMs: window.scalesMs.filter((scaleMs) => isUsable(rows, scaleMs / unitMs)),
      series,
    };
  }
}
