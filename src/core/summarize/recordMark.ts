/** How a record is recognized after a restart. */
import { murmur2 } from '../record/partitioner.ts';
import type { RecordMark } from './resumeState.ts';

/** The newest record. Its value is hashed only where a point needs it, and not kept longer: it holds a whole batch in memory. */
export interface LastRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly value: Uint8Array | null;
}

/** The mark of a record, or the mark that it already is. */
export function markOf(record: LastRecord | RecordMark | null): RecordMark | null {
  if (record === null || 'valueHash' in record) return record;
  return { offset: record.offset, timestampMs: record.timestampMs, valueHash: hashOfValue(record.value) };
}

/** Whether this is the record that the mark was made of; both stand at the same offset. */
export function isMarked(mark: RecordMark, { timestampMs, value }: LastRecord): boolean {
  return timestampMs === mark.timestampMs && hashOfValue(value) === mark.valueHash;
}

/** Hash of a record's value as `RecordMark` holds it. */
function hashOfValue(value: Uint8Array | null): number {
  return value === null ? 0 : murmur2(value);
}
