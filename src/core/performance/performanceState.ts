/**
 * Performance of one model from late labels. Fed with the merged samples of decided panes, it says at every step of the label clock what
 * the labels so far say about the predictions of the windows that end there (recipe, section 7).
 *
 * Everything but the frozen baselines is computed afresh from the stored samples, in an order that does not depend on how they
 * came. So a state that was given the same samples again, and the baselines of `baselineFact`, goes on with the same bits.
 */
import { InvariantError } from '../errors.ts';
import type { ModelSettings, WindowSettings } from '../settings.ts';
import type { FeedbackSampleEntry, PredictionSampleEntry, Sample } from '../sketch/types.ts';
import type { SegmentKey } from '../summarize/messages.ts';
import { fitBaseline, isSettled, shiftOf } from './baseline.ts';
import type { BaselineFact } from './baselineFact.ts';
import { parseBaselineFact } from './baselineFact.ts';
import type { Cohort } from './cohort.ts';
import { effectiveRows, sumCohort } from './cohortSums.ts';
import type { EvaluatedWindow } from './evaluate.ts';
import { describeOnly, testWindow } from './evaluate.ts';
import type { PerformanceFrame, PerformanceScale } from './frame.ts';
import { alphaOf, frameOf } from './frame.ts';
import type { JoinCounts } from './labelJoin.ts';
import { LabelJoin } from './labelJoin.ts';
import type { PredictionPane } from './predictionPane.ts';
import { metricOf } from './task.ts';
import type { PerformanceBaseline, PerformanceEvaluation } from './types.ts';

/** Memory of a stored row with its label: columns and index (106 bytes measured with one segment). Each watched segment adds 4. */
const bytesPerRow = 112;
const bytesPerSegment = 4;

/** The newest third of a window tells whether a drop is still there (recipe, section 6). */
const newestShare = 1 / 3;

/** Windows of a trail: so many, and so many in the length of one. */
const trailLength = 13;
const trailPerScale = 4;

export interface PerformanceOptions {
  readonly model: string;
  readonly settings: ModelSettings;
  readonly window: WindowSettings;
  /** Names of the watched segments, in the order of the samples. */
  readonly segments: readonly string[];
  /** Memory for the rows of all versions over the whole span that is kept. */
  readonly bytesBudget: number;
  /** Most values of one segment name that are evaluated. */
  readonly valuesPerSegment?: number;
}

/** What is known of a version beyond its rows. */
interface VersionState {
  firstPaneMs: number;
  /** Start of the search for the baseline's first pane: after a span that had too few labels for one, or an open incident. */
  searchFromMs: number;
  baseline: PerformanceBaseline | null;
}

export class PerformanceState {
  readonly #model: string;
  readonly #frame: PerformanceFrame;
  readonly #join: LabelJoin;
  readonly #versions = new Map<string, VersionState>();
  #clockMs = Number.NEGATIVE_INFINITY;

