/**
 * The join of late labels with the sampled predictions of a model. Which pairs there are is a pure function of what was added, never of
 * the order: a label of arrival pane A belongs to the rows of its id in the panes P with A - horizon <= P <= A + lateness. So a
 * restart that adds the stored samples again has the same pairs.
 */
import { hashShare } from '../sketch/hash.ts';
import type { FeedbackSampleEntry, PredictionSampleEntry, Sample } from '../sketch/types.ts';
import { Cohort, mostRows } from './cohort.ts';

/** What became of the samples since the start or the restore. */
export interface JoinCounts {
  /** Labels that found a prediction. */
  joined: number;
  /** Labels without one: of an unknown id, of a prediction that the sample does not hold, or later than the horizon. */
  unmatched: number;
  /** Predictions that the byte budget cut from their samples. They are represented by the weight of the others. */
  cut: number;
}

interface PendingFeedback {
  readonly paneMs: number;
  readonly sample: Sample<FeedbackSampleEntry>;
  readonly share: number;
  /** 1 where the label found a row. */
  readonly matched: Uint8Array;
}

export interface LabelJoinOptions {
  readonly hopMs: number;
  readonly latenessMs: number;
  readonly horizonMs: number;
  readonly segmentNames: number;
  /** Rows that all versions of a pane may have together. */
  readonly rowsPerPane: number;
}

export class LabelJoin {
  readonly #options: LabelJoinOptions;
  readonly #cohorts = new Map<string, Cohort>();
  /** Feedback panes for which predictions may still come. */
  #pending: PendingFeedback[] = [];
  #lastPredictionMs = Number.NEGATIVE_INFINITY;
  #lastFeedbackMs = Number.NEGATIVE_INFINITY;
  readonly counts: JoinCounts = { joined: 0, unmatched: 0, cut: 0 };

  constructor(options: LabelJoinOptions) {
    this.#options = options;
  }

  /** Start of the newest feedback pane. */
  get lastFeedbackMs(): number {
    return this.#lastFeedbackMs;
  }

  cohort(version: string): Cohort | undefined {
    return this.#cohorts.get(version);
  }

  get rows(): number {
    let rows = 0;
    for (const cohort of this.#cohorts.values()) rows += cohort.rows;
    return rows;
  }

  addPredictions(paneMs: number, version: string, sample: Sample<PredictionSampleEntry>): void {
    const { hopMs, horizonMs, segmentNames } = this.#options;
    let cohort = this.#cohorts.get(version);
    if (cohort === undefined) {
      cohort = new Cohort({ hopMs, horizonMs, segmentNames });
      this.#cohorts.set(version, cohort);
    }
    const rows = this.#shareBudget(paneMs, version, sample.entries.length);
    const pane = cohort.add(paneMs, sample, rows);
    if (pane === null) return;
    this.counts.cut += pane.offered - pane.length;
    for (const pending of this.#pending) {
      if (!this.#mayMeet(paneMs, pending.paneMs)) continue;
      pane.join(pending.sample, pending.share, (entry) => {
        pending.matched[entry] = 1;
      });
    }
    this.#lastPredictionMs = Math.max(this.#lastPredictionMs, paneMs);
    this.#settle(this.#lastPredictionMs);
  }

  addFeedback(paneMs: number, sample: Sample<FeedbackSampleEntry>): void {
    const { horizonMs, latenessMs } = this.#options;
    const share = sample.threshold === null ? 1 : hashShare(sample.threshold);
    const matched = new Uint8Array(sample.entries.length);
    sample.entries.forEach((entry, at) => {
      for (const cohort of this.#cohorts.values()) {
        if (cohort.label(entry, share, paneMs - horizonMs, paneMs + latenessMs)) matched[at] = 1;
      }
    });
    this.#pending.push({ paneMs, sample, share, matched });
    this.#lastFeedbackMs = Math.max(this.#lastFeedbackMs, paneMs);
    this.#settle(this.#lastPredictionMs);
  }

  /** Gives up the labels that can find no prediction any more, once every prediction pane up to `clockMs` has been added. */
  settleBefore(clockMs: number): void {
    this.#settle(clockMs);
  }

  expire(version: string, stripMs: number, dropMs: number): void {
    const cohort = this.#cohorts.get(version);
    cohort?.expire(stripMs, dropMs);
    if (cohort?.isEmpty) this.#cohorts.delete(version);
  }

  /** Whether the version has a pane that starts at `timeMs` or later. */
  hasPanesFrom(version: string, timeMs: number): boolean {
    return (this.#cohorts.get(version)?.panes(timeMs, Number.POSITIVE_INFINITY).length ?? 0) > 0;
  }

  forget(version: string): void {
    this.#cohorts.delete(version);
  }

  #mayMeet(predictionMs: number, feedbackMs: number): boolean {
    return predictionMs >= feedbackMs - this.#options.horizonMs && predictionMs <= feedbackMs + this.#options.latenessMs;
  }

  /** Panes are added in ascending order, so a feedback pane is done when predictions are beyond it by more than the lateness. */
  #settle(reachedMs: number): void {
    const { latenessMs } = this.#options;
    const open = (pending: PendingFeedback): boolean => pending.paneMs + latenessMs >= reachedMs;
    if (this.#pending.every(open)) return;
    for (const pending of this.#pending) {
      if (open(pending)) continue;
      for (const matched of pending.matched) {
        if (matched === 1) this.counts.joined += 1;
        else this.counts.unmatched += 1;
      }
    }
    this.#pending = this.#pending.filter(open);
  }

  /**
   * Rows that one more version may keep of a pane. The versions of a pane share its part of the byte budget: those under the fair share
   * keep all, the others are cut to the same size. A function of the samples of the pane alone, so a restart cuts alike.
   */
  #shareBudget(paneMs: number, version: string, offered: number): number {
    const others = [...this.#cohorts].filter(([name]) => name !== version).map(([, cohort]) => cohort.pane(paneMs));
    const stored = others.filter((pane) => pane !== undefined);
    const sizes = [offered, ...stored.map((pane) => pane.offered)];
    const limit = Math.min(mostRows, fairShare(sizes, this.#options.rowsPerPane));
    for (const pane of stored) {
      const before = pane.length;
      pane.cut(limit);
      this.counts.cut += before - pane.length;
    }
    return limit;
  }
}

/** The largest size to which all can be cut, so that together they fit in `total` (at least 1). */
function fairShare(sizes: readonly number[], total: number): number {
  const ascending = [...sizes].sort((a, b) => a - b);
  let left = total;
  for (let at = 0; at < ascending.length; at += 1) {
    const each = Math.floor(left / (ascending.length - at));
    if (ascending[at]! > each) return Math.max(1, each);
    left -= ascending[at]!;
  }
  return Number.POSITIVE_INFINITY;
}
