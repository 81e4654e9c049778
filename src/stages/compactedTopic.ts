/** Reading a whole partition of a compacted topic as of now: how the state of a former owner comes back. */
import type { Metrics } from '../core/metrics.ts';
import type { Log, TopicPartition } from '../log/port.ts';

const text = new TextDecoder();

/**
 * Gives every record of a partition to `take`, in order, up to a barrier that this call writes under `barrierKey`: whatever a former owner had
 * acknowledged by then is seen ("read to the high watermark" may wait for ever on a compacted topic). Barriers, of former owners too, and
 * records without a key are not given. True when all of them were taken; false where `isWanted` turned false on the way.
 *
 * Where others have written behind the barrier meanwhile, it is read on to another one: they may have taken back what stood before it, and compaction may have deleted it before
 * it was read, as when this process was frozen on the way. What would be left is no state that there ever was.
 *
 * The partition is read once, and what was read is counted: it is what a restart costs.
 */
export async function readToBarrier(
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
  at: TopicPartition,
  barrierKey: string,
  isWanted: () => boolean,
  take: (key: string, value: Uint8Array | null) => void,
): Promise<boolean> {
  const writeBarrier = async () => (await log.produce([{ ...at, key: barrierKey, value: '{}' }]))[0] ?? -1;
  let barrier = await writeBarrier();
  const { low } = await log.offsets(at);
  const reader = await log.read(at, low);
  try {
    for (let position = low; position <= barrier; ) {
      if (!isWanted()) return false;
      const batch = await reader.next(1_000);
      let bytes = 0;
      for (const record of batch?.records ?? []) {
        bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
        const key = record.key === null ? barrierKey : text.decode(record.key);
        if (key !== barrierKey) take(key, record.value);
      }
      metrics.count('tidemark_restored_records_total', { topic: at.topic }, batch?.records.length ?? 0);
      metrics.count('tidemark_restored_bytes_total', { topic: at.topic }, bytes);
      position = batch?.nextOffset ?? position;
      if (position > barrier && (await log.offsets(at)).high > Math.max(position, barrier + 1)) barrier = await writeBarrier();
    }
  } finally {
    await reader.close();
  }
  return true;
}