  constructor(options: PerformanceOptions) {
    this.#model = options.model;
    const frame = frameOf(options.settings, options.window, options.segments, options.valuesPerSegment ?? 50);
    this.#frame = frame;
    // Joins and windows need the horizon and the longest scale, an open baseline its length and the horizon.
    const keptMs = frame.horizonMs + Math.max(frame.baselineMs, longestScaleMs(frame));
    const bytes = bytesPerRow + bytesPerSegment * options.segments.length;
    this.#join = new LabelJoin({
      hopMs: frame.hopMs,
      latenessMs: frame.latenessMs,
      horizonMs: frame.horizonMs,
      segmentNames: options.segments.length,
      rowsPerPane: Math.max(1, Math.floor((options.bytesBudget * frame.hopMs) / keptMs / bytes)),
    });
  }

  /** The sample of a version, merged over partitions, of a pane that the data clock has decided. Panes come in ascending order. */
  addPredictions(paneMs: number, version: string, sample: Sample<PredictionSampleEntry>): void {
    const known = this.#versions.get(version);
    if (known === undefined) this.#versions.set(version, { firstPaneMs: paneMs, searchFromMs: paneMs, baseline: null });
    else known.firstPaneMs = Math.min(known.firstPaneMs, paneMs);
    this.#join.addPredictions(paneMs, version, sample);
  }

  /** Labels that arrived in a pane: the model's own and those that name no model, merged over partitions. */
  addFeedback(arrivalPaneMs: number, sample: Sample<FeedbackSampleEntry>): void {
    this.#join.addFeedback(arrivalPaneMs, sample);
  }

  /**
   * The evaluations whose step ends at the pane end `labelClockMs`: by scale, version, and segment (the whole first).
   *
   * Every prediction pane and every feedback pane that ends by then must have been added, and no later feedback pane; later prediction panes
   * may have been, and change nothing.
   *
   * While an incident of the model's performance is open, no baseline learns: one that is not closed yet starts anew after it. Else a new version
   * that is worse would soon be compared with itself, and its incident recover.
   */
  decide(labelClockMs: number, isIncidentOpen = false): PerformanceEvaluation[] {
    const { hopMs, scales } = this.#frame;
    if (labelClockMs < this.#clockMs || labelClockMs < this.#join.lastFeedbackMs + hopMs) {
      throw new InvariantError(
        `model ${this.#model}: the label clock ${labelClockMs} is behind ${Math.max(this.#clockMs, this.#join.lastFeedbackMs + hopMs)}`,
      );
    }
    this.#clockMs = labelClockMs;
    this.#join.settleBefore(labelClockMs);
    if (isIncidentOpen) {
      for (const state of this.#versions.values()) {
        if (state.baseline === null) state.searchFromMs = Math.max(state.searchFromMs, labelClockMs);
      }
    }
    const isStep = scales.some(({ stepMs }) => labelClockMs % stepMs === 0);
    if (isStep) for (const version of this.#versionsByAge()) this.#closeBaseline(version, labelClockMs);
    const evaluations = scales
      .filter(({ stepMs }) => labelClockMs % stepMs === 0)
      .flatMap((scale) => this.#versionsByAge().flatMap((version) => this.#evaluate(version, scale, labelClockMs)));
    this.#expire(labelClockMs);
    return evaluations;
  }

  /** Forgets the frozen baselines of all versions: they are learned anew from predictions at or after `fromMs`. */
  startOver(fromMs: number): void {
    for (const state of this.#versions.values()) {
      state.baseline = null;
      state.searchFromMs = Math.max(state.searchFromMs, fromMs);
    }
  }

  /**
   * The newest window of a series and windows before it, ascending, every quarter of the scale, with the labels that they have by now: how the metric came to where it is. Only
   * windows whose rows a restart has too. To be asked after `decide`; changes nothing.
   */
  trail(version: string, segment: SegmentKey, scaleMs: number): PerformanceEvaluation[] {
    const scale = this.#frame.scales.find((one) => one.scaleMs === scaleMs);
    const found = this.#baselineFor(version);
    if (scale === undefined || found === null) return [];
    const newestMs = Math.floor(this.#clockMs / scale.stepMs) * scale.stepMs;
    const apartMs = Math.max(scale.stepMs, scaleMs / trailPerScale);
    const name = JSON.stringify(segment);
    const trail: PerformanceEvaluation[] = [];
    for (let back = 0; back < trailLength; back += 1) {
      const clockMs = newestMs - back * apartMs;
      if (clockMs - shiftOf(found.baseline, scale.stepMs) - scaleMs < this.#windowsFromMs(this.#clockMs)) break;
      trail.push(...this.#evaluate(version, scale, clockMs).filter((one) => JSON.stringify(one.segment) === name));
    }
    return trail.reverse();
  }

  /**
   * Oldest pane start that a restart must add again: of predictions and of feedback. Facts of older panes are needed no more.
   * To be asked after `decide`.
   */
  neededFromMs(): number {
    let needed = Number.POSITIVE_INFINITY;
    for (const version of this.#versions.keys()) needed = Math.min(needed, this.#keptFromMs(version, this.#clockMs));
    return Math.min(needed, this.#clockMs) - this.#frame.horizonMs - this.#frame.latenessMs;
  }

  /** What a restart cannot compute again: the frozen baselines and the order of versions, as of the last decision. */
  baselineFact(): BaselineFact {
    return {
      decidedMs: Number.isFinite(this.#clockMs) ? this.#clockMs : null,
      versions: this.#versionsByAge().map((version) => ({ version, ...this.#versions.get(version)! })),
    };
  }

  /**
   * Takes over what `baselineFact` gave, after the samples from `neededFromMs` on have been added again. Versions that had been forgotten
   * by then are forgotten again, although some of their samples may still be there.
   *
   * @throws InputError where the fact is none.
   */
  restoreBaseline(fact: unknown): void {
    const { decidedMs, versions } = parseBaselineFact(fact);
    if (decidedMs !== null) this.#forgetUnknown(new Set(versions.map(({ version }) => version)), decidedMs);
    for (const { version, ...state } of versions) {
      const firstPaneMs = Math.min(state.firstPaneMs, this.#versions.get(version)?.firstPaneMs ?? state.firstPaneMs);
      this.#versions.set(version, { ...state, firstPaneMs });
    }
    if (decidedMs === null) return;
    this.#clockMs = decidedMs;
    this.#expire(decidedMs);
  }

  #forgetUnknown(known: ReadonlySet<string>, decidedMs: number): void {
    for (const version of this.#versions.keys()) {
      if (known.has(version) || this.#join.hasPanesFrom(version, decidedMs)) continue;
      this.#join.forget(version);
      this.#versions.delete(version);
    }
  }

  /** Counters since the start or the restore. */
  counts(): Readonly<JoinCounts> {
    return { ...this.#join.counts };
  }

  /** Rows in memory. */
  storedRows(): number {
    return this.#join.rows;
  }

  /** By first pane, ties by name: "the version before" is the one before in this order. */
  #versionsByAge(): string[] {
    return [...this.#versions]
      .sort(([left, a], [right, b]) => a.firstPaneMs - b.firstPaneMs || (left < right ? -1 : 1))
      .map(([version]) => version);
  }

  #closeBaseline(version: string, clockMs: number): void {
    const state = this.#versions.get(version)!;
    const cohort = this.#join.cohort(version);
    if (state.baseline !== null || cohort === undefined) return;
    const { baselineMs } = this.#frame;
    const fromMs = cohort.firstLabelled(state.searchFromMs, clockMs);
    if (fromMs === null || clockMs < fromMs + baselineMs) return;
    const toMs = fromMs + baselineMs;
    const panes = cohort.panes(fromMs, toMs);
    if (!isSettled(panes, toMs, clockMs, metricOf(this.#frame.task, panes), this.#frame)) return;
    const baseline = fitBaseline(panes, { fromMs, toMs, clockMs }, this.#frame);
    if (baseline === null) state.searchFromMs = toMs;
    else state.baseline = baseline;
  }

  /** The version's own baseline, else that of the nearest version before it that has one. */
  #baselineFor(version: string): { readonly baseline: PerformanceBaseline; readonly isOwn: boolean } | null {
    const byAge = this.#versionsByAge();
    for (let at = byAge.indexOf(version); at >= 0; at -= 1) {
      const baseline = this.#versions.get(byAge[at]!)!.baseline;
      if (baseline !== null) return { baseline, isOwn: byAge[at] === version };
    }
    return null;
  }

  #evaluate(version: string, { scaleMs, stepMs }: PerformanceScale, clockMs: number): PerformanceEvaluation[] {
    const cohort = this.#join.cohort(version);
    if (cohort === undefined) return [];
    const found = this.#baselineFor(version);
    if (found === null) return this.#learning(version, cohort, { scaleMs, stepMs }, clockMs);

    const { baseline, isOwn } = found;
    const windowEndMs = clockMs - shiftOf(baseline, stepMs);
    const windowStartMs = windowEndMs - scaleMs;
    const window: EvaluatedWindow = { version, metric: baseline.metric, scaleMs, windowStartMs, windowEndMs };
    const sums = this.#sums(cohort.panes(windowStartMs, windowEndMs), window, baseline);
    const newest = this.#sums(cohort.panes(windowEndMs - newestShare * scaleMs, windowEndMs), window, baseline);
    const alpha = alphaOf(this.#frame, scaleMs, baseline.usableScalesMs.length);
    return sums.flatMap((each, at) => {
      const series = baseline.series[at]!;
      if (each.predicted === 0) return [];
      if (isOwn && windowStartMs < baseline.toMs) return [describeOnly(window, each, 'learning', series.labels)];
      if (!baseline.usableScalesMs.includes(scaleMs) || effectiveRows(each.total) < this.#frame.minLabels) {
        return [describeOnly(window, each, 'insufficient', series.labels)];
      }
      const { minDrop, minLabels } = this.#frame;
      return [testWindow(window, { whole: each, newest: newest[at]! }, series, { alpha, minDrop, minLabels })];
    });
  }

  /** Before there is any baseline: what the labels say of the whole, once there are labels. s is not known yet and counts as 0. */
  #learning(version: string, cohort: Cohort, { scaleMs }: PerformanceScale, clockMs: number): PerformanceEvaluation[] {
    if (cohort.firstLabelled(this.#keptFromMs(version, clockMs), clockMs) === null) return [];
    const panes = cohort.panes(clockMs - scaleMs, clockMs);
    const metric = metricOf(this.#frame.task, panes);
    const window: EvaluatedWindow = { version, metric, scaleMs, windowStartMs: clockMs - scaleMs, windowEndMs: clockMs };
    return this.#sums(panes, window, null)
      .filter(({ predicted }) => predicted > 0)
      .map((each) => describeOnly(window, each, 'learning', 0));
  }

  #sums(panes: readonly PredictionPane[], { metric }: EvaluatedWindow, baseline: PerformanceBaseline | null): ReturnType<typeof sumCohort> {
    const segments = baseline?.series.map(({ segment }) => segment) ?? [];
    return sumCohort(panes, { metric, segmentNames: this.#frame.segmentNames, segments });
  }

  /** Oldest pane whose rows, not only hashes, a join, a window or an open baseline still needs. */
  #keptFromMs(version: string, clockMs: number): number {
    const forWindows = this.#windowsFromMs(clockMs);
    const state = this.#versions.get(version)!;
    if (state.baseline !== null) return forWindows;
    const fromMs = this.#join.cohort(version)?.firstLabelled(state.searchFromMs, clockMs) ?? null;
    return fromMs === null ? forWindows : Math.min(forWindows, fromMs);
  }

  /** Oldest pane whose rows a window still needs. */
  #windowsFromMs(clockMs: number): number {
    const { hopMs, horizonMs } = this.#frame;
    return clockMs - horizonMs - longestScaleMs(this.#frame) - hopMs;
  }

  #expire(clockMs: number): void {
    for (const version of this.#versions.keys()) {
      const keptFromMs = this.#keptFromMs(version, clockMs);
      this.#join.expire(version, keptFromMs, keptFromMs - this.#frame.horizonMs);
    }
    this.#forgetVersions();
  }

  /** A version without stored rows is needed only as the one that a later version is compared with. */
  #forgetVersions(): void {
    let isNeeded = true;
    for (const version of this.#versionsByAge().reverse()) {
      const { baseline } = this.#versions.get(version)!;
      const isComparedWith = isNeeded && baseline !== null;
      if (this.#join.cohort(version) === undefined && !isComparedWith) this.#versions.delete(version);
      // Nobody looks behind a version that has a baseline.
      if (baseline !== null) isNeeded = false;
    }
  }
}

function longestScaleMs(frame: PerformanceFrame): number {
  return Math.max(...frame.scales.map(({ scaleMs }) => scaleMs));
}
