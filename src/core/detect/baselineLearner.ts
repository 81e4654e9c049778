/**
 * The baseline `first` of one cell (docs/design/protocol.md, Baseline `first` and learning): D whole days from the first complete unit with data,
 * refitted at the end of every whole day with data until it is complete, then frozen. A day in which an incident was open is not added, so
 * the baseline ends a day later; a gap of more than a day starts anew.
 */
import { dayMs } from '../duration.ts';
import type { CoreSettings } from '../settings.ts';
import { type CellBaseline, fitCell, type UndatedCell } from './cellFit.ts';
import type { CellHistory } from './cellHistory.ts';
import type { FileCell } from './fileBaseline.ts';
import type { Node } from './node.ts';

/** Live days from which the rows of a file without times get their variation (recipe, section 8). */
const undatedDays = 3;

export interface LearnerState {
  startMs: number | null;
  lastDataMs: number | null;
  /** Starts of the days learned from. */
  days: number[];
  hadIncident: boolean;
  number: number;
  /** Hash of the file that the baseline is of; null: learned from live data alone. */
  file: string | null;
}

/**
 * With a file whose rows have times there is nothing to learn: its baseline is current from the start. Of rows without times the learner
 * waits for the variation of the first live days. Another file than before begins anew.
 */
export class BaselineLearner {
  readonly #settings: CoreSettings;
  readonly #unitMs: number;
  readonly #neededDays: number;
  readonly #undated: UndatedCell | null;
  readonly #given: CellBaseline | null;
  #state: LearnerState;
  #current: CellBaseline | null;

  constructor(settings: CoreSettings, unitMs: number, durationMs: number, file: FileCell | null = null) {
    this.#settings = settings;
    this.#unitMs = unitMs;
    this.#undated = file?.kind === 'undated' ? file.rows : null;
    this.#given = file?.kind === 'dated' ? file.baseline : null;
    this.#neededDays = this.#undated === null ? Math.max(1, Math.ceil(durationMs / dayMs)) : undatedDays;
    this.#state = freshState(0, file?.hash ?? null);
    this.#current = this.#given;
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
    if (this.#undated !== null && state.days.length < this.#neededDays) return null;
    this.#current = this.#fit(endMs, history);
    return this.#current;
  }

  /**
   * Begins after a learner whose newest fit had `number`, without what it learned. A number is used up, so that a fact whose tombstone a crash has kept
   * from being written is not taken for the new one.
   */
  startOver(number: number): void {
    this.#state = freshState(number + 1, this.#state.file);
    this.#current = null;
  }

  snapshot(): LearnerState {
    return { ...this.#state, days: [...this.#state.days] };
  }

  restore(state: LearnerState, current: CellBaseline | null): void {
    const { file } = this.#state;
    // What was learned beside another file is no longer wanted; its number is used up, so that its facts are not taken for a later fit.
    this.#state = (state.file ?? null) === file ? structuredClone({ ...state, file }) : freshState(state.number + 1, file);
    this.#current = this.#given ?? (current?.number === this.#state.number ? current : null);
  }

  #startAnew(): void {
    // As in `startOver`: the number of a fit is used up.
    this.#state = freshState(this.#state.number + (this.#current === null ? 0 : 1), this.#state.file);
    this.#current = null;
  }

  /** The first unit that is complete: a pane that began in the middle of a unit, or whose reader did, belongs to none. */
  #firstUnit(pane: Node): number {
    const startMs = pane.endMs - pane.stepMs;
    const isCut = pane.inexact.some((reason) => reason === 'gap' || reason === 'lost-partials');
    return isCut ? (Math.floor(startMs / this.#unitMs) + 1) * this.#unitMs : Math.ceil(startMs / this.#unitMs) * this.#unitMs;
  }

  #fit(endMs: number, history: CellHistory): CellBaseline {
    const state = this.#state;
    const nodes = history.nodes(this.#unitMs, state.startMs ?? endMs, endMs);
    state.number++;
    return {
      number: state.number,
      endMs,
      isFrozen: state.days.length >= this.#neededDays,
      ...fitCell({ nodes, days: state.days, unitMs: this.#unitMs }, this.#settings, this.#undated),
    };
  }
}

function freshState(number: number, file: string | null): LearnerState {
  return { startMs: null, lastDataMs: null, days: [], hadIncident: false, number, file };
}
