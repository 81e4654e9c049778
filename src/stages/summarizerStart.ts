/** Where a newly assigned source partition begins: at its commit if that still fits the log, else as the settings say, loudly. */
import { requireHop } from '../core/configHash.ts';
import type { Logger } from '../core/logger.ts';
import type { CoreSettings } from '../core/settings.ts';
import type { Loss, LossCause, SourceRole } from '../core/summarize/messages.ts';
import { latenessOf, type SummarizerStart, seenBefore } from '../core/summarize/past.ts';
import { parseResumeState, type ResumeState } from '../core/summarize/resumeState.ts';
import type { Commit, Log, OffsetRange, TopicPartition } from '../log/port.ts';
import type { KnownSource } from './knownSources.ts';
import { isAnyStillThere, isOtherLog } from './sameLog.ts';

/** Where the first start begins: an end of the log, or the first record of a time (epoch ms). */
export type FirstStart = 'earliest' | 'latest' | number;

export interface StartQuestion {
  readonly log: Log;
  readonly logger: Logger;
  readonly at: TopicPartition;
  readonly role: SourceRole;
  readonly firstStart: FirstStart;
  /** What the group has committed for each partition of the topic. */
  readonly commits: readonly (Commit | null)[];
  readonly settings: CoreSettings;
  /** `cellConfigHash(settings)`. */
  readonly configHash: string;
  /** What `partials` says of the partition; asked where the commit says nothing. */
  readonly known: () => Promise<KnownSource | null>;
  /** Position at which the log was found to be another one while it was read; null where that did not happen. */
  readonly leftAt: number | null;
}

export interface StartAnswer {
  readonly start: SummarizerStart;
  /** Of the log that stands there now (`SourcePartition`). */
  readonly generation: number;
  /** Partitions of the topic when the group first read it. */
  readonly firstPartitions: number;
}

/** What the rules are asked with. */
interface Situation extends StartQuestion {
  readonly range: OffsetRange;
  readonly firstPartitions: number;
}

type Beginning = Omit<StartAnswer, 'firstPartitions'>;

/** Rejects with `ConfigError` where the group has summarized with another hop. */
export async function findStart(question: StartQuestion): Promise<StartAnswer> {
  const { log, at, commits, settings } = question;
  const range = await log.offsets(at);
  const states = commits.map((commit) => (commit === null ? null : parseResumeState(commit.metadata)));
  for (const state of states) requireHop(settings, state?.configHash ?? null);
  const firstPartitions = Math.min(commits.length, ...states.flatMap((state) => (state === null ? [] : [state.firstPartitions])));
  const situation: Situation = { ...question, range, firstPartitions };
  const commit = commits[at.partition] ?? null;
  const state = states[at.partition] ?? null;
  const beginning = commit === null || state === null ? await withoutState(situation, commit) : await withState(situation, commit, state);
  return { ...beginning, firstPartitions };
}

/** First start, a new partition, or commits that an operator has deleted or moved, or that Kafka deleted with their topic. */
async function withoutState(situation: Situation, commit: Commit | null): Promise<Beginning> {
  const { log, logger, at, firstStart, firstPartitions, leftAt } = situation;
  const known = await situation.known();
  const generation = known?.generation ?? 0;
  const position = leftAt ?? known?.position ?? null;
  // Partials may know of records that came after the range was asked for.
  const range = position !== null && position > situation.range.high ? await log.offsets(at) : situation.range;
  const { low, high } = range;
  if (position !== null && (leftAt !== null || position > high))
    return anew({ ...situation, range }, 'recreated', position, null, generation + 1);
  if (commit === null) {
    const isNew = at.partition >= firstPartitions;
    // Where nothing was there and nothing is, nothing can be passed over.
    if (known !== null && (known.position > 0 || high > 0))
      logger.error(
        { ...at, ...range, read: position, start: firstStart },
        'The committed position was deleted, for partials say that this partition was read: beginning as kafka.start says. What is passed over is reported as lost',
      );
    return { start: outset(situation, isNew ? low : await firstOffset(log, at, firstStart, range), known), generation };
  }
  const facts = { ...at, committed: commit.offset, low, high, read: position };
  if (commit.offset > high) {
    logger.error(
      facts,
      'The committed position lies behind the end of the topic and was not written by this program: reading from the end',
    );
    return { start: outset(situation, high, known), generation };
  }
  if (commit.offset < low) {
    logger.error(
      facts,
      'The committed position lies before the first record and was not written by this program: reading from the first record',
    );
    return { start: outset(situation, low, known), generation };
  }
  logger.warn(
    facts,
    'The committed position was not written by this program: the panes that are open there stay incomplete. What is passed over is reported as lost, what was read before is not counted again',
  );
  return { start: outset(situation, commit.offset, known), generation };
}

