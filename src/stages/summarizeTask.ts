import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { InvalidReason } from '../core/record/record.ts';
import { chunkSize, type PartialsMessage } from '../core/summarize/messages.ts';
import type { PartitionSummarizer } from '../core/summarize/partitionSummarizer.ts';
import { believableAheadMs, withoutTimestamp } from '../core/summarize/unusable.ts';
import type { Decoder } from '../formats/decoder.ts';
import { LogChangedError } from '../log/logChanged.ts';
import type { Batch, Commit, Member, OutgoingRecord, OwnedPartition, TopicPartition } from '../log/port.ts';
import { DeadLetterBudget, deadLetter } from './deadLetters.ts';
import { LateWatch } from './lateWatch.ts';

export interface SummarizeTaskOptions {
  readonly at: OwnedPartition;
  readonly summarizer: PartitionSummarizer;
  readonly decode: Decoder;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Largest share of the records that goes to the dead-letter topic. */
  readonly deadLetterShare: number;
  readonly deadLetters: { readonly topic: string; readonly partitions: number };
  readonly nowMs: number;
  /** `kafka.onGap`. */
  readonly onGap: OnGap;
  /** What the group had committed; null where it had not. */
  readonly committed: Commit | null;
  /** Offsets that were found lost where the summarizer begins. */
  readonly lost: LostOffsets | null;
}

export type OnGap = 'continue' | 'stop';

/** From `from`, before `to`. */
export interface LostOffsets {
  readonly from: number;
  readonly to: number;
}

interface FoundLoss extends LostOffsets {
  readonly isConfirmed: boolean;
}

/** What a slice of a partition has to write, in this order: dead letters and partials, then, once these are acknowledged, watermark and idle records. */
export interface Writing {
  readonly letters: readonly OutgoingRecord[];
  readonly steps: readonly (readonly PartialsMessage[])[];
}

/**
 * One assigned source partition: the batch that is being read, the summarizer, and since when nothing has come. Everything that waits is the stage's; here is
 * only what one partition needs to know.
 */
export class SummarizeTask {
  readonly at: OwnedPartition;
  readonly summarizer: PartitionSummarizer;
  readonly #options: SummarizeTaskOptions;
  readonly #budget: DeadLetterBudget;
  #committed: Commit | null;
  #loss: FoundLoss | null;
  #batch: Batch | null = null;
  #isStopped = false;
  #isLogChanged = false;
  #next = 0;
  #letters: OutgoingRecord[] = [];
  #movedAtMs: number;
  /** Newest Kafka timestamp that was believed. */
  #believedMs = Number.NEGATIVE_INFINITY;
  #idleToldAtMs: number;
  readonly #lateness: LateWatch;
  /** Position whose open cells are in partials already. */
  #flushedPosition: number | null = null;

  constructor(options: SummarizeTaskOptions) {
    this.#options = options;
    this.at = options.at;
    this.summarizer = options.summarizer;
    this.#budget = new DeadLetterBudget(options.deadLetterShare);
    this.#committed = options.committed;
    this.#loss = options.lost === null ? null : { ...options.lost, isConfirmed: false };
    this.#lateness = new LateWatch(options.at, options.logger);
    this.#movedAtMs = options.nowMs;
    this.#idleToldAtMs = options.nowMs;
  }

  /** Whether it is not read on because of a loss (`kafka.onGap: stop`). */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Whether another log stands in the place of the one that was read: nothing more comes of this one. */
  get isLogChanged(): boolean {
    return this.#isLogChanged;
  }

