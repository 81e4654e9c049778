/**
 * The detect core of one partition of `partials`: everything between the messages of summarize and events, evaluations and facts. A pure
 * function of the messages in their order and of the settings.
 *
 * A pane is decided when the clock passes its end: first on the data clock (drift, quality), and, when that has caught up, on the label
 * clock (performance). What a decision writes leaves in one `Step`: events first, then facts, then `decided`, tombstones last. Whoever
 * restores from the facts reads on from an older offset; until it is past the message of the newest decision it only collects.
 */
import type { IncidentKind } from '../incident/event.ts';
import type { CoreSettings } from '../settings.ts';
import {
  anyModel,
  type CommandRecord,
  earliestWatermarkMs,
  endWatermarkMs,
  type IdleRecord,
  type PartialRecord,
  type PartialsMessage,
  type SourceRole,
  type WatermarkRecord,
} from '../summarize/messages.ts';
import { configHashes, isChanged, requireOwnHop } from './cellMeaning.ts';
import { SourceClocks } from './clocks.ts';
import type { FileBaselines } from './fileBaseline.ts';
import { type Gap, isConcerned, type Losses, lossesOf } from './loss.ts';
import type { ModelDetector } from './modelDetector.ts';
import { ModelPlaces, modelsPerPartition } from './modelPlaces.ts';
import { PaneStore } from './paneStore.ts';
import { type Collected, collect, type DecidedState, decidedKey, type Step, stepOf } from './step.ts';

/**
 * Whether this partition of `partials` tells of losses under the name of this pseudo-model. All partitions see every loss; one may tell of it: the
 * one that has the counts of the topic.
 */
export type TellsOf = (model: string) => boolean;

export interface DetectorCounts {
  /** Partials that came for a pane that was decided: counted, shown, without effect. */
  latePartials: number;
  gaps: number;
  /** Panes of the data clock that hold cells of two meanings, or of another one than the pane before. */
  changedPanes: number;
  /** Rows of names that found no place (`ModelPlaces`). */
  refusedRows: number;
}

export class Detector {
  readonly counts: DetectorCounts = { latePartials: 0, gaps: 0, changedPanes: 0, refusedRows: 0 };
  readonly #settings: CoreSettings;
  readonly #clocks: SourceClocks;
  readonly #predictions = new PaneStore();
  readonly #feedback = new PaneStore();
  readonly #models: ModelPlaces;
  /** A name that found no place in the newest pane that had such. */
  #refusedModel: string | null = null;
  #gaps: Gap[] = [];
  #dataConfigHash: string | null = null;
  #labelConfigHash: string | null = null;
  #dataEndMs: number | null = null;
  #labelEndMs: number | null = null;
  /** Offset of the message of the newest decision before a restore. Messages up to it decide nothing. */
  #restoredOffset = -1;
  #previousDecided: string | null = null;
  /** Commands that wait for the next pane of each clock. */
  #dataCommands: readonly CommandRecord[] = [];
  #labelCommands: readonly CommandRecord[] = [];
  /** Offset of the first message that moved a clock, or was a command, and that no `decided` fact knows of. */
  #firstUnsavedOffset: number | null = null;
  readonly #tellsOf: TellsOf;
  #untold: readonly Gap[] = [];

