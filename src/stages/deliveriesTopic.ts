/** The `deliveries` topic: per incident the last event that needs no delivery any more. Compacted; the key is the incident. */
import type { EventRecord } from '../core/incident/event.ts';
import type { Log, OutgoingRecord, TopicPartition } from '../log/port.ts';
import { readToBarrier } from './compactedTopic.ts';

/** How an event was dealt with: Sentry has it, it ends an incident and is only logged, or it stands on the dead-letter topic. */
export type Settlement = 'accepted' | 'logged' | 'parked';

const barrierKey = 'barrier';

/** The record that says that this event and those before it are dealt with. */
export function deliveryRecord(at: TopicPartition, event: EventRecord, settlement: Settlement): OutgoingRecord {
  return { ...at, key: event.incident, value: JSON.stringify({ ordinal: event.ordinal, event: event.id, settlement }) };
}

/**
 * Last ordinal per incident that a former owner of the partition had acknowledged by now. The largest ordinal wins, not the last record: a former
 * owner may write late. Null where `isWanted` turned false on the way.
 */
export async function readDeliveries(log: Log, at: TopicPartition, isWanted: () => boolean): Promise<ReadonlyMap<string, number> | null> {
  const delivered = new Map<string, number>();
  const isWhole = await readToBarrier(log, at, barrierKey, isWanted, (incident, value) => {
    const ordinal = ordinalOf(value);
    if (ordinal !== null) delivered.set(incident, Math.max(ordinal, delivered.get(incident) ?? ordinal));
  });
  return isWhole ? delivered : null;
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
