import type { Batch, LogRecord, OffsetRange, TopicPartition } from '../port.ts';

/** The records of one partition: offsets ascend, with gaps where control records or compacted ones would be. */
export class MemoryPartition {
  readonly #at: TopicPartition;
  #records: LogRecord[] = [];
  #low = 0;
  #high = 0;

  constructor(at: TopicPartition) {
    this.#at = at;
  }

  get range(): OffsetRange {
    return { low: this.#low, high: this.#high };
  }

  append(record: Omit<LogRecord, 'offset'>): number {
    const offset = this.#high;
    this.#records.push({ offset, ...record });
    this.#high += 1;
    return offset;
  }

  /** Offsets that hold no record: what a transaction's control records or compaction leave. */
  appendGap(count: number): void {
    this.#high += count;
  }

  /** What retention does: offsets before this one are gone. */
  deleteBefore(offset: number): void {
    this.#low = Math.max(this.#low, Math.min(offset, this.#high));
    this.#records = this.#records.slice(this.#indexOf(this.#low));
  }

  /** The batch of at most `size` offsets from a position; null at the end of the log. */
  read(position: number, size: number): Batch | null {
    const from = Math.max(position, this.#low);
    const nextOffset = Math.min(from + size, this.#high);
    if (nextOffset <= position) return null;
    const records = this.#records.slice(this.#indexOf(from), this.#indexOf(nextOffset));
    return { ...this.#at, records, nextOffset, ...(position < from ? { lostFrom: position } : {}) };
  }

  offsetAtTime(timestampMs: number): number {
    return this.#records.find((record) => record.timestampMs >= timestampMs)?.offset ?? this.#high;
  }

  /** Index of the first record at or after the offset. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#records[middle]?.offset ?? offset) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
