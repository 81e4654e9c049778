import type { Log, LogRecord, TopicPartition } from '../log/port.ts';

/** How long a partition may be silent before it counts as read: its last offsets may hold no record. */
const patienceMs = 3_000;

/** The records of a partition from an offset up to the end that it had when the scan began. Without a group: disturbs nobody. */
export async function* scan(log: Log, at: TopicPartition, from: number): AsyncGenerator<LogRecord> {
  const { low, high } = await log.offsets(at);
  let position = Math.max(low, from);
  if (position >= high) return;
  const reader = await log.read(at, position);
  try {
    while (position < high) {
      const batch = await reader.next(patienceMs);
      if (batch === null) return;
      for (const record of batch.records) if (record.offset < high) yield record;
      position = batch.nextOffset;
    }
  } finally {
    await reader.close();
  }
}
