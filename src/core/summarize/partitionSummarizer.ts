import { type DecodedRecord, type InvalidRecord, type PredictionRecord, pseudoModel } from '../record/record.ts';
import type { CoreSettings } from '../settings.ts';
import { Coverage } from './coverage.ts';
import {
  anyModel,
  chunkSize,
  earliestWatermarkMs,
  endWatermarkMs,
  generationOf,
  type IdleRecord,
  type Loss,
  type PartialRecord,
  type SourcePartition,
  type WatermarkRecord,
} from './messages.ts';
import { rememberedShapes } from './modelShape.ts';
import { OpenPanes, type Point } from './openPanes.ts';
import type { PaneBuilder } from './paneBuilder.ts';
import { joinLosses, latenessOf, pastOf, type SummarizerStart } from './past.ts';
import { type LastRecord, markOf } from './recordMark.ts';
import { formatResumeState, type RecordMark, type ResumeState } from './resumeState.ts';
import { aheadOfLog, wrongKind } from './unusable.ts';

/** What a summarizer is made from. */
export interface SummarizerOptions {
  readonly settings: CoreSettings;
  readonly source: SourcePartition;
  /** Number of partitions of the source topic: what its watermark records say. */
  readonly partitions: number;
  /** That number when the group first read the topic; default `partitions`. See `ResumeState`. */
  readonly firstPartitions?: number;
  /** `cellConfigHash(settings)`. */
  readonly configHash: string;
  readonly start: SummarizerStart;
}

/** One step of the output: the partials must be acknowledged before the watermark record is written. */
export interface SummarizeOutput {
  readonly partials: readonly PartialRecord[];
  readonly watermark: WatermarkRecord;
}

/**
 * Summarizes one source partition: records in, partials and watermark records out (docs/design/design.md, section 1). Pure: what it writes is a function of the records, the
 * settings and the start, whatever the batches were.
 *
 * A record goes to the pane of its event time and there to the cell (model, version, segment), the panes of a chunk of 65,536 offsets to partials of
 * their own. Late, invalid and skipped records have no pane of their own: they are counted in the pane of the largest event time seen before them, which is
 * always open (`paneMs` null before there is one). These counts stand in the partial of the model that the record names, and again in that of the pseudo-model
 * `topic:NAME`, whose `counts.records` is every record of the topic in the pane, so that `invalid / records` is a rate. A record is late if the
 * largest event time BEFORE it has closed its pane.
 *
 * Feedback is filed by arrival, the running maximum of the Kafka timestamp including its own; it is never late, and its watermark is the arrival time.
 *
 * When the watermark passes the end of a pane, its partials come out by model name, then a watermark record; when the offsets leave a chunk, those of all open panes by
 * (pane, model), then a watermark record. The resume point is the first record of the oldest open pane, with what was known just before it: a restart
 * there gives, by the last closed pane that the commit also holds, the same bytes as if it had never stopped.
 */
export class PartitionSummarizer {
  readonly #settings: CoreSettings;
  readonly #source: SourcePartition;
  readonly #configHash: string;
  readonly #hopMs: number;
  readonly #latenessMs: number;
  readonly #coverage: Coverage;
  readonly #firstPartitions: number;
  #partitions: number;
  #position: number;
  #chunk: number;
  #maxTimeMs: number | null;
  #closedUntilMs: number | null;
  #last: LastRecord | RecordMark | null;
  /** Position of the newest watermark record, or the start: readers know everything before it. */
  #announced: Point;
  #idle: ResumeState['idle'];
  /** What was lost and stands in no watermark record yet. */
  #lost: Loss | null;
  /** The newest record that a watermark or idle record has spoken of. */
  #newest: RecordMark | null;
  readonly #panes: OpenPanes;
  /** `EventPace` as two numbers, for one is set with every record; NaN before there is one. */
  #paceAtMs: number;
  #paceTimeMs: number;
  #outputs: SummarizeOutput[] = [];
  #lateCount = 0;

