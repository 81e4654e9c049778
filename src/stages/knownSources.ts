/** What the `partials` topic says of source partitions, for a start whose commit does not: it was deleted, or moved by somebody else. */
import { decodeMessage, isAboutSource } from '../core/summarize/codec.ts';
import { earliestWatermarkMs, generationOf, sourceKey } from '../core/summarize/messages.ts';
import { laterOf } from '../core/summarize/past.ts';
import type { Log } from '../log/port.ts';

/** The newest log that was read of a source partition, how far, and the largest watermark of it; null where no record had an event time. */
export interface KnownSource {
  readonly generation: number;
  readonly position: number;
  readonly watermarkMs: number | null;
}

/** Longest wait for one batch. */
const waitMs = 5_000;

/**
 * By `sourceKey`. Watermark and idle records stand in every partition of the topic, so the shortest one is read, once. It ends at the end that it had at the beginning;
 * what comes later concerns partitions of others.
 */
export async function knownSources(log: Log, topic: string): Promise<ReadonlyMap<string, KnownSource>> {
  const count = await log.partitionCount(topic);
  const ranges = await Promise.all(Array.from({ length: count }, (_, partition) => log.offsets({ topic, partition })));
  const [shortest] = [...ranges.entries()].sort(([, left], [, right]) => left.high - left.low - (right.high - right.low));
  const known = new Map<string, KnownSource>();
  if (shortest === undefined) return known;
  const [partition, { low, high }] = shortest;
  if (low === high) return known;
  const reader = await log.read({ topic, partition }, low);
  try {
    for (let position = low; position < high; ) {
      const batch = await reader.next(waitMs);
      for (const { value } of batch?.records ?? []) if (value !== null && isAboutSource(value)) take(known, value);
      position = batch?.nextOffset ?? position;
    }
  } finally {
    await reader.close();
  }
  return known;
}

function take(known: Map<string, KnownSource>, value: Uint8Array): void {
  const message = decodeMessage(value);
  if (message.type !== 'watermark' && message.type !== 'idle') return;
  const { source, position } = message;
  const generation = generationOf(source);
  const key = sourceKey(source);
  const before = known.get(key) ?? { generation, position: 0, watermarkMs: null };
  if (before.generation > generation) return;
  const watermarkMs = laterOf(before.watermarkMs, message.watermarkMs === earliestWatermarkMs ? null : message.watermarkMs);
  // Event time goes on in another log, offsets begin anew.
  known.set(key, { generation, position: before.generation === generation ? Math.max(before.position, position) : position, watermarkMs });
}
