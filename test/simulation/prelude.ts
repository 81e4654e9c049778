/**
 * What stood in the topics before a run begins. Most scenarios begin when a day of baseline has nearly been learned: that day is worked off once, by one
 * worker that nothing disturbs, and put into the log of every run. So a seed costs what happens in it, not what came before.
 */

import type { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import { partitionKey } from '../../src/log/partitionKey.ts';
import type { Commit, LogRecord, OutgoingRecord, TopicPartition } from '../../src/log/port.ts';

/** Records that stand one after the other, and the offsets without records before them. */
interface Stretch {
  readonly gap: number;
  readonly records: OutgoingRecord[];
}

export class Prelude {
  readonly #records = new Map<string, { readonly at: TopicPartition; readonly records: LogRecord[] }>();
  readonly #commits = new Map<string, { readonly group: string; readonly commit: Commit }>();
  #stretches: readonly { readonly at: TopicPartition; readonly stretches: readonly Stretch[] }[] | null = null;
  /** Time of the clock when it ended. */
  nowMs = 0;

  readonly append = (at: TopicPartition, record: LogRecord): void => {
    const key = partitionKey(at);
    const known = this.#records.get(key);
    if (known === undefined) this.#records.set(key, { at: { topic: at.topic, partition: at.partition }, records: [record] });
    else known.records.push(record);
  };

  readonly commit = (group: string, commit: Commit): void => {
    this.#commits.set(`${group}/${partitionKey(commit)}`, { group, commit });
  };

  /** Where a group had read to; 0 where it has committed nothing. */
  committed(group: string, at: TopicPartition): number {
    return this.#commits.get(`${group}/${partitionKey(at)}`)?.commit.offset ?? 0;
  }

  /** Newest values of a partition by key. */
  valuesOf(at: TopicPartition): ReadonlyMap<string, Uint8Array> {
    const text = new TextDecoder();
    const values = new Map<string, Uint8Array>();
    for (const { key, value } of compacted(this.#records.get(partitionKey(at))?.records ?? []))
      if (key !== null && value !== null) values.set(text.decode(key), value);
    return values;
  }

  /** Puts everything into a log whose topics are empty, at the same offsets; `compactedTopics` as compaction has left them. */
  async putInto(log: MemoryLog, compactedTopics: readonly string[]): Promise<void> {
    this.#stretches ??= [...this.#records.values()].map(({ at, records }) => ({
      at,
      stretches: stretchesOf(at, compactedTopics.includes(at.topic) ? compacted(records) : records),
    }));
    for (const { at, stretches } of this.#stretches) {
      for (const { gap, records } of stretches) {
        log.appendGap(at, gap);
        await log.produce(records);
      }
    }
    for (const { group, commit } of this.#commits.values()) log.resetCommit(group, commit, commit.offset, commit.metadata);
  }
}

function stretchesOf(at: TopicPartition, records: readonly LogRecord[]): Stretch[] {
  const stretches: Stretch[] = [];
  let end = 0;
  for (const { offset, timestampMs, key, value } of records) {
    if (offset > end || stretches.length === 0) stretches.push({ gap: offset - end, records: [] });
    stretches.at(-1)?.records.push({ ...at, timestampMs, key, value });
    end = offset + 1;
  }
  return stretches;
}

/** The newest record of each key, without tombstones but for the last record, which holds the end of the log. */
function compacted(records: readonly LogRecord[]): LogRecord[] {
  const text = new TextDecoder();
  const newest = new Map<string, number>();
  for (const { key, offset } of records) newest.set(text.decode(key ?? new Uint8Array()), offset);
  const isKept = ({ key, value, offset }: LogRecord) => newest.get(text.decode(key ?? new Uint8Array())) === offset && value !== null;
  return records.filter((record, index) => isKept(record) || index === records.length - 1);
}
