/** Writes the source records in their order of arrival, in bursts; partitions can be held back, and come later in one go. */

import type { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import { partitionKey } from '../../src/log/partitionKey.ts';
import type { Random } from '../support/random.ts';
import type { PlacedRecord, SourceTraffic } from './scenario.ts';
import type { Scheduler } from './scheduler.ts';

interface Line {
  readonly source: SourceTraffic;
  next: number;
  /** End of the partition in the log. */
  end: number;
}

const longestBurst = 40;

export class Feed {
  readonly #log: MemoryLog;
  readonly #lines: readonly Line[];
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #untilMs: number;
  readonly #held = new Set<string>();

  /** Begins behind the records before `fromMs`, which are in the log already; ends before those of `untilMs`. */
  constructor(log: MemoryLog, sources: readonly SourceTraffic[], random: Random, scheduler: Scheduler, fromMs: number, untilMs: number) {
    this.#log = log;
    this.#random = random;
    this.#scheduler = scheduler;
    this.#untilMs = untilMs;
    this.#lines = sources.map((source) => {
      const next = source.records.findIndex(({ timestampMs }) => timestampMs >= fromMs);
      return { source, next, end: (source.records[next - 1]?.offset ?? -1) + 1 };
    });
  }

  get isDone(): boolean {
    return this.#lines.every((line) => this.#nextOf(line) === null);
  }

  hold(source: SourceTraffic): void {
    this.#held.add(partitionKey(source));
  }

  release(source: SourceTraffic): void {
    this.#held.delete(partitionKey(source));
  }

  /** False where everything that is left is held back. */
  async burst(): Promise<boolean> {
    let hasFed = false;
    for (let count = 1 + this.#random.int(longestBurst); count > 0; count--) {
      const line = this.#earliest();
      if (line === null) break;
      hasFed = true;
      await this.#feed(line);
    }
    return hasFed;
  }

  #earliest(): Line | null {
    let earliest: Line | null = null;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const line of this.#lines) {
      const next = this.#nextOf(line);
      if (next === null || next.timestampMs >= earliestMs || this.#held.has(partitionKey(line.source))) continue;
      earliest = line;
      earliestMs = next.timestampMs;
    }
    return earliest;
  }

  #nextOf({ source, next }: Line): PlacedRecord | null {
    const record = source.records[next];
    return record === undefined || record.timestampMs >= this.#untilMs ? null : record;
  }

  /** The next record of a partition, or the offsets without records before it. */
  async #feed(line: Line): Promise<void> {
    const { topic, partition, isAdded } = line.source;
    const record = line.source.records[line.next];
    if (record === undefined) return;
    if (isAdded && line.end === 0) this.#log.addPartitions(topic, partition + 1);
    if (record.offset > line.end) {
      this.#log.appendGap({ topic, partition }, record.offset - line.end);
      line.end = record.offset;
      return;
    }
    this.#scheduler.nowMs = Math.max(this.#scheduler.nowMs, record.timestampMs);
    await this.#log.produce([{ topic, partition, timestampMs: record.timestampMs, key: null, value: record.value }]);
    line.end += 1;
    line.next += 1;
  }
}
