/** The `deliveries` topic: per incident the last event that needs no delivery any more. Compacted; the key is the incident. */
import type { EventRecord } from '../core/incident/event.ts';
import type { Log, OutgoingRecord, TopicPartition } from '../log/port.ts';

/** How an event was dealt with: Sentry has it, it ends an incident and is only logged, or it stands on the dead-letter topic. */
export type Settlement = 'accepted' | 'logged' | 'parked';

const barrierKey = 'barrier';

/** The record that says that this event and those before it are dealt with. */
export function deliveryRecord(at: TopicPartition, event: EventRecord, settlement: Settlement): OutgoingRecord {
  return { ...at, key: event.incident, value: JSON.stringify({ ordinal: event.ordinal, event: event.id, settlement }) };
}

/**
 * Last ordinal per incident. Writes a barrier record and reads up to it: whatever a former owner of the partition had acknowledged by then is
 * seen. The largest ordinal wins, not the last record: a former owner may write late. Null where `isWanted` turned false on the way.
 */
export async function readDeliveries(log: Log, at: TopicPartition, isWanted: () => boolean): Promise<ReadonlyMap<string, number> | null> {
  const [barrier] = await log.produce([{ ...at, key: barrierKey, value: '{}' }]);
  const { low } = await log.offsets(at);
  const reader = await log.read(at, low);
  const delivered = new Map<string, number>();
  try {
    for (let position = low; barrier !== undefined && position <= barrier; ) {
      if (!isWanted()) return null;
      const batch = await reader.next(1_000);
      for (const record of batch?.records ?? []) {
        const incident = record.key === null ? barrierKey : text.decode(record.key);
        const ordinal = ordinalOf(record.value);
        if (incident !== barrierKey && ordinal !== null) delivered.set(incident, Math.max(ordinal, delivered.get(incident) ?? ordinal));
      }
      position = batch?.nextOffset ?? position;
    }
  } finally {
    await reader.close();
  }
  return delivered;
}

const text = new TextDecoder();

/** Null for what is no delivery record: without it an event is delivered once more under the same id, which Sentry knows. */
function ordinalOf(value: Uint8Array | null): number | null {
  if (value === null) return null;
  try {
    const parsed: unknown = JSON.parse(text.decode(value));
    if (typeof parsed !== 'object' || parsed === null || !('ordinal' in parsed)) return null;
    return Number.isSafeInteger(parsed.ordinal) ? Number(parsed.ordinal) : null;
  } catch {
    return null;
  }
}