  constructor(options: SummarizerOptions) {
    const { settings, source, start } = options;
    this.#settings = settings;
    this.#source = source;
    this.#configHash = options.configHash;
    this.#partitions = options.partitions;
    this.#firstPartitions = options.firstPartitions ?? options.partitions;
    this.#hopMs = settings.window.hopMs;
    this.#latenessMs = latenessOf(source.role, settings.window);
    const past = pastOf(start, this.#hopMs, this.#latenessMs);
    this.#coverage = new Coverage(start.offset, past.unknownPast, past.closedUntilMs);
    const pane = {
      shapeOf: rememberedShapes(settings),
      topicModel: pseudoModel(source.topic),
      declaredModels: new Set([...settings.models.keys(), anyModel]),
      partition: source.partition,
    };
    this.#panes = new OpenPanes({ pane, source, configHash: options.configHash, coverage: this.#coverage });
    this.#position = start.offset;
    this.#chunk = Math.floor(start.offset / chunkSize);
    this.#closedUntilMs = past.closedUntilMs;
    this.#idle = past.idle;
    this.#last = past.before;
    this.#maxTimeMs = past.maxTimeMs;
    this.#paceAtMs = past.pace?.atMs ?? Number.NaN;
    this.#paceTimeMs = past.pace?.timeMs ?? Number.NaN;
    this.#lost = past.lost ?? null;
    this.#newest = start.kind === 'resume' || start.kind === 'gap' ? (start.state.newest ?? null) : null;
    this.#announced = this.#point();
  }

  get source(): SourcePartition {
    return this.#source;
  }

  /** The next offset to add. */
  get position(): number {
    return this.#position;
  }

  /** Largest event time seen less the lateness; feedback: arrival time. Null before there is one. */
  get watermarkMs(): number | null {
    return this.#maxTimeMs === null ? null : this.#maxTimeMs - this.#latenessMs;
  }

  /** Late records counted so far. */
  get lateCount(): number {
    return this.#lateCount;
  }

  /** Number of live cells, for memory accounts. */
  get cellCount(): number {
    return this.#panes.cellCount;
  }

  /** The source topic has more partitions now: watermark records say so from here on. */
  setPartitions(partitions: number): void {
    this.#partitions = partitions;
  }

  /**
   * Adds the record at `offset`, which must not be below `position`; a higher one is a gap of compaction or control records. `value`: its bytes where they are at
   * hand, to recognize the record after a restart. `atMs`: the timestamp as far as it is believed, -1 for none. Gives the record as invalid where it is (also where only its time is: ahead of the log), unless it
   * was counted before a restart already.
   */
  add(
    decoded: DecodedRecord,
    offset: number,
    timestampMs: number,
    value: Uint8Array | null = null,
    atMs: number = timestampMs,
  ): InvalidRecord | null {
    this.#enterChunk(Math.floor(offset / chunkSize));
    this.#position = offset;
    const problem = this.#source.role === 'feedback' ? this.#addByArrival(decoded, offset, atMs) : this.#addByTime(decoded, atMs);
    this.#last = { offset, timestampMs, value };
    this.#position = offset + 1;
    this.#closePassedPanes();
    // With its last offset, not with the next record, which may be long in coming: what was read of the chunk need not be read again.
    this.#enterChunk(Math.floor(this.#position / chunkSize));
    return problem;
  }

  /** Moves to a position behind the last record: control records and compacted gaps hold offsets too. */
  advanceTo(position: number): void {
    if (position <= this.#position) return;
    this.#enterChunk(Math.floor(position / chunkSize));
    this.#position = position;
  }

  /** What has to be written, in this order, since the last drain. */
  drain(): SummarizeOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** Partials of all open panes, to be written while the partition is idle. Moves neither the resume point nor the panes. */
  flushIdle(): PartialRecord[] {
    this.#idle = { position: this.#position, maxTimeMs: this.#maxTimeMs };
    this.#newest = markOf(this.#last) ?? this.#newest;
    return this.#panes.partials(this.#chunk, this.#position);
  }

  /** The record that says how long nothing has come; it goes out after the partials of `flushIdle`. */
  idleRecord(idleForMs: number): IdleRecord {
    return {
      type: 'idle',
      source: this.#source,
      position: this.#position,
      idleForMs,
      watermarkMs: this.watermarkMs,
      partitions: this.#partitions,
      ...(this.#lost === null ? {} : { lost: this.#lost }),
    };
  }

  /** The source ends here (a file): everything that is open comes out, then a watermark that no event time reaches. Nothing may be added after. */
  end(): void {
    this.#emit(this.#panes.closeAll(this.#chunk, this.#position), endWatermarkMs);
  }

  /** What follows is not what followed when these records were read: what is open comes out as it is. */
  leave(): void {
    this.#emit(this.#panes.closeAll(this.#chunk, this.#position), this.watermarkMs ?? earliestWatermarkMs);
  }

  /**
   * Retention deleted the records from `position` up to `offset` before they could be read. What is open comes out as it is; what follows begins in the
   * middle of its panes.
   */
  skipLost(offset: number): void {
    this.leave();
    this.#lost = joinLosses(this.#lost ?? undefined, { cause: 'retention', from: this.#position, to: offset });
    this.#position = offset;
    this.#chunk = Math.floor(offset / chunkSize);
    this.#last = null;
    this.#coverage.beginAt(offset);
    // The next watermark record begins here, so that readers see the gap.
    this.#announced = this.#point();
  }

  /**
   * What to commit once everything drained so far is acknowledged: the lowest offset whose record is not yet in a partial of a closed pane or an ended
   * chunk, and the metadata for `parseResumeState`. Never beyond the newest watermark record, so that readers see no gap after a restart.
   */
  resumePoint(): { readonly offset: number; readonly metadata: string } {
    const { offset, maxTimeMs, before, pace } = this.#panes.earliest(this.#announced);
    const metadata = formatResumeState({
      maxTimeMs,
      closedUntilMs: this.#closedUntilMs,
      idle: this.#idle,
      configHash: this.#configHash,
      firstPartitions: this.#firstPartitions,
      before,
      ...(pace === null ? {} : { pace }),
      unknownPast: this.#coverage.unknown,
      offset,
      ...(this.#lost === null ? {} : { lost: this.#lost }),
      ...(this.#newest === null ? {} : { newest: this.#newest }),
      generation: generationOf(this.#source),
    });
    return { offset, metadata };
  }

  #addByTime(decoded: DecodedRecord, timestampMs: number): InvalidRecord | null {
    if (decoded.kind === 'prediction') {
      // A log without timestamps says -1: nothing can be ahead of it.
      const isAhead = timestampMs >= 0 && decoded.timeMs - timestampMs > this.#settings.window.maxAheadMs;
      if (!isAhead) {
        this.#addPrediction(decoded, timestampMs);
        return null;
      }
      this.#goOn(timestampMs);
      return this.#countInvalid(aheadOfLog(decoded, timestampMs));
    }
    this.#goOn(timestampMs);
    return this.#countUnused(decoded);
  }

  /**
   * A record that moves no event time. While nothing else comes, event time follows the Kafka timestamps, `silenceAfter` behind: what is broken, or too late, must show
   * in windows that end, and hold up no other partition.
   */
  #goOn(timestampMs: number): void {
    // Two in a row have to say so: the clock of one producer may show anything.
    const atMs = Math.min(timestampMs, this.#last?.timestampMs ?? timestampMs);
    if (atMs < 0) return;
    if (Number.isNaN(this.#paceAtMs)) {
      this.#paceAtMs = atMs;
      this.#paceTimeMs = this.#maxTimeMs ?? atMs;
    }
    const { silenceAfterMs } = this.#settings.window;
    if (atMs - this.#paceAtMs <= silenceAfterMs) return;
    // Not beyond the Kafka timestamps: event time may be ahead of them, by a clock that was, and then waits.
    const timeMs = Math.min(this.#paceTimeMs + atMs - this.#paceAtMs, atMs) - silenceAfterMs;
    this.#maxTimeMs = Math.max(this.#maxTimeMs ?? Number.NEGATIVE_INFINITY, timeMs);
  }

  #addPrediction(record: PredictionRecord, timestampMs: number): void {
    const paneMs = this.#paneOf(record.timeMs);
    const watermarkMs = this.watermarkMs;
    if (watermarkMs !== null && paneMs + this.#hopMs <= watermarkMs) {
      const pane = this.#open(this.currentPaneMs);
      if (pane !== null) this.#lateCount += 1;
      pane?.countLate(record.model);
      this.#goOn(timestampMs);
      return;
    }
    if (this.#coverage.isOpen) this.#endUnknownPastAfter(paneMs);
    this.#open(paneMs)?.addPrediction(record);
    if (this.#maxTimeMs === null || record.timeMs > this.#maxTimeMs) this.#maxTimeMs = record.timeMs;
    this.#paceAtMs = timestampMs;
    this.#paceTimeMs = this.#maxTimeMs;
  }

  #addByArrival(decoded: DecodedRecord, offset: number, timestampMs: number): InvalidRecord | null {
    // A record without a Kafka timestamp arrived when its producer says; one that cannot be read, with the one before it.
    const ownMs = decoded.kind === 'feedback' ? decoded.timeMs : null;
    const givenMs = timestampMs > 0 ? timestampMs : ownMs;
    if (givenMs === null && this.#maxTimeMs === null) return this.#countUnused(decoded);
    // Before it moves: the pane's first point must hold what was known before this record.
    const arrivalMs = Math.max(this.#maxTimeMs ?? 0, givenMs ?? 0);
    const paneMs = this.#paneOf(arrivalMs);
    if (this.#coverage.isOpen) this.#endUnknownPastAfter(paneMs);
    const pane = this.#open(paneMs);
    this.#maxTimeMs = arrivalMs;
    if (decoded.kind === 'feedback') {
      pane?.addFeedback(decoded, arrivalMs, offset);
      return null;
    }
    return this.#countUnused(decoded);
  }

  /** A record that is in no cell, whatever its time. */
  #countUnused(decoded: DecodedRecord): InvalidRecord | null {
    if (decoded.kind === 'invalid') return this.#countInvalid(decoded);
    if (decoded.kind === 'skipped') {
      this.#open(this.currentPaneMs)?.countSkipped();
      return null;
    }
    return this.#countInvalid(wrongKind(decoded));
  }

  #countInvalid(record: InvalidRecord): InvalidRecord | null {
    const pane = this.#open(this.currentPaneMs);
    pane?.countInvalid(record.model, record.reason);
    return pane === null ? null : record;
  }

  /** Pane in which records without a pane of their own are counted. */
  get currentPaneMs(): number | null {
    return this.#maxTimeMs === null ? null : this.#paneOf(this.#maxTimeMs);
  }

  #paneOf(timeMs: number): number {
    return Math.floor(timeMs / this.#hopMs) * this.#hopMs;
  }

  /** The live pane; null where it was closed before a restart, so that this record has been counted. */
  #open(paneMs: number | null): PaneBuilder | null {
    const known = this.#panes.find(paneMs);
    if (known !== undefined) return known;
    if (this.#closedUntilMs !== null && (paneMs === null || paneMs + this.#hopMs <= this.#closedUntilMs)) return null;
    return this.#panes.open(paneMs, this.#point());
  }

  /**
   * A record of this pane was in time, so whatever came before the start had moved the watermark at most to the pane's end: panes that start later than that plus
   * the lateness are whole.
   */
  #endUnknownPastAfter(paneMs: number): void {
    this.#coverage.endAt(paneMs + this.#hopMs + this.#latenessMs);
  }

  #point(): Point {
    const pace = Number.isNaN(this.#paceAtMs) ? null : { atMs: this.#paceAtMs, timeMs: this.#paceTimeMs };
    return { offset: this.#position, maxTimeMs: this.#maxTimeMs, before: markOf(this.#last), pace };
  }

  #closePassedPanes(): void {
    const watermarkMs = this.watermarkMs;
    if (watermarkMs === null) return;
    const closedUntilMs = this.#paneOf(watermarkMs);
    if (this.#closedUntilMs !== null && closedUntilMs <= this.#closedUntilMs) return;
    this.#closedUntilMs = closedUntilMs;
    this.#emit(this.#panes.closeUntil(closedUntilMs, this.#hopMs, this.#chunk, this.#position), watermarkMs);
    // Behind the watermark record, which is the last to say how far the past is not known.
    this.#coverage.close(closedUntilMs);
  }

  #enterChunk(chunk: number): void {
    if (chunk <= this.#chunk) return;
    const end = (this.#chunk + 1) * chunkSize;
    const partials = this.#panes.closeAll(this.#chunk, end);
    this.#chunk = chunk;
    this.#position = chunk * chunkSize;
    this.#emit(partials, this.watermarkMs ?? earliestWatermarkMs);
  }

  #emit(partials: readonly PartialRecord[], watermarkMs: number): void {
    const { unknownUntilMs } = this.#coverage;
    const watermark: WatermarkRecord = {
      type: 'watermark',
      source: this.#source,
      position: this.#position,
      previous: this.#announced.offset,
      watermarkMs,
      partitions: this.#partitions,
      ...(this.#lost === null ? {} : { lost: this.#lost }),
      ...(unknownUntilMs === null ? {} : { unknownUntilMs }),
    };
    this.#lost = null;
    this.#announced = this.#point();
    this.#newest = this.#announced.before ?? this.#newest;
    this.#outputs.push({ partials, watermark });
  }
}
