import { isMarked, type LastRecord, markOf } from '../../core/summarize/recordMark.ts';
import type { RecordMark } from '../../core/summarize/resumeState.ts';
import type { Batch, TopicPartition } from '../port.ts';
import type { FetchedBatch } from './fetchResponse.ts';

/** What was fetched of one partition and not yet taken, from one start on. A new start has a new queue; the old one is dropped. */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Where the next fetch begins. */
  position: number;
  /** False when the last fetch reached the end of the log: then more is waited for at the broker. */
  isBehind = true;
  /** Not fetched before this time: the last attempt failed, or found nothing while others had much to read. */
  notBeforeMs = 0;
  /**
   * The newest record that was fetched. After trouble with the partition it is asked for once more (`isSuspect`), for its leader may have lost it, or the topic may be
   * another one of the same name: then another record stands there, or none.
   */
  #last: RecordMark | null = null;
  isSuspect = false;
  readonly #fetched: FetchedBatch[] = [];
  readonly #limitBytes: () => number;
  readonly #onRoom: () => void;
  #bytes = 0;
  #failure: Error | null = null;

  constructor({ topic, partition }: TopicPartition, offset: number, limitBytes: () => number, onRoom: () => void) {
    this.topic = topic;
    this.partition = partition;
    this.position = offset;
    this.#limitBytes = limitBytes;
    this.#onRoom = onRoom;
  }

  /** Bytes of keys and values that wait here. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Something to take, or an error to learn of. */
  get isReady(): boolean {
    return this.#fetched.length > 0 || this.#failure !== null;
  }

  /** Whether more may be fetched: an empty queue always has room, however large its batches are. */
  get hasRoom(): boolean {
    return this.#failure === null && (this.#fetched.length === 0 || this.#bytes < this.#limitBytes());
  }

  /** Where a request begins: at the position, or at the newest record while it is suspect. */
  get fetchOffset(): number {
    return this.isSuspect && this.#last !== null ? this.#last.offset : this.position;
  }

  /** Judges what stands at `fetchOffset` while that is suspect; undefined where nothing came. */
  verify(found: LastRecord | undefined): 'same' | 'other' | 'unknown' {
    if (!this.isSuspect || this.#last === null) return 'same';
    if (found === undefined) return 'unknown';
    // Compaction may have taken it: what follows proves nothing.
    if (found.offset !== this.#last.offset) return 'same';
    return isMarked(this.#last, found) ? 'same' : 'other';
  }

  put(fetched: FetchedBatch): void {
    this.#last = markOf(fetched.batch.records.at(-1) ?? null) ?? this.#last;
    this.#fetched.push(fetched);
    this.#bytes += fetched.bytes;
    this.position = fetched.batch.nextOffset;
  }

  /** What cannot be repaired by repeating; the next `take` after the queued batches throws it. */
  fail(error: Error): void {
    this.#failure = error;
  }

  take(): Batch | null {
    const first = this.#fetched.shift();
    if (first === undefined) {
      if (this.#failure !== null) throw this.#failure;
      return null;
    }
    this.#bytes -= first.bytes;
    if (this.hasRoom) this.#onRoom();
    return first.batch;
  }
}