async function withState(situation: Situation, commit: Commit, state: ResumeState): Promise<Beginning> {
  const { log, logger, at, range, settings, configHash, leftAt } = situation;
  const { low, high } = range;
  const generation = state.generation ?? 0;
  if (leftAt !== null || (state.offset ?? commit.offset) > high || (await isOtherLog(log, at, state, range))) {
    const isBeginningSame = await isAnyStillThere(log, at, [state.newest, state.before], range);
    const position = leftAt ?? Math.max(commit.offset, state.idle?.position ?? 0);
    if (!isBeginningSame) return anew(situation, 'recreated', position, state, generation + 1);
    // What an idle flush or the end of the reading has written must not be counted again; what was open only has been lost by the process.
    const isWritten = leftAt !== null || (state.idle !== null && state.idle.position > commit.offset);
    if (isWritten) return anew(situation, 'truncated', position, state, generation + 1);
    const offset = Math.min(commit.offset, high);
    tellOther(situation, 'truncated', offset);
    const { newest: _, ...kept } = state;
    return {
      start: { kind: 'resume', offset, state: { ...kept, idle: null, lost: nothing('truncated', offset) } },
      generation: generation + 1,
    };
  }
  const facts = { ...at, committed: commit.offset, low, high };
  if (state.offset !== undefined && state.offset !== commit.offset) {
    logger.error(
      { ...facts, wasAt: state.offset },
      'The committed position was moved by somebody who kept the metadata: the panes that are open there stay incomplete. What is passed over is reported as lost, what was read before is not counted again',
    );
    const offset = Math.min(Math.max(commit.offset, low), high);
    if (offset <= state.offset)
      return { start: startAt(offset, { lost: null, mostMs: seenBefore(state, latenessOf(situation.role, settings.window)) }), generation };
    return { start: { kind: 'gap', offset, state, lost: { cause: 'reset', from: state.offset, to: offset } }, generation };
  }
  if (commit.offset < low) {
    const writtenTo = state.idle?.position ?? commit.offset;
    if (low <= writtenTo) {
      logger.info(facts, 'Retention has passed over a partition that was idle: nothing was lost');
      return { start: { kind: 'gap', offset: low, state }, generation };
    }
    const lost: Loss = { cause: 'retention', from: Math.max(commit.offset, writtenTo), to: low };
    return { start: { kind: 'gap', offset: low, state, lost }, generation };
  }
  if (state.configHash !== configHash)
    logger.info(facts, 'What a cell means has changed since the last commit: open panes are summarized anew');
  return { start: { kind: 'resume', offset: commit.offset, state }, generation };
}

/** In another log than the one that was read up to `position`: a new topic from its beginning, one that became shorter from its end. */
function anew(
  situation: Situation,
  cause: 'recreated' | 'truncated',
  position: number,
  state: ResumeState | null,
  generation: number,
): Beginning {
  const { low, high } = situation.range;
  const offset = cause === 'recreated' ? low : Math.min(high, position);
  tellOther(situation, cause, offset);
  return { start: { kind: 'anew', offset, state, isWhole: offset === 0, lost: nothing(cause, position) }, generation };
}

const words = {
  recreated:
    'Another log stands where this partition was read: the topic was created anew. Reading it from its beginning; what was left of the old one is lost',
  truncated:
    'The log of this partition has become shorter than what was read: Kafka has lost records that it had acknowledged (an unclean leader election?). Reading on from its end; ' +
    'look at the brokers, and at unclean.leader.election.enable',
};

function tellOther({ logger, at, range }: Situation, cause: 'recreated' | 'truncated', from: number): void {
  logger.error({ ...at, ...range, from }, words[cause]);
}

/** A loss of which only the fact is known. */
function nothing(cause: LossCause, offset: number): Loss {
  return { cause, from: offset, to: offset };
}

/** At an offset whose past no commit tells; what lies behind the position that `partials` speaks of is passed over. */
function outset({ role, settings }: Situation, offset: number, known: KnownSource | null): SummarizerStart {
  const isPassedOver = known !== null && known.position < offset;
  return startAt(offset, {
    lost: isPassedOver ? { cause: 'reset', from: known.position, to: offset } : null,
    mostMs: isPassedOver || known === null || known.watermarkMs === null ? null : known.watermarkMs + latenessOf(role, settings.window),
  });
}

/** Offset 0 is the beginning: nothing was before. Before any other there was something. */
function startAt(offset: number, { lost, mostMs }: { readonly lost: Loss | null; readonly mostMs: number | null }): SummarizerStart {
  if (offset === 0) return { kind: 'beginning', offset };
  return { kind: 'middle', offset, ...(lost === null ? {} : { lost }), ...(mostMs === null ? {} : { mostMs }) };
}

function firstOffset(log: Log, at: TopicPartition, firstStart: FirstStart, range: OffsetRange): Promise<number> | number {
  if (firstStart === 'earliest') return range.low;
  return firstStart === 'latest' ? range.high : log.offsetAtTime(at, firstStart);
}