  /** `files`: baselines of the models that have one in a file. `mostModels`: places for models that the configuration does not name. */
  constructor(
    settings: CoreSettings,
    files: FileBaselines = new Map(),
    tellsOf: TellsOf = () => true,
    mostModels: number = modelsPerPartition,
  ) {
    this.#settings = settings;
    this.#models = new ModelPlaces(settings, files, mostModels);
    this.#tellsOf = tellsOf;
    this.#clocks = new SourceClocks({
      predictionTopics: settings.predictions.map((source) => source.topic),
      feedbackTopics: settings.feedback.map((source) => source.topic),
      silenceAfterMs: settings.window.silenceAfterMs,
      latenessMs: settings.window.latenessMs,
      idleAfterMs: settings.window.idleAfterMs,
    });
  }

  /** Event time of the data clock; null before every prediction partition has spoken. */
  get clockMs(): number | null {
    return this.#clocks.dataMs;
  }

  /** Panes, of either clock, that are held until they can be decided. */
  get undecidedPanes(): number {
    return this.#predictions.size + this.#feedback.size;
  }

  /** The source partitions that hold the data clock. */
  get waitingFor(): readonly string[] {
    return this.#clocks.waitingFor;
  }

  /** Offset of the message of the newest decision that it was restored from; null where there was none. */
  get restoredOffset(): number | null {
    return this.#restoredOffset < 0 ? null : this.#restoredOffset;
  }

  /** Whether prediction partitions have spoken, and none has had a record yet. */
  get isAllNew(): boolean {
    return this.#clocks.isAllNew;
  }

  /** An example of the names that found no place; null where all did. */
  get refusedModel(): string | null {
    return this.#refusedModel;
  }

  /** Kinds of the open incidents of every model that has any. */
  openIncidents(): { readonly model: string; readonly kinds: readonly IncidentKind[] }[] {
    return [...this.#models.all()].flatMap(({ model, openKinds }) => (openKinds.length === 0 ? [] : [{ model, kinds: openKinds }]));
  }

  /** Whether partials of this pane change nothing any more: it is decided, or they have none. */
  isDecided({ paneMs, source }: Pick<PartialRecord, 'paneMs' | 'source'>): boolean {
    if (paneMs === null) return true;
    const decidedMs = source.role === 'feedback' ? this.#labelEndMs : this.#dataEndMs;
    return decidedMs !== null && paneMs + this.#settings.window.hopMs <= decidedMs;
  }

  /** Takes the message at `offset`, written at `atMs` (null: not known); gives what is to be written because of it, or null. */
  take(message: PartialsMessage, offset: number, atMs: number | null = null): Step | null {
    const isReread = offset <= this.#restoredOffset;
    switch (message.type) {
      case 'partial':
        this.#store(message, offset, isReread);
        return null;
      case 'command':
        if (!isReread) this.#receive(message, offset);
        return null;
      default:
        // The clocks that were restored know it.
        if (isReread) return null;
        this.#moveClocks(message, atMs);
        // Before the first prediction nothing will be decided: there is no fact that could hold the clocks, and nothing to join labels with.
        if (this.#clocks.isBegun) this.#firstUnsavedOffset ??= offset;
        else if (this.#clocks.isAllNew) this.#forgetLabels();
        return this.#decideDue(offset);
    }
  }

  /**
   * Messages of `partials` that were not decided are gone: reading goes on at `low`, and the partition ends at `high`. Panes that may miss what they
   * held are marked `lost-partials`. Gives the event time from which on, null where nothing was decided before.
   */
  lose({ low, high }: { readonly low: number; readonly high: number }): number | null {
    const fromMs = this.#dataEndMs ?? earliestWatermarkMs;
    const highestMs = this.#clocks.highestMs;
    // Partials of panes that are open as far as anybody has said.
    if (highestMs !== null) this.#gaps.push({ reason: 'lost-partials', fromMs, toMs: Math.max(fromMs, highestMs) });
    if (low > this.#restoredOffset) this.#clocks.tear(fromMs);
    if (this.#restoredOffset >= high) {
      // Another topic stands in the place of the one that was read: none of its messages is known.
      this.#restoredOffset = -1;
      this.#clocks.tear(fromMs);
    }
    if (this.#dataEndMs !== null) this.#firstUnsavedOffset = Math.min(this.#firstUnsavedOffset ?? low, low);
    return this.#dataEndMs;
  }

  /** Where to read on after a restart, given the position reached: never past what an undecided pane needs, nor what no fact holds. */
  commitOffset(position: number): number {
    return Math.min(
      position,
      this.#predictions.lowestOffset ?? position,
      this.#feedback.lowestOffset ?? position,
      this.#firstUnsavedOffset ?? position,
    );
  }

  /** Puts back the state as of the newest decision. `models` are restored by the caller (`restore.ts`). */
  restore(decided: DecidedState, models: readonly ModelDetector[]): void {
    this.#restoredOffset = decided.offset;
    this.#dataEndMs = decided.dataEndMs;
    this.#labelEndMs = decided.labelEndMs;
    this.#clocks.restore(decided.clocks);
    this.#gaps = [...decided.gaps];
    this.#dataConfigHash = decided.dataConfigHash;
    this.#labelConfigHash = decided.labelConfigHash;
    this.#dataCommands = decided.commands?.data ?? [];
    this.#labelCommands = decided.commands?.label ?? [];
    this.#untold = decided.untold ?? [];
    this.#previousDecided = decidedKey(decided);
    this.#models.restore(models);
  }

  /** A command on a partition that no model has come to concerns nothing, and would hold back the commit for ever. */
  #receive(command: CommandRecord, offset: number): void {
    if (this.#dataEndMs === null && this.#predictions.earliestPaneMs === null) return;
    if (this.#dataCommands.some(({ id }) => id === command.id)) return;
    this.#dataCommands = [...this.#dataCommands, command];
    this.#labelCommands = [...this.#labelCommands, command];
    this.#firstUnsavedOffset ??= offset;
  }

  /** Labels for predictions that have not come yet are those of the last moments at the most. */
  #forgetLabels(): void {
    const { hopMs, latenessMs } = this.#settings.window;
    const latestMs = this.#feedback.latestPaneMs;
    if (latestMs !== null) this.#feedback.dropBefore(latestMs - latenessMs - hopMs);
  }

  #moveClocks(message: WatermarkRecord | IdleRecord, atMs: number | null): void {
    const unknown = message.type === 'watermark' ? this.#clocks.unknownBefore(message) : null;
    const loss = this.#clocks.takeLoss(message);
    const gap = message.type === 'idle' ? this.#clocks.idle(message, atMs) : this.#clocks.watermark(message, atMs);
    if (unknown !== null) this.#gaps.push(unknown);
    if (gap !== null) this.#gaps.push(gap);
    if (loss !== null) {
      this.#gaps.push(loss);
      this.#untold = [...this.#untold, loss];
    }
    if (loss !== null || gap?.reason === 'gap') this.counts.gaps++;
  }

  #store(partial: PartialRecord, offset: number, isReread: boolean): void {
    requireOwnHop(partial, this.#settings.window.hopMs);
    if (partial.paneMs === null) return;
    if (this.isDecided(partial)) {
      if (!isReread) this.counts.latePartials++;
      return;
    }
    (partial.source.role === 'feedback' ? this.#feedback : this.#predictions).put(partial.paneMs, partial, offset);
  }

  #decideDue(offset: number): Step | null {
    const step: Collected = { events: [], evaluations: [], facts: [], givenUp: [], dataPanes: 0, labelPanes: 0 };
    this.#decideData(step);
    this.#decideLabels(step);
    if (step.dataPanes + step.labelPanes === 0) return null;
    this.#firstUnsavedOffset = null;
    this.#gaps = this.#gaps.filter((gap) => gap.toMs + this.#settings.window.latenessMs > (this.#labelEndMs ?? this.#dataEndMs ?? 0));
    const decided: DecidedState = {
      offset,
      dataEndMs: this.#dataEndMs,
      labelEndMs: this.#labelEndMs,
      clocks: this.#clocks.snapshot(),
      gaps: this.#gaps,
      dataConfigHash: this.#dataConfigHash,
      labelConfigHash: this.#labelConfigHash,
      commands: { data: this.#dataCommands, label: this.#labelCommands },
      ...(this.#untold.length === 0 ? {} : { untold: this.#untold }),
      ...(step.givenUp.length === 0 ? {} : { givenUp: step.givenUp }),
    };
    const previousKey = this.#previousDecided;
    this.#previousDecided = decidedKey(decided);
    return stepOf(step, decided, previousKey);
  }

  #decideData(step: Collected): void {
    const hop = this.#settings.window.hopMs;
    const clockMs = this.#dataClockMs();
    if (clockMs === null) return;
    for (;;) {
      const earliest = this.#predictions.earliestPaneMs;
      let endMs: number;
      if (this.#dataEndMs !== null) endMs = this.#dataEndMs + hop;
      // A partition without models begins, too: else it kept labels without a model, and could not commit what its clocks have read.
      else endMs = earliest === null ? Math.floor(clockMs / hop) * hop : earliest + hop;
      if (earliest !== endMs - hop && this.#models.areDormant(endMs)) {
        // Nothing can follow from panes without data: stretches of them are stepped over at once.
        const lastPassed = Math.floor(clockMs / hop) * hop;
        endMs = earliest === null || earliest + hop > lastPassed ? lastPassed : earliest + hop;
        if (this.#dataEndMs !== null && endMs <= this.#dataEndMs) return;
      }
      if (endMs > clockMs) return;
      const byModel = this.#predictions.take(endMs - hop);
      const hashes = configHashes(byModel);
      const isConfigChanged = isChanged(hashes, this.#dataConfigHash);
      if (isConfigChanged) this.counts.changedPanes++;
      const inexact = this.#inexact(endMs, ['predictions'], isConfigChanged);
      this.#dataConfigHash = hashes.at(-1) ?? this.#dataConfigHash;
      const losses = this.#takeLosses();
      this.#admit(step, endMs, byModel);
      for (const name of [...new Set([...this.#models.names(), ...byModel.keys(), ...losses.keys()])].sort()) {
        const partials = byModel.get(name) ?? [];
        const model = this.#models.at(name);
        const lost = losses.get(name) ?? [];
        const commands = this.#dataCommands.filter((command) => command.model === name);
        if (partials.length === 0 && commands.length === 0 && lost.length === 0 && model.data.isDormant(endMs)) continue;
        collect(step, model.decideData(endMs, partials, inexact, commands, lost));
      }
      this.#dataCommands = [];
      this.#dataEndMs = endMs;
      step.dataPanes++;
    }
  }

  /** Takes out of a pane what finds no place. */
  #admit(step: Collected, endMs: number, byModel: Map<string, PartialRecord[]>): void {
    const commanded = new Set([...this.#dataCommands, ...this.#labelCommands].map(({ model }) => model));
    for (const name of this.#models.admit(step, endMs, byModel.keys(), commanded)) {
      for (const { cells } of byModel.get(name) ?? [])
        for (const { segment, rows } of cells) if (segment === null) this.counts.refusedRows += rows;
      this.#refusedModel = name;
      byModel.delete(name);
    }
  }

  /** What is to be told now, by the pseudo-model that tells of it. */
  #takeLosses(): Losses {
    const untold = this.#untold;
    this.#untold = [];
    return lossesOf(untold, this.#settings, this.#tellsOf);
  }

  #decideLabels(step: Collected): void {
    const hop = this.#settings.window.hopMs;
    const clockMs = this.#labelClockMs();
    if (clockMs === null) return;
    for (;;) {
      const earliest = this.#feedback.earliestPaneMs;
      let endMs: number;
      if (this.#labelEndMs === null) {
        const first = this.#firstLabelPane(earliest);
        if (first === null) return;
        endMs = first + hop;
      } else endMs = this.#labelEndMs + hop;
      if (earliest !== endMs - hop) {
        // Stretches without labels, and without predictions to join, are stepped over at once.
        const lastPassed = Math.floor(clockMs / hop) * hop;
        const next = Math.min(lastPassed, earliest === null ? lastPassed : earliest + hop, this.#models.nextLabelWorkMs);
        endMs = Math.max(endMs, next);
      }
      if (endMs > clockMs) return;
      const byModel = this.#feedback.take(endMs - hop);
      const hashes = configHashes(byModel);
      const inexact = this.#inexact(endMs, ['predictions', 'feedback'], isChanged(hashes, this.#labelConfigHash));
      this.#labelConfigHash = hashes.at(-1) ?? this.#labelConfigHash;
      for (const model of [...this.#models.all()].sort((a, b) => (a.model < b.model ? -1 : 1))) {
        // Labels without a model come for ever, also for a model that has nothing left to join them with.
        const ofAll = model.labels.canJoin(endMs) ? (byModel.get(anyModel) ?? []) : [];
        const partials = [...(byModel.get(model.model) ?? []), ...ofAll];
        const commands = this.#labelCommands.filter((command) => command.model === model.model);
        if (partials.length === 0 && commands.length === 0 && model.labels.isDormant) {
          // As a new one, if it came back.
          if (model.isEmpty) this.#models.forget(step, model);
          continue;
        }
        collect(step, model.decideLabels(endMs, partials, inexact, commands));
      }
      this.#labelCommands = [];
      this.#labelEndMs = endMs;
      step.labelPanes++;
    }
  }

  /** Data clock; at the end of all sources (files) the end of the last pane with data, so that no empty time follows it. */
  #dataClockMs(): number | null {
    const clockMs = this.#clocks.dataMs;
    if (clockMs === null || clockMs === earliestWatermarkMs) return null;
    if (clockMs < endWatermarkMs) return clockMs;
    return this.#endOf(this.#predictions.latestPaneMs, this.#dataEndMs);
  }

  /** Label clock, never ahead of what the data clock has decided; at the end of all sources the end of the last pane with labels. */
  #labelClockMs(): number | null {
    const clockMs = this.#clocks.labelMs;
    if (clockMs === null || this.#dataEndMs === null) return null;
    if (clockMs < endWatermarkMs) return Math.min(clockMs, this.#dataEndMs);
    return this.#endOf(this.#feedback.latestPaneMs, Math.max(this.#dataEndMs, this.#labelEndMs ?? 0));
  }

  #endOf(latestPaneMs: number | null, decidedMs: number | null): number | null {
    if (latestPaneMs === null) return decidedMs;
    return Math.max(latestPaneMs + this.#settings.window.hopMs, decidedMs ?? 0);
  }

  /** The label clock begins where the data clock did, or with the first label if that came before. */
  #firstLabelPane(earliestFeedbackMs: number | null): number | null {
    let first = earliestFeedbackMs;
    for (const model of this.#models.all()) {
      const startMs = model.labels.firstWaitingMs;
      if (startMs !== null) first = first === null ? startMs : Math.min(first, startMs);
    }
    return first ?? (this.#dataEndMs === null ? null : this.#dataEndMs - this.#settings.window.hopMs);
  }

  /** Why what is decided of this pane now may not be what another run decides. */
  #inexact(endMs: number, roles: readonly SourceRole[], isConfigChanged: boolean): string[] {
    const { hopMs, latenessMs } = this.#settings.window;
    const pane = { startMs: endMs - hopMs, endMs, latenessMs, roles };
    const reasons = new Set<string>(this.#gaps.filter((gap) => isConcerned(gap, pane)).map(({ reason }) => reason));
    if (isConfigChanged) reasons.add('config-change');
    if (roles.some((role) => this.#clocks.isIdleBefore(role, endMs))) reasons.add('idle');
    return [...reasons].sort();
  }
}
