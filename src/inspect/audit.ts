/**
 * Are the offsets of the source topics covered? Every watermark record says up to which position all records are in acknowledged partials, and
 * where the one before it stood. Where a record begins beyond everything known, offsets between are in no partial.
 */
import { InputError } from '../core/errors.ts';
import { decodeMessage } from '../core/summarize/codec.ts';
import { generationOf, type SourcePartition, sourceKey } from '../core/summarize/messages.ts';
import type { Log } from '../log/port.ts';
import { scan } from './scan.ts';

/** What `partials` says of one source partition. */
export interface Coverage {
  readonly source: SourcePartition;
  /** Covered offsets `[from, to)`, less the gaps. */
  readonly from: number;
  readonly to: number;
  readonly gaps: readonly (readonly [from: number, to: number])[];
  readonly watermarkMs: number;
}

export interface Audit {
  readonly coverage: readonly Coverage[];
  /** Records read of every kind, of all partitions of `partials`. */
  readonly records: Readonly<Record<'partial' | 'part' | 'watermark' | 'idle' | 'command' | 'unreadable', number>>;
}

/** Reads the whole `partials` topic. Watermark records stand in every partition; those of partition 0 are followed. */
export async function auditPartials(log: Log, topic: string): Promise<Audit> {
  const records = { partial: 0, part: 0, watermark: 0, idle: 0, command: 0, unreadable: 0 };
  const coverage = new Map<string, Coverage>();
  const count = await log.partitionCount(topic);
  for (let partition = 0; partition < count; partition += 1) {
    for await (const { value } of scan(log, { topic, partition }, 0)) {
      if (value === null) continue;
      const message = decoded(value);
      records[message?.type ?? 'unreadable'] += 1;
      if (partition !== 0 || message?.type !== 'watermark') continue;
      const { source, position, previous, watermarkMs } = message;
      const key = `${sourceKey(source)}/${generationOf(source)}`;
      const before = coverage.get(key);
      coverage.set(
        key,
        extended(before ?? { source, from: previous, to: previous, gaps: [], watermarkMs }, position, previous, watermarkMs),
      );
    }
  }
  const sorted = [...coverage.values()].sort((left, right) => (sourceKey(left.source) < sourceKey(right.source) ? -1 : 1));
  return { coverage: sorted, records };
}

/** Repetitions and zombies say again what is known; only what begins beyond it leaves a gap. */
function extended(before: Coverage, position: number, previous: number, watermarkMs: number): Coverage {
  const gaps = previous > before.to ? [...before.gaps, [before.to, previous] as const] : before.gaps;
  return { ...before, to: Math.max(before.to, position), gaps, watermarkMs: Math.max(before.watermarkMs, watermarkMs) };
}

function decoded(value: Uint8Array): ReturnType<typeof decodeMessage> | null {
  try {
    return decodeMessage(value);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
