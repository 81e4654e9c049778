/** Where a newly assigned source partition begins: at its commit if that still fits the log, else as the settings say, loudly. */
import { requireHop } from '../core/configHash.ts';
import type { Logger } from '../core/logger.ts';
import type { CoreSettings } from '../core/settings.ts';
import type { SummarizerStart } from '../core/summarize/past.ts';
import { hashOfValue } from '../core/summarize/recordMark.ts';
import { parseResumeState, type RecordMark } from '../core/summarize/resumeState.ts';
import type { Commit, Log, TopicPartition } from '../log/port.ts';

/** Where the first start begins: an end of the log, or the first record of a time (epoch ms). */
export type FirstStart = 'earliest' | 'latest' | number;

/** How long the record before a resume point is waited for. */
const patienceMs = 5_000;

export interface StartQuestion {
  readonly log: Log;
  readonly logger: Logger;
  readonly at: TopicPartition;
  readonly firstStart: FirstStart;
  /** What the group has committed for each partition of the topic. */
  readonly commits: readonly (Commit | null)[];
  readonly settings: CoreSettings;
  /** `cellConfigHash(settings)`. */
  readonly configHash: string;
}

export interface StartAnswer {
  readonly start: SummarizerStart;
  /** Partitions of the topic when the group first read it. */
  readonly firstPartitions: number;
}

/** Rejects with `ConfigError` where the group has summarized with another hop. */
export async function findStart({ log, logger, at, firstStart, commits, settings, configHash }: StartQuestion): Promise<StartAnswer> {
  const { low, high } = await log.offsets(at);
  const states = commits.map((commit) => (commit === null ? null : parseResumeState(commit.metadata)));
  for (const state of states) requireHop(settings, state?.configHash ?? null);
  const firstPartitions = Math.min(commits.length, ...states.flatMap((state) => (state === null ? [] : [state.firstPartitions])));
  const answer = (start: SummarizerStart): StartAnswer => ({ start, firstPartitions });
  const commit = commits[at.partition] ?? null;
  if (commit === null) {
    const isNew = at.partition >= firstPartitions;
    return answer(outset(isNew ? low : await firstOffset(log, at, firstStart, { low, high })));
  }
  const facts = { ...at, committed: commit.offset, low, high };
  const state = states[at.partition] ?? null;
  if (commit.offset > high) {
    logger.error(
      facts,
      'The committed position lies behind the end of the topic, which was recreated or cut: reading it from its beginning',
    );
    return answer(outset(low));
  }
  if (commit.offset < low) {
    const isCovered = state?.idle !== null && state?.idle !== undefined && low <= state.idle.position;
    if (isCovered) logger.info(facts, 'Retention has passed over a partition that was idle: nothing was lost');
    if (state === null) {
      logger.error(
        { ...facts, lost: low - commit.offset },
        'The committed position lies before the first record and was not written by this program: reading from the first record',
      );
      return answer(outset(low));
    }
    if (isCovered) return answer({ kind: 'gap', offset: low, state });
    const from = Math.max(commit.offset, state.idle?.position ?? commit.offset);
    return answer({ kind: 'gap', offset: low, state, lost: { cause: 'retention', from, to: low } });
  }
  if (state === null) {
    logger.warn(facts, 'The committed position was not written by this program: the panes that are open there stay incomplete');
    return answer(outset(commit.offset));
  }
  if (state.before !== null && state.before.offset >= low && !(await isStillThere(log, at, state.before))) {
    logger.error(
      { ...facts, expected: state.before },
      'Another record stands where the committed position was: the topic was recreated, reading it from its beginning',
    );
    return answer(outset(low));
  }
  if (state.configHash !== configHash)
    logger.info(facts, 'What a cell means has changed since the last commit: open panes are summarized anew');
  return answer({ kind: 'resume', offset: commit.offset, state });
}

/** Offset 0 is the beginning: nothing was before. Before any other there was something. */
function outset(offset: number): SummarizerStart {
  return { kind: offset === 0 ? 'beginning' : 'middle', offset };
}

function firstOffset(log: Log, at: TopicPartition, firstStart: FirstStart, range: { low: number; high: number }): Promise<number> | number {
  if (firstStart === 'earliest') return range.low;
  return firstStart === 'latest' ? range.high : log.offsetAtTime(at, firstStart);
}

/** False only where the log holds another record at that offset; a record that compaction took away proves nothing. */
async function isStillThere(log: Log, at: TopicPartition, mark: RecordMark): Promise<boolean> {
  const reader = await log.read(at, mark.offset);
  try {
    const batch = await reader.next(patienceMs);
    const record = batch?.records.find(({ offset }) => offset >= mark.offset);
    if (record === undefined || record.offset !== mark.offset) return true;
    return record.timestampMs === mark.timestampMs && hashOfValue(record.value) === mark.valueHash;
  } finally {
    await reader.close();
  }
}
