/** The `history` topic: immutable facts, same partition numbers as `partials`. Compacted; the key is the fact's subject. */
import type { Fact } from '../core/detect/fact.ts';
import { FactMap } from '../core/detect/restore.ts';
import type { Log, OutgoingRecord, TopicPartition } from '../log/port.ts';

const barrierKey = '["barrier"]';
const text = new TextDecoder();

export function factRecord(at: TopicPartition, fact: Fact): OutgoingRecord {
  return { ...at, key: fact.key, value: fact.value };
}

/**
 * All facts of a partition. Writes a barrier record and reads up to it, so that whatever a former owner had acknowledged by then is seen ("read
 * to the high watermark" may wait for ever on a compacted topic). Null where `isWanted` turned false on the way.
 */
export async function readFacts(log: Log, at: TopicPartition, isWanted: () => boolean): Promise<FactMap | null> {
  const [barrier] = await log.produce([{ ...at, key: barrierKey, value: '{}' }]);
  const { low } = await log.offsets(at);
  const reader = await log.read(at, low);
  const facts = new FactMap();
  try {
    for (let position = low; barrier !== undefined && position <= barrier; ) {
      if (!isWanted()) return null;
      const batch = await reader.next(1_000);
      for (const record of batch?.records ?? []) {
        const key = record.key === null ? barrierKey : text.decode(record.key);
        if (key !== barrierKey) facts.put(key, record.value);
      }
      position = batch?.nextOffset ?? position;
    }
  } finally {
    await reader.close();
  }
  return facts;
}
