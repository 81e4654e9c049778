/**
 * The `deliveries` topic: per sink and incident the last event that needs no delivery any more. Compacted; the key is the incident for Sentry
 * (as it was before there were other sinks), `<sink>:<incident>` for the others.
 */
import type { EventRecord } from '../core/incident/event.ts';
import type { Log, OutgoingRecord, TopicPartition } from '../log/port.ts';
import { readToBarrier } from './compactedTopic.ts';
import type { SinkName } from './sink.ts';

/** How an event was dealt with: the sink has it, or it stands on the dead-letter topic. */
export type Settlement = 'accepted' | 'parked';

const barrierKey = 'barrier';

/** The record that says that this event and those before it are dealt with. */
export function deliveryRecord(at: TopicPartition, sink: SinkName, event: EventRecord, settlement: Settlement): OutgoingRecord {
  return { ...at, key: keyPrefix(sink) + event.incident, value: JSON.stringify({ ordinal: event.ordinal, event: event.id, settlement }) };
}

/**
 * Last ordinal per incident of this sink that a former owner of the partition had acknowledged by now. The largest ordinal wins, not the last record: a former
 * owner may write late. Null where `isWanted` turned false on the way.
 */
export async function readDeliveries(
  log: Log,
  at: TopicPartition,
  sink: SinkName,
  isWanted: () => boolean,
): Promise<ReadonlyMap<string, number> | null> {
  const prefix = keyPrefix(sink);
  const delivered = new Map<string, number>();
  const isWhole = await readToBarrier(log, at, barrierKey, isWanted, (key, value) => {
    const incident = key.slice(prefix.length);
    if (!key.startsWith(prefix) || incident.includes(':')) return;
    const ordinal = ordinalOf(value);
    if (ordinal !== null) delivered.set(incident, Math.max(ordinal, delivered.get(incident) ?? ordinal));
  });
  return isWhole ? delivered : null;
}

function keyPrefix(sink: SinkName): string {
  return sink === 'sentry' ? '' : `${sink}:`;
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
