/** Which panes of a partition are known from their first record on, where the reading began in the middle of the log or other panes were closed before. */
import type { UnknownPast } from './resumeState.ts';

export class Coverage {
  #unknown: UnknownPast | null;
  /** Panes that start before it were closed under another hop, perhaps in part. */
  readonly #knownFromMs: number;
  readonly #startOffset: number;

  constructor(startOffset: number, unknown: UnknownPast | null, closedUntilMs: number | null) {
    this.#startOffset = startOffset;
    this.#unknown = unknown;
    this.#knownFromMs = closedUntilMs ?? Number.NEGATIVE_INFINITY;
  }

  /** For the resume state. */
  get unknown(): UnknownPast | null {
    return this.#unknown;
  }

  /** Whether no record has told yet which panes are concerned. */
  get isOpen(): boolean {
    return this.#unknown !== null && this.#unknown.untilMs === null;
  }

  /** Panes that start before this time may have records that are not known; null where none has, or where no record has told yet. */
  get unknownUntilMs(): number | null {
    return this.#unknown?.untilMs ?? null;
  }

  /** Records before this offset are not known. */
  beginAt(offset: number): void {
    this.#unknown = { fromOffset: offset, untilMs: null };
  }

  /** Panes that start before this time may miss records. */
  endAt(untilMs: number): void {
    if (this.#unknown !== null) this.#unknown = { ...this.#unknown, untilMs };
  }

  /** All panes that start before this time are closed. */
  close(closedUntilMs: number): void {
    const { untilMs } = this.#unknown ?? { untilMs: null };
    if (untilMs !== null && untilMs <= closedUntilMs) this.#unknown = null;
  }

  /** Whether the pane (null: the one before any event time) has every record from the start of the chunk on. */
  isComplete(paneMs: number | null): boolean {
    if (this.#unknown === null) return paneMs === null || paneMs >= this.#knownFromMs;
    return paneMs !== null && this.#unknown.untilMs !== null && paneMs >= this.#unknown.untilMs && paneMs >= this.#knownFromMs;
  }

  /** The first offset that is known of a pane, in a chunk that starts there. */
  firstOffset(paneMs: number | null, chunkStart: number): number {
    return this.isComplete(paneMs) ? chunkStart : Math.max(chunkStart, this.#unknown?.fromOffset ?? this.#startOffset);
  }
}
