/** The newest records of a source topic, read without a group: nothing is committed, no member joins, no worker is disturbed. */
import type { DecodedRecord } from '../core/record/record.ts';
import type { Decoder } from '../formats/decoder.ts';
import type { Log } from '../log/port.ts';

/** One record of the sample with its place. */
export interface SampledRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly decoded: DecodedRecord;
}

export interface TopicSample {
  readonly partitions: number;
  /** Offsets that the topic holds now (deleted ones left out; control records and compacted gaps counted). */
  readonly held: number;
  /** In the order of each partition. */
  readonly records: readonly SampledRecord[];
}

/** How long a partition may be silent before what came so far is the sample: the end of a log may be control records. */
const patienceMs = 3_000;

/** Reads about `size` of the newest records, spread evenly over the partitions. `DependencyError` where the topic does not exist. */
export async function sampleTopic(log: Log, topic: string, decode: Decoder, size: number): Promise<TopicSample> {
  const partitions = await log.partitionCount(topic);
  const perPartition = Math.max(1, Math.ceil(size / partitions));
  const records: SampledRecord[] = [];
  let held = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    const { low, high } = await log.offsets({ topic, partition });
    held += high - low;
    const from = Math.max(low, high - perPartition);
    if (from >= high) continue;
    const reader = await log.read({ topic, partition }, from);
    try {
      for (let position = from; position < high; ) {
        const batch = await reader.next(patienceMs);
        if (batch === null) break;
        for (const { offset, timestampMs, value } of batch.records) {
          if (offset < high) records.push({ partition, offset, timestampMs, decoded: decode(value, timestampMs) });
        }
        position = batch.nextOffset;
      }
    } finally {
      await reader.close();
    }
  }
  return { partitions, held, records };
}
