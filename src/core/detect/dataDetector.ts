/**
 * One model on the data clock: panes become nodes, nodes windows, windows evaluations, evaluations incidents of kind drift and quality; and
 * the baseline learns. Everything that a restart needs leaves as facts.
 */

import { dayMs } from '../duration.ts';
import type { BookStep } from '../incident/bookState.ts';
import type { EvaluationRecord, EventRecord, IncidentKind, SourceRange } from '../incident/event.ts';
import { IncidentBook } from '../incident/incidentBook.ts';
import { lossStatistic } from '../incident/lossLine.ts';
import { type CoreSettings, type ModelSettings, settingsOf, stepsPerWindow } from '../settings.ts';
import type { CommandRecord, PartialRecord, SegmentKey } from '../summarize/messages.ts';
import { seriesOfFeature } from '../summarize/seriesNames.ts';
import { BaselineLearner } from './baselineLearner.ts';
import { baselineUnitMs, type CellBaseline } from './cellFit.ts';
import { CellHistory } from './cellHistory.ts';
import { isOnLabelClock } from './clocks.ts';
import { evaluateData } from './dataEvaluation.ts';
import { eventOf, replayOf } from './eventOf.ts';
import { type Fact, factKey, jsonValue, nodeFacts, referenceValue } from './fact.ts';
import { type FileBaseline, type FileCell, fileCellOf, onlyVersionOf } from './fileBaseline.ts';
import { KnownNames } from './knownNames.ts';
import type { Gap } from './loss.ts';
import { LossWatch } from './lossWatch.ts';
import type { DataState } from './modelState.ts';
import { allVersions, type CellKey, cellText, compareCells, mergeRanges, type Node, paneNodes } from './node.ts';
import { RecentReasons } from './recentReasons.ts';
import { SegmentValues } from './segmentValues.ts';
import { WindowEvaluator } from './windowEvaluation.ts';

/** A cell with its nodes and its baseline. */
interface WatchedCell {
  readonly history: CellHistory;
  learner: BaselineLearner;
}

export interface Decision {
  readonly events: EventRecord[];
  readonly evaluations: EvaluationRecord[];
  readonly facts: Fact[];
}

export class DataDetector {
  readonly #model: string;
  readonly #settings: CoreSettings;
  readonly #modelSettings: ModelSettings;
  readonly #file: FileBaseline | null;
  readonly #unitMs: number;
  readonly #declared: ReadonlySet<string>;
  readonly #evaluator: WindowEvaluator;
  readonly #book: IncidentBook;
  readonly #losses: LossWatch;
  readonly #cells = new Map<string, WatchedCell>();
  readonly #versions = new KnownNames();
  readonly #segments = new SegmentValues();
  readonly #inexact = new RecentReasons();
  /** Number of facts of each node, for their tombstones. */
  readonly #parts = new WeakMap<Node, number>();
  /** Of the first pane since there was nothing of the model. */
  #sinceMs: number | null = null;
  #lastDataMs: number | null = null;
  /** With labels, performance takes its share of the false-alarm budget. */
  #hasInlineLabels = false;
  /** Segments whose baseline in the file an accepted change has replaced; null among them: all cells. */
  #overruled: SegmentKey[] = [];

  /** `file`: what the model's baseline file says; null: all baselines are learned. */
  constructor(model: string, settings: CoreSettings, file: FileBaseline | null) {
    this.#model = model;
    this.#file = file;
    this.#settings = settings;
    this.#modelSettings = settingsOf(settings, model);
    this.#unitMs = baselineUnitMs(settings);
    this.#declared = new Set([...this.#modelSettings.important, ...this.#modelSettings.sensitive].map(seriesOfFeature));
    this.#evaluator = new WindowEvaluator(settings, this.#unitMs);
    this.#losses = new LossWatch(settings);
    this.#book = new IncidentBook(settings.group, model, this.#modelSettings.alerts);
  }

