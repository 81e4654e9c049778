/**
 * The `deliveries` topic: per sink and incident the last event that needs no delivery any more, and what the cap on new issues made of the
 * incident. Compacted; the key is the incident for Sentry (as it was before there were other sinks), `<sink>:<incident>` for the others, and
 * `storm:<start of the period>` for a summary of suppressed incidents.
 */
import type { EventRecord } from '../core/incident/event.ts';
import type { CapRecord, CapState } from '../core/incident/storm.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log, OutgoingRecord, TopicPartition } from '../log/port.ts';
import { readToBarrier } from './compactedTopic.ts';
import type { SinkName } from './sink.ts';

/** How an event was dealt with: the sink has it, it stands on the dead-letter topic, or its incident is beyond the cap on new issues. */
export type Settlement = 'accepted' | 'parked' | 'suppressed';

/** What a former owner of a partition had acknowledged. */
interface Deliveries {
  /** Last ordinal by incident. */
  readonly ordinals: ReadonlyMap<string, number>;
  /** Incidents whose openings stand on the dead-letter topic, and of which nothing has been delivered since. */
  readonly refused: ReadonlySet<string>;
  readonly cap: CapState;
}

const barrierKey = 'barrier';
const stormPrefix = 'storm:';

/** The record that says that this event and those before it are dealt with. */
export function deliveryRecord(
  at: TopicPartition,
  sink: SinkName,
  event: EventRecord,
  settlement: Settlement,
  cap: CapRecord | null,
): OutgoingRecord {
  const value = { ordinal: event.ordinal, event: event.id, settlement, ...(cap === null ? {} : { cap }) };
  return { ...at, key: keyPrefix(sink) + event.incident, value: JSON.stringify(value) };
}

/** The record that says how many suppressed incidents of this partition the newest accepted summary of a period told of. */
export function toldRecord(at: TopicPartition, periodStartMs: number, incidents: number): OutgoingRecord {
  return { ...at, key: `${stormPrefix}${periodStartMs}`, value: JSON.stringify({ incidents }) };
}

/**
 * What a former owner of the partition had acknowledged by now for this sink. The largest ordinal of an incident wins, not the last record: a
 * former owner may write late. Null where `isWanted` turned false on the way.
 */
export async function readDeliveries(
  from: { readonly log: Log; readonly metrics: Metrics },
  at: TopicPartition,
  sink: SinkName,
  isWanted: () => boolean,
): Promise<Deliveries | null> {
  const prefix = keyPrefix(sink);
  const ordinals = new Map<string, number>();
  const refused = new Set<string>();
  const records = new Map<string, CapRecord>();
  const told = new Map<number, number>();
  const isWhole = await readToBarrier(from, at, barrierKey, isWanted, (key, value) => {
    const fields = fieldsOf(value);
    if (key.startsWith(stormPrefix)) {
      const incidents = wholeNumber(fields.incidents);
      if (sink === 'sentry' && incidents !== null) told.set(Number(key.slice(stormPrefix.length)), incidents);
      return;
    }
    const incident = key.slice(prefix.length);
    const ordinal = wholeNumber(fields.ordinal);
    if (!key.startsWith(prefix) || incident.includes(':') || ordinal === null || ordinal < (ordinals.get(incident) ?? ordinal)) return;
    ordinals.set(incident, ordinal);
    if (ordinal === 0 && fields.settlement === ('parked' satisfies Settlement)) refused.add(incident);
    else refused.delete(incident);
    const cap = capOf(fields.cap);
    if (cap === null) records.delete(incident);
    else records.set(incident, cap);
  });
  return isWhole ? { ordinals, refused, cap: { records, told } } : null;
}

function keyPrefix(sink: SinkName): string {
  return sink === 'sentry' ? '' : `${sink}:`;
}

const text = new TextDecoder();

/** Empty for what is no delivery record: without it an event is delivered once more under the same id, which Sentry knows. */
function fieldsOf(value: Uint8Array | null): Readonly<Record<string, unknown>> {
  if (value === null) return {};
  try {
    return objectOf(JSON.parse(text.decode(value)));
  } catch {
    return {};
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function wholeNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}

const kinds = ['drift', 'performance', 'estimate', 'quality', 'volume'] as const;
const severities = ['info', 'warning', 'error'] as const;

/** Null for what is no record of the cap: its incident is then one that has its issue. */
function capOf(value: unknown): CapRecord | null {
  const { kind, atMs, segmentOf, model, incidentKind, owner, severity } = objectOf(value);
  const at = typeof atMs === 'number' && Number.isFinite(atMs) ? atMs : null;
  if (at === null) return null;
  if (kind === 'issue') return { kind, atMs: at, segmentOf: typeof segmentOf === 'string' ? segmentOf : null };
  const knownKind = kinds.find((one) => one === incidentKind);
  const knownSeverity = severities.find((one) => one === severity);
  if (kind !== 'suppressed' || typeof model !== 'string' || knownKind === undefined || knownSeverity === undefined) return null;
  return { kind, atMs: at, model, incidentKind: knownKind, owner: typeof owner === 'string' ? owner : null, severity: knownSeverity };
}
