/** What the state fact of a model holds besides nodes, baselines and samples, which are facts of their own. Plain JSON. */
import type { BookState } from '../incident/bookState.ts';
import type { SegmentKey } from '../summarize/messages.ts';
import type { LearnerState } from './baselineLearner.ts';
import type { LossState } from './lossWatch.ts';

/** Event time of the first and the last pane with data of a version, or of a value of a segment. */
export interface SeenState {
  readonly firstMs: number;
  lastMs: number;
}

/** Cells for which a baseline file counts no more; a file of another hash counts again. */
interface OverruledFile {
  readonly file: string | null;
  /** Segments concerned; null among them: all cells. */
  readonly segments: readonly SegmentKey[];
}

export interface DataState {
  /** Kafka time from which a replay sees the model as it was seen: where its first pane begins, or a pane before. Older states have none. */
  readonly sinceMs?: number | null;
  /** End of the last pane with data. */
  readonly lastDataMs: number | null;
  /** Whether predictions came with labels of their own. */
  readonly hasInlineLabels: boolean;
  /** By version, sorted. */
  readonly versions: readonly (readonly [version: string, state: SeenState])[];
  /** By segment and value, sorted; absent in states of releases that did not know since when each was there. */
  readonly segments?: readonly (readonly [name: string, values: readonly (readonly [value: string, state: SeenState])[]])[];
  /** By cell text, sorted. */
  readonly learners: readonly (readonly [cell: string, state: LearnerState])[];
  readonly book: BookState;
  /** Losses that are told of, by series; absent where there are none. */
  readonly losses?: readonly LossState[];
  /** Newest pane end by reason why panes were not exact, sorted; absent in states of releases that kept none. */
  readonly inexact?: readonly (readonly [reason: string, endMs: number])[];
  /** What an accepted change has taken the place of in the baseline file; absent in states of releases that knew no commands. */
  readonly overruled?: OverruledFile;
}

export interface LabelState {
  /** As of `DataState`, for what is decided on the label clock. */
  readonly sinceMs?: number | null;
  readonly book: BookState;
  /** End of the newest joined pane with predictions, by version, sorted. */
  readonly lastMs: readonly (readonly [version: string, lastMs: number])[];
  /** Topics that joined predictions came from, sorted. */
  readonly topics: readonly string[];
  /** Frozen parts of `core/performance`, as its `baselineFact` gives them. */
  readonly performance: unknown;
  /** As of `DataState`. */
  readonly inexact?: readonly (readonly [reason: string, endMs: number])[];
}