  /** Open incidents by kind. */
  get openKinds(): readonly IncidentKind[] {
    return this.#book.openKinds;
  }

  /** End of the newest pane with data; null before the first. */
  get lastDataMs(): number | null {
    return this.#lastDataMs;
  }

  /** True once nothing can follow from panes without data: no incident is open, no window holds anything. */
  isDormant(nowMs: number): boolean {
    const longestMs = this.#settings.window.scalesMs.at(-1) ?? 0;
    const quietMs = Math.max(dayMs, longestMs / stepsPerWindow) + longestMs;
    return this.#lastDataMs !== null && nowMs - this.#lastDataMs > quietMs && this.#book.isIdle && this.#losses.isEmpty;
  }

  /** True where nothing is left of the model: it was there for less than a day. */
  get isEmpty(): boolean {
    return this.#cells.size === 0 && this.#book.isIdle && this.#losses.isEmpty;
  }

  /** Whether the version is within the limit on versions, as of the pane that was decided last. */
  knows(version: string): boolean {
    return version === allVersions || this.#versions.has(version);
  }

  /** Decides the pane that ends at `endMs` from its partials in merge order; `inexact` names what makes this pane's decisions inexact. */
  decide(
    endMs: number,
    partials: readonly PartialRecord[],
    inexact: readonly string[],
    commands: readonly CommandRecord[] = [],
    losses: readonly Gap[] = [],
  ): Decision {
    this.#inexact.note(inexact, endMs);
    const decision: Decision = { events: [], evaluations: [], facts: [] };
    const panes = new Map<string, Node>();
    if (partials.length > 0) {
      const isNew = this.#cells.size === 0;
      for (const { key, node } of paneNodes(partials, endMs, this.#settings, this.#unitMs, this.#declared, inexact)) {
        panes.set(cellText(key), node);
        this.#watch(key);
        if (key.version !== allVersions && node.rows > 0) this.#versions.see(key.version, endMs);
        if (key.segment !== null && node.rows > 0) this.#segments.see(key.segment, endMs);
      }
      if (isNew) this.#sinceMs = this.#beginning(endMs, [...panes.values()]);
      this.#lastDataMs = endMs;
      if (!this.#hasInlineLabels) this.#hasInlineLabels = partials.some(hasInlineLabel);
    }
    this.#cap(endMs, decision.facts);
    const cells = [...this.#cells.values()].sort((left, right) => compareCells(left.history.key, right.history.key));
    for (const { history } of cells) {
      for (const node of history.close(endMs, panes.get(cellText(history.key)) ?? null)) this.#writeNode(decision.facts, history.key, node);
    }
    for (const loss of losses) this.#losses.add(loss, endMs);
    const accepted = commands.flatMap((command) => this.#command(endMs, command, decision.facts));
    this.#evaluate(endMs, cells, inexact, decision, accepted);
    for (const cell of cells) this.#learn(endMs, cell, panes.get(cellText(cell.history.key)) ?? null, decision.facts);
    for (const cell of cells) this.#expire(endMs, cell, decision.facts);
    if (this.#cells.size === 0) {
      // As new: whether an empty model is forgotten before it comes back makes no difference.
      this.#versions.clear();
      this.#segments.clear();
      this.#hasInlineLabels = false;
      this.#overruled = [];
      if (this.#book.isIdle) this.#book.forgetCommands();
    }
    return decision;
  }

  /** Tombstones of all nodes and baselines. */
  farewell(): Fact[] {
    const facts: Fact[] = [];
    for (const cell of this.#cells.values()) this.#giveUp(cell, facts);
    return facts;
  }

  snapshot(): DataState {
    return {
      sinceMs: this.#sinceMs,
      lastDataMs: this.#lastDataMs,
      hasInlineLabels: this.#hasInlineLabels,
      versions: this.#versions.snapshot(),
      segments: this.#segments.snapshot(),
      learners: [...this.#cells].sort(([a], [b]) => (a < b ? -1 : 1)).map(([text, cell]) => [text, cell.learner.snapshot()]),
      book: this.#book.snapshot(),
      ...(this.#losses.isEmpty ? {} : { losses: this.#losses.snapshot() }),
      inexact: this.#inexact.snapshot(),
      overruled: { file: this.#file?.hash ?? null, segments: this.#overruled },
    };
  }

  /** Puts everything back; nodes of each step in order of time, with the number of facts that each was written as. */
  restore(
    state: DataState,
    nodes: readonly { readonly key: CellKey; readonly node: Node; readonly parts: number }[],
    baselines: ReadonlyMap<string, CellBaseline>,
  ): void {
    this.#sinceMs = state.sinceMs ?? null;
    this.#lastDataMs = state.lastDataMs;
    this.#hasInlineLabels = state.hasInlineLabels;
    this.#versions.restore(state.versions);
    if (state.overruled !== undefined && state.overruled.file === (this.#file?.hash ?? null))
      this.#overruled = [...state.overruled.segments];
    for (const [text, learner] of state.learners) {
      const [version, segment] = JSON.parse(text) as [string, CellKey['segment']];
      this.#watch({ version, segment }).learner.restore(learner, baselines.get(text) ?? null);
    }
    if (state.segments !== undefined) this.#segments.restore(state.segments);
    else
      for (const { history } of this.#cells.values())
        if (history.key.segment !== null) this.#segments.see(history.key.segment, state.lastDataMs ?? 0);
    for (const { key, node, parts } of nodes) {
      this.#cells.get(cellText(key))?.history.restore(node);
      this.#parts.set(node, parts);
    }
    this.#book.restore(state.book);
    this.#losses.restore(state.losses ?? []);
    this.#inexact.restore(state.inexact ?? []);
  }

  /** Why panes that end after a time are not exact. */
  inexactAfter(timeMs: number): readonly string[] {
    return this.#inexact.after(timeMs);
  }

  /**
   * Where a replay begins that sees the model as this run did. A reader that begins in the middle of a topic has an incomplete first pane: so it must be this
   * one where it was incomplete here, else the one before, which has nothing of the model.
   */
  #beginning(endMs: number, nodes: readonly Node[]): number {
    const { hopMs } = this.#settings.window;
    const isCut = nodes.some(({ inexact }) => inexact.includes('gap'));
    return endMs - (isCut ? hopMs : 2 * hopMs);
  }

  #watch(key: CellKey): WatchedCell {
    const text = cellText(key);
    let cell = this.#cells.get(text);
    if (cell === undefined) {
      cell = {
        history: new CellHistory(key, this.#settings, this.#unitMs),
        learner: this.#learner(this.#fileCell(key)),
      };
      this.#cells.set(text, cell);
    }
    return cell;
  }

  #learner(file: FileCell | null): BaselineLearner {
    return new BaselineLearner(this.#settings, this.#unitMs, this.#modelSettings.baseline.durationMs, file);
  }

  #fileCell(key: CellKey): FileCell | null {
    return this.#isOverruled(key.segment) ? null : fileCellOf(this.#file, key);
  }

  #isOverruled(segment: SegmentKey): boolean {
    return this.#overruled.some((one) => one === null || JSON.stringify(one) === JSON.stringify(segment));
  }

  /**
   * Drift and quality are compared with the same baseline, so they are accepted together: it is learned anew from this pane on, of all versions
   * (else a version would be compared with the one before), and from live data, even where it came from a file.
   */
  #command(endMs: number, command: CommandRecord, facts: Fact[]): BookStep[] {
    if (command.action === 'accept') {
      if (command.kind !== null && isOnLabelClock(command.kind)) return [];
      if (command.segment === null) this.#losses.clear();
      if (command.segment === null) this.#sinceMs = endMs - 2 * this.#settings.window.hopMs;
      if (!this.#isOverruled(command.segment)) this.#overruled.push(command.segment);
      for (const cell of this.#cells.values()) {
        const { segment } = cell.history.key;
        if (command.segment !== null && JSON.stringify(segment) !== JSON.stringify(command.segment)) continue;
        const { current } = cell.learner;
        if (current !== null) this.#dropBaseline(facts, cell, current);
        const { number } = cell.learner.snapshot();
        cell.learner = this.#learner(null);
        cell.learner.startOver(number);
      }
    }
    return this.#book.command(endMs, command);
  }

  /** Gives up what is over a limit: versions, and values of a segment. */
  #cap(endMs: number, facts: Fact[]): void {
    const { valuesPerSegment, versionsPerModel } = this.#settings.limits;
    this.#versions.cap(versionsPerModel, endMs);
    this.#segments.cap(valuesPerSegment, endMs);
    for (const cell of this.#cells.values()) {
      const { version, segment } = cell.history.key;
      const isKnown = version === allVersions || this.#versions.has(version);
      if (!isKnown || (segment !== null && !this.#segments.has(segment))) this.#giveUp(cell, facts);
    }
  }

  #giveUp(cell: WatchedCell, facts: Fact[]): void {
    this.#cells.delete(cellText(cell.history.key));
    for (const node of cell.history.all()) this.#dropNode(facts, cell, node);
    if (cell.learner.current !== null) this.#dropBaseline(facts, cell, cell.learner.current);
  }

  #evaluate(
    endMs: number,
    cells: readonly WatchedCell[],
    inexact: readonly string[],
    decision: Decision,
    accepted: readonly BookStep[],
  ): void {
    const evaluated = cells.map(({ history, learner }) => ({
      key: history.key,
      nodes: (stepMs: number, afterMs: number, untilMs: number) => history.nodes(stepMs, afterMs, untilMs),
      baseline: this.#baselineOf(history.key, learner),
    }));
    const { evaluations, signals, others, picture } = evaluateData(endMs, {
      model: this.#model,
      cells: evaluated,
      evaluator: this.#evaluator,
      settings: this.#settings,
      modelSettings: this.#modelSettings,
      families: this.#settings.feedback.length > 0 || this.#hasInlineLabels ? 2 : 1,
      isNamed: (key) => this.#book.names(key),
    });
    decision.evaluations.push(...evaluations);
    const isGone = (version: string | null) =>
      version === null ? this.#lastDataMs !== null && endMs - this.#lastDataMs >= dayMs : this.#versions.isGone(version, endMs);
    signals.push(...this.#losses.signals(endMs, (key) => this.#book.names(key)));
    for (const step of [...accepted, ...this.#book.advance(endMs, signals, others), ...this.#book.end(endMs, isGone)]) {
      // No replay finds what is not there, so it has no such incident either.
      const isLoss = step.series.some(({ statistic }) => statistic === lossStatistic);
      const window = this.#windowOrigin(endMs, step.scaleMs, [...inexact, ...this.#book.inexact, ...(isLoss ? ['gap'] : [])]);
      // A feature is watched over all versions: those that the window has are the ones concerned.
      const versions = step.versions.length > 0 ? step.versions : this.#versionsIn(endMs, step.scaleMs);
      decision.events.push(
        eventOf(
          { ...step, versions },
          {
            model: this.#model,
            settings: this.#modelSettings,
            windowStartMs: endMs - step.scaleMs,
            windowEndMs: endMs,
            replay: replayOf(this.#sinceMs, endMs, this.#settings.window.latenessMs),
            ...window,
            picture,
          },
        ),
      );
    }
  }

  /** Its own baseline; for a new version that of the version before it, or the only one of a file, until its own is complete. */
  #baselineOf(key: CellKey, learner: BaselineLearner): CellBaseline | null {
    if (key.version === allVersions || learner.current?.isFrozen === true) return learner.current;
    const inFile = this.#isOverruled(key.segment) ? null : onlyVersionOf(this.#file, key.segment);
    return this.#predecessorBaseline(key) ?? (inFile?.kind === 'dated' ? inFile.baseline : learner.current);
  }

  #predecessorBaseline(key: CellKey): CellBaseline | null {
    return this.#versions.latestBefore(key.version, (version) => {
      const baseline = this.#cells.get(cellText({ version, segment: key.segment }))?.learner.current;
      return baseline?.isFrozen === true ? baseline : null;
    });
  }

  /** Versions with predictions in a window. */
  #versionsIn(endMs: number, scaleMs: number): string[] {
    const versions: string[] = [];
    for (const { history } of this.#cells.values()) {
      const { version, segment } = history.key;
      if (version === allVersions || version === '' || segment !== null) continue;
      if (history.nodes(scaleMs / stepsPerWindow, endMs - scaleMs, endMs).some((node) => node.rows > 0)) versions.push(version);
    }
    return versions.sort();
  }

  /** Source offsets behind a window, and why it is not exact: what its nodes say, and the pane that is decided, which may have none. */
  #windowOrigin(endMs: number, scaleMs: number, inexact: readonly string[]): { sources: SourceRange[]; inexact: string[] } {
    const whole = this.#cells.get(cellText({ version: allVersions, segment: null }));
    const nodes = whole?.history.nodes(scaleMs / stepsPerWindow, endMs - scaleMs, endMs) ?? [];
    return {
      sources: mergeRanges(nodes.flatMap((node) => node.sources)),
      inexact: [...new Set([...inexact, ...nodes.flatMap((node) => node.inexact)])].sort(),
    };
  }

  #learn(endMs: number, cell: WatchedCell, pane: Node | null, facts: Fact[]): void {
    const before = cell.learner.current;
    const fit = cell.learner.close(endMs, pane, cell.history, this.#book.openCount > 0);
    const after = cell.learner.current;
    if (before !== null && before !== after) this.#dropBaseline(facts, cell, before);
    if (fit === null) return;
    for (const [series, reference] of fit.series)
      facts.push({ key: this.#referenceKey(cell, fit.number, series), value: referenceValue(reference) });
    const { series, ...head } = fit;
    facts.push({
      key: factKey({ fact: 'baseline', model: this.#model, cell: cell.history.key, number: fit.number }),
      value: jsonValue({ ...head, series: [...series.keys()], asOfMs: endMs }),
    });
  }

  #dropBaseline(facts: Fact[], cell: WatchedCell, { number, series }: CellBaseline): void {
    if (number === 0) return;
    facts.push({ key: factKey({ fact: 'baseline', model: this.#model, cell: cell.history.key, number }), value: null });
    for (const name of series.keys()) facts.push({ key: this.#referenceKey(cell, number, name), value: null });
  }

  #referenceKey(cell: WatchedCell, number: number, series: string): string {
    return factKey({ fact: 'reference', model: this.#model, cell: cell.history.key, number, series });
  }

  #writeNode(facts: Fact[], key: CellKey, node: Node): void {
    const written = nodeFacts(this.#model, key, node);
    this.#parts.set(node, written.length);
    facts.push(...written);
  }

  #expire(endMs: number, cell: WatchedCell, facts: Fact[]): void {
    const { history, learner } = cell;
    for (const node of history.expire(endMs, this.#unitMs, (unitEndMs) => learner.needsUnit(unitEndMs, endMs)))
      this.#dropNode(facts, cell, node);
    if (history.isEmpty && learner.isEmpty) this.#cells.delete(cellText(history.key));
  }

  #dropNode(facts: Fact[], { history }: WatchedCell, node: Node): void {
    const { stepMs, endMs } = node;
    const parts = this.#parts.get(node) ?? 1;
    for (let part = 0; part < parts; part++)
      facts.push({ key: factKey({ fact: 'node', model: this.#model, cell: history.key, stepMs, endMs, part }), value: null });
  }
}

function hasInlineLabel(partial: PartialRecord): boolean {
  return partial.cells.some((cell) => cell.predictions?.entries.some((entry) => entry.label !== null) === true);
}
