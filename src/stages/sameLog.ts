/** Whether a partition still holds the log that was read: its offsets alone do not tell, for a new topic may have more records than the old one had. */
import { isMarked } from '../core/summarize/recordMark.ts';
import type { RecordMark, ResumeState } from '../core/summarize/resumeState.ts';
import type { Log, OffsetRange, TopicPartition } from '../log/port.ts';

/** How long the record before a position is waited for. */
const patienceMs = 5_000;

/** By the newest record that anybody has spoken of; where retention has taken it, by the record before the commit. */
export async function isOtherLog(log: Log, at: TopicPartition, state: ResumeState, { low, high }: OffsetRange): Promise<boolean> {
  const { newest, before, idle } = state;
  const positions = [idle?.position ?? 0, newest === undefined ? 0 : newest.offset + 1];
  if (Math.max(...positions) > high) return true;
  const mark = newest !== undefined && newest.offset >= low ? newest : before;
  return mark !== null && mark.offset >= low && !(await isStillThere(log, at, mark));
}

/** Whether the log still has one of these records: then it is the one that was read, and has become shorter. */
export async function isAnyStillThere(
  log: Log,
  at: TopicPartition,
  marks: readonly (RecordMark | null | undefined)[],
  { low, high }: OffsetRange,
): Promise<boolean> {
  for (const mark of marks) if (mark && mark.offset >= low && mark.offset < high && (await isStillThere(log, at, mark))) return true;
  return false;
}

/** False only where the log holds another record at that offset; a record that compaction took away proves nothing. */
async function isStillThere(log: Log, at: TopicPartition, mark: RecordMark): Promise<boolean> {
  const reader = await log.read(at, mark.offset);
  try {
    const batch = await reader.next(patienceMs);
    const record = batch?.records.find(({ offset }) => offset >= mark.offset);
    if (record === undefined || record.offset !== mark.offset) return true;
    return isMarked(mark, record);
  } finally {
    await reader.close();
  }
}
