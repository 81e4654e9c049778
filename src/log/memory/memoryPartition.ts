import type { Batch, LogRecord, OffsetRange, TopicPartition } from '../port.ts';

/** The records of one partition: offsets ascend, with gaps where control records or compacted ones would be. */
export class MemoryPartition {
  readonly #at: TopicPartition;
  #records: LogRecord[] = [];
  #low = 0;
  #high = 0;
  #isStalled = false;
  #cuts: number[] = [];

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

  /** What an unreachable leader does to readers: nothing comes, although the end of the log is known. Writes still arrive. */
  setStalled(isStalled: boolean): void {
    this.#isStalled = isStalled;
  }

  /** Whether a reader at this position would get something. */
  hasAfter(position: number): boolean {
    return !this.#isStalled && this.#high > position;
  }

  /**
   * What compaction does to the offsets before `until`: of every key only the newest record of the partition stays, and of those before `tombstonesUntil`
   * no tombstone. Offsets stay as they are; records without a key are left alone.
   */
  compact(until: number, tombstonesUntil: number): void {
    const newest = new Map<string, number>();
    for (const { key, offset } of this.#records) if (key !== null) newest.set(keyText(key), offset);
    this.#records = this.#records.filter(({ key, value, offset }) => {
      if (key === null || offset >= until) return true;
      return newest.get(keyText(key)) === offset && (value !== null || offset >= tombstonesUntil);
    });
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

  /** What an unclean leader election does: the newest records are gone, and others will have their offsets. */
  truncate(offset: number): void {
    this.#cuts.push(offset);
    this.#high = Math.min(this.#high, offset);
    this.#records = this.#records.slice(0, this.#indexOf(this.#high));
  }

  /** How often it was cut so far. */
  get cutCount(): number {
    return this.#cuts.length;
  }

  /** Whether it was cut before a position since it had been cut so often. */
  isCutBelow(position: number, cutCount: number): boolean {
    return this.#cuts.slice(cutCount).some((offset) => offset < position);
  }

  /** The batch of at most `size` offsets from a position, or the whole gap that begins there; null at the end of the log. */
  read(position: number, size: number): Batch | null {
    if (this.#isStalled) return null;
    const from = Math.max(position, this.#low);
    const first = this.#indexOf(from);
    const afterGap = this.#records[first]?.offset ?? this.#high;
    const nextOffset = Math.min(Math.max(from + size, afterGap), this.#high);
    if (nextOffset <= position) return null;
    const records = this.#records.slice(first, this.#indexOf(nextOffset));
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

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
