/** The `history` topic: immutable facts, same partition numbers as `partials`. Compacted; the key is the fact's subject. */
import type { Fact } from '../core/detect/fact.ts';
import { FactMap } from '../core/detect/restore.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log, OutgoingRecord, TopicPartition } from '../log/port.ts';
import { readToBarrier } from './compactedTopic.ts';

const barrierKey = '["barrier"]';

/** A fact as the record that keeps it; a fact without a value takes the one of its key away. */
export function factRecord(at: TopicPartition, fact: Fact): OutgoingRecord {
  return { ...at, key: fact.key, value: fact.value };
}

/** All facts of a partition that a former owner had acknowledged by now. Null where `isWanted` turned false on the way. */
export async function readFacts(
  from: { readonly log: Log; readonly metrics: Metrics },
  at: TopicPartition,
  isWanted: () => boolean,
): Promise<FactMap | null> {
  const facts = new FactMap();
  const isWhole = await readToBarrier(from, at, barrierKey, isWanted, (key, value) => facts.put(key, value));
  return isWhole ? facts : null;
}