  /** Whether there is something to read now; takes the next batch where the last one is done. */
  hasRecords(member: Member): boolean {
    if (this.#isStopped || this.#isLogChanged) return false;
    this.#batch ??= this.#take(member);
    return this.#batch !== null;
  }

  /**
   * Whether offsets were found lost and no commit has been taken since. Nothing may be read or written before: who was frozen and has lost the partition without knowing
   * finds lost what others have read meanwhile, and a commit is what Kafka refuses it.
   */
  get isLossUnconfirmed(): boolean {
    return this.#loss !== null && !this.#loss.isConfirmed;
  }

  /** True where a chunk has just been read to its end: its commit must not wait, or a restart would read more than a chunk again. */
  get isAtChunkEnd(): boolean {
    return this.summarizer.position % chunkSize === 0;
  }

  /** Adds the next records, at most `limit` and none beyond the chunk of the first, and gives what has to be written for them. */
  readSlice(limit: number, nowMs: number): Writing {
    const batch = this.#batch;
    if (batch === null) return { letters: [], steps: [] };
    this.#passLoss();
    const { summarizer } = this;
    const { decode } = this.#options;
    const lateBefore = summarizer.lateCount;
    const end = this.#sliceEnd(batch, limit);
    const count = end - this.#next;
    this.#budget.countRecords(summarizer.currentPaneMs, count);
    let skipped = 0;
    for (; this.#next < end; this.#next += 1) {
      const record = batch.records[this.#next];
      // A batch may begin before the position where the log was asked for an offset inside it.
      if (record === undefined || record.offset < summarizer.position) continue;
      const { offset, timestampMs, value } = record;
      const isBelieved = this.#isBelieved(timestampMs, nowMs);
      const read = decode(value, timestampMs);
      const decoded = isBelieved ? read : withoutTimestamp(read, nowMs);
      const problem = summarizer.add(decoded, offset, timestampMs, value, isBelieved ? timestampMs : -1);
      this.#lateness.follow(summarizer.watermarkMs, record.offset);
      if (decoded.kind === 'skipped') skipped += 1;
      if (problem !== null)
        this.#keep(record.offset, problem.reason, () => deadLetter(this.#letterBox(record.offset), this.at, record, problem));
    }
    if (this.#next === batch.records.length) {
      summarizer.advanceTo(batch.nextOffset);
      this.#batch = null;
    }
    // Control records and aborted ones are nothing that event time could wait for.
    if (count > 0) {
      this.#movedAtMs = nowMs;
      this.#idleToldAtMs = nowMs;
    }
    this.#count(count, skipped, summarizer.lateCount - lateBefore);
    return this.#drained(nowMs);
  }

  /** A clock of this machine that is far behind makes no stream of records unusable. */
  #isBelieved(timestampMs: number, nowMs: number): boolean {
    if (timestampMs - Math.max(nowMs, this.#believedMs) > believableAheadMs) return false;
    this.#believedMs = timestampMs;
    return true;
  }

  /** True where nothing has come for `idleAfterMs`, and this was not said within the last `idleAfterMs`: time to look at the high watermark. */
  isIdleDue(nowMs: number, idleAfterMs: number): boolean {
    return (
      this.#batch === null &&
      !this.#isStopped &&
      !this.#isLogChanged &&
      !this.isLossUnconfirmed &&
      nowMs - this.#idleToldAtMs >= idleAfterMs
    );
  }

  /** What to write for a partition that has been read to its end and got nothing new. */
  tellIdle(nowMs: number): Writing {
    this.#idleToldAtMs = nowMs;
    this.#passLoss();
    const { position } = this.summarizer;
    const partials = this.#flushedPosition === position ? [] : this.summarizer.flushIdle();
    this.#flushedPosition = position;
    this.#setIdle(1);
    return { letters: [], steps: [partials, [this.summarizer.idleRecord(nowMs - this.#movedAtMs)]] };
  }

  /** What to write of a partition whose log is not the one any more that was read. */
  leave(nowMs: number): Writing {
    this.summarizer.leave();
    return this.#drained(nowMs);
  }

  /** What is to be committed now, once everything is written; null where nothing has changed and nothing is to be confirmed. */
  dueCommit(): Commit | null {
    const { topic, partition } = this.at;
    const { offset, metadata } = this.summarizer.resumePoint();
    const isSame = this.#committed?.offset === offset && this.#committed.metadata === metadata;
    return isSame && !this.isLossUnconfirmed ? null : { topic, partition, offset, metadata };
  }

  /** Kafka has taken the commit that was due. */
  wasCommitted(commit: Commit): void {
    this.#committed = commit;
    if (this.#loss !== null) this.#loss = { ...this.#loss, isConfirmed: true };
  }

  #sliceEnd({ records }: Batch, limit: number): number {
    const most = Math.min(records.length, this.#next + limit);
    const chunkEnd = (Math.floor((records[this.#next]?.offset ?? 0) / chunkSize) + 1) * chunkSize;
    let end = most;
    // Offsets ascend: mostly the last one decides.
    while (end > this.#next + 1 && (records[end - 1]?.offset ?? 0) >= chunkEnd) end -= 1;
    return end;
  }

  #take(member: Member): Batch | null {
    let batch: Batch | null = null;
    try {
      batch = member.take(this.at);
    } catch (error) {
      if (!(error instanceof LogChangedError)) throw error;
      this.#options.logger.error({ ...this.at, error }, 'What was read of this partition is written, then it is begun anew');
      this.#isLogChanged = true;
    }
    if (batch === null) return null;
    this.#next = 0;
    if (this.#flushedPosition !== null) this.#setIdle(0);
    this.#flushedPosition = null;
    if (batch.lostFrom !== undefined) {
      const lost = { from: this.#loss?.from ?? batch.lostFrom, to: batch.records[0]?.offset ?? batch.nextOffset };
      if (this.#options.onGap === 'stop') {
        tellStop(this.#options, this.at, lost);
        this.#isStopped = true;
        return null;
      }
      this.#loss = { ...lost, isConfirmed: false };
    }
    return batch;
  }

  /** Goes past the offsets that were lost, where a commit has shown that they are ours to miss. */
  #passLoss(): void {
    if (this.#loss === null) return;
    const { from, to } = this.#loss;
    this.#loss = null;
    // At its start a summarizer stands behind them already.
    if (this.summarizer.position < to) this.summarizer.skipLost(to);
    const { metrics, logger } = this.#options;
    countLoss(metrics, this.at, { from, to });
    logger.error(
      lossFacts(this.at, { from, to }),
      'Retention has deleted records before they were read: they are missing from all windows. Raise the retention of the topic, or add workers',
    );
  }

  #drained(nowMs: number): Writing {
    const letters = this.#letters;
    this.#letters = [];
    const outputs = this.summarizer.drain();
    // Partials of later steps may go before the watermark record of an earlier one: it claims no more than is there.
    const partials = outputs.flatMap((output) => output.partials);
    const watermarks = outputs.map((output) => output.watermark);
    this.#lateness.look(partials, nowMs);
    let capped = 0;
    for (const { cells } of partials) for (const cell of cells) capped += cell.capped;
    if (capped > 0) this.#options.metrics.count('tidemark_records_capped_total', { topic: this.at.topic }, capped);
    return { letters, steps: [partials, watermarks] };
  }

  #keep(offset: number, reason: InvalidReason, letter: () => OutgoingRecord): void {
    const { metrics, logger } = this.#options;
    const { topic, partition } = this.at;
    metrics.count('tidemark_records_invalid_total', { topic, reason });
    const place = this.#budget.take();
    if (place === 'kept') {
      this.#letters.push(letter());
      metrics.count('tidemark_dead_letters_total', { topic, reason });
      return;
    }
    metrics.count('tidemark_dead_letters_dropped_total', { topic });
    if (place === 'first-dropped') {
      logger.error(
        { topic, partition, offset, reason },
        'So many records of this topic cannot be used that further ones of this pane are counted, but not kept as dead letters: look at the newest of those',
      );
    }
  }

  #letterBox(offset: number): { topic: string; partition: number } {
    const { topic, partitions } = this.#options.deadLetters;
    return { topic, partition: (this.at.partition + offset) % partitions };
  }

  #count(records: number, skipped: number, late: number): void {
    const { metrics } = this.#options;
    const { topic } = this.at;
    if (records > 0) metrics.count('tidemark_records_read_total', { topic, role: this.summarizer.source.role }, records);
    if (skipped > 0) metrics.count('tidemark_records_skipped_total', { topic }, skipped);
    if (late > 0) metrics.count('tidemark_records_late_total', { topic, partition: this.at.partition }, late);
  }

  #setIdle(value: 0 | 1): void {
    const { topic, partition } = this.at;
    this.#options.metrics.set('tidemark_partition_idle', { topic, partition }, value);
  }
}

/** Counts and tells of offsets that were lost, where the partition is not to be read past them (`kafka.onGap: stop`). */
export function tellStop(
  { metrics, logger }: Pick<SummarizeTaskOptions, 'metrics' | 'logger'>,
  at: TopicPartition,
  lost: LostOffsets,
): void {
  countLoss(metrics, at, lost);
  logger.error(
    lossFacts(at, lost),
    `Topic ${at.topic}, partition ${at.partition} is stopped at offset ${lost.from}: retention has deleted the records up to ${lost.to} before they were read, and kafka.onGap is stop. ` +
      'Windows wait for it. To go on without them, restart the workers with kafka.onGap: continue',
  );
}

function countLoss(metrics: Metrics, { topic, partition }: TopicPartition, { from, to }: LostOffsets): void {
  metrics.count('tidemark_records_lost_total', { topic, partition }, to - from);
}

function lossFacts({ topic, partition }: TopicPartition, { from, to }: LostOffsets): Readonly<Record<string, unknown>> {
  return { topic, partition, lostFrom: from, lostTo: to, lost: to - from };
}
