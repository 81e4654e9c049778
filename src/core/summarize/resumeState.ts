/**
 * What a restart must know to judge every record as before: the metadata of a commit (docs/design/protocol.md, Restart). A few hundred bytes of JSON, far below the 4,096 that a broker
 * takes; one place for its version.
 */
import { type Loss, lossCauses } from './messages.ts';

const metadataVersion = 1;

/** The record just before a position: if the log holds another one there, the topic is not the one that was read. */
export interface RecordMark {
  readonly offset: number;
  readonly timestampMs: number;
  /** 32-bit murmur2 of the value; 0 for a tombstone and where values are not at hand. */
  readonly valueHash: number;
}

/** How event time goes on while no record moves it: from here, with the Kafka timestamps. */
export interface EventPace {
  /** Kafka timestamp of the newest record that was in time, or of the first one where none was. */
  readonly atMs: number;
  /** Largest event time then; that Kafka timestamp where there is none. */
  readonly timeMs: number;
}

/** Where a reader began in the middle of the log, not knowing what was before. */
export interface UnknownPast {
  readonly fromOffset: number;
  /** Panes that start before it may have had records before `fromOffset`; null while no record has told. */
  readonly untilMs: number | null;
}

export interface ResumeState {
  /** Largest event time (feedback: arrival) before the resume point; null before there is one. */
  readonly maxTimeMs: number | null;
  /** End of the last closed pane as of the commit: what lies in panes up to it is neither counted nor written again. */
  readonly closedUntilMs: number | null;
  /** The last idle flush: its partials hold everything up to `position`, where the largest event time was `maxTimeMs`. */
  readonly idle: { readonly position: number; readonly maxTimeMs: number | null } | null;
  readonly configHash: string;
  /** Partitions of the topic when the group first read it: a partition of a higher number is a new one, and is read from its beginning. */
  readonly firstPartitions: number;
  readonly before: RecordMark | null;
  /** As of the resume point. Absent where no record was before, and in commits of releases that did not know. */
  readonly pace?: EventPace;
  /** Not null while panes of an unknown past are open. */
  readonly unknownPast: UnknownPast | null;
  /** What was lost before the resume point, while no watermark record has told of it. */
  readonly lost?: Loss;
  /** Of the log that was read (`SourcePartition`); absent: 0. */
  readonly generation?: number;
  /** The newest record that watermark or idle records have spoken of: a log without it is another one, even where `before` is the same. */
  readonly newest?: RecordMark;
  /** The offset of the commit. Another one was moved there by somebody who kept the metadata. Absent in commits of releases that did not know. */
  readonly offset?: number;
}

/** The state as the metadata text of a commit. */
export function formatResumeState(state: ResumeState): string {
  const { idle, before, unknownPast, lost, newest, pace } = state;
  return JSON.stringify([
    metadataVersion,
    state.maxTimeMs,
    state.closedUntilMs,
    idle === null ? null : [idle.position, idle.maxTimeMs],
    state.configHash,
    state.firstPartitions,
    before === null ? null : [before.offset, before.timestampMs, before.valueHash],
    unknownPast === null ? null : [unknownPast.fromOffset, unknownPast.untilMs],
    {
      ...(state.offset === undefined ? {} : { offset: state.offset }),
      ...(state.generation ? { generation: state.generation } : {}),
      ...(lost === undefined ? {} : { lost: [lost.cause, lost.from, lost.to] }),
      ...(pace === undefined ? {} : { pace: [pace.atMs, pace.timeMs] }),
      ...(newest === undefined ? {} : { newest: [newest.offset, newest.timestampMs, newest.valueHash] }),
    },
  ]);
}

/** The state that a commit's metadata holds; null where it is none of ours (an operator's reset, another program, another version). */
export function parseResumeState(metadata: string): ResumeState | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(metadata);
  } catch {
    return null;
  }
  if (!Array.isArray(parsed) || parsed.length < 8 || parsed.length > 9 || parsed[0] !== metadataVersion) return null;
  const [, maxTimeMs, closedUntilMs, idle, configHash, firstPartitions, before, unknownPast, more]: unknown[] = parsed;
  if (!isTime(maxTimeMs) || !isTime(closedUntilMs) || typeof configHash !== 'string' || typeof firstPartitions !== 'number') return null;
  const idleState = tuple(idle, 2);
  const mark = tuple(before, 3);
  const past = tuple(unknownPast, 2);
  const rest = moreOf(more);
  if (idleState === undefined || mark === undefined || past === undefined || rest === null) return null;
  return {
    maxTimeMs,
    closedUntilMs,
    idle: idleState && { position: idleState[0] ?? 0, maxTimeMs: idleState[1] ?? null },
    configHash,
    firstPartitions,
    before: mark && markFrom(mark),
    unknownPast: past && { fromOffset: past[0] ?? 0, untilMs: past[1] ?? null },
    ...rest,
  };
}

type More = Pick<ResumeState, 'offset' | 'generation' | 'lost' | 'newest' | 'pace'>;

/** What later releases have added, by name; null where it is nothing of ours. */
function moreOf(value: unknown): More | null {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { offset, generation, lost, newest, pace }: Record<string, unknown> = { ...value };
  const loss = lost === undefined ? undefined : lossOf(lost);
  const mark = newest === undefined ? undefined : tuple(newest, 3);
  const kept = pace === undefined ? undefined : tuple(pace, 2);
  if (!isCount(offset) || !isCount(generation) || loss === null || mark === null || (newest !== undefined && mark === undefined))
    return null;
  if (kept === null || (pace !== undefined && kept === undefined)) return null;
  return {
    ...(offset === undefined ? {} : { offset }),
    ...(generation === undefined ? {} : { generation }),
    ...(loss === undefined ? {} : { lost: loss }),
    ...(mark === undefined ? {} : { newest: markFrom(mark) }),
    ...(kept === undefined ? {} : { pace: { atMs: kept[0] ?? 0, timeMs: kept[1] ?? 0 } }),
  };
}

function lossOf(value: unknown): Loss | null {
  if (!Array.isArray(value)) return null;
  const [name, from, to]: unknown[] = value;
  const cause = lossCauses.find((one) => one === name);
  return cause === undefined || typeof from !== 'number' || typeof to !== 'number' ? null : { cause, from, to };
}

function markFrom([offset, timestampMs, valueHash]: readonly (number | null)[]): RecordMark {
  return { offset: offset ?? 0, timestampMs: timestampMs ?? 0, valueHash: valueHash ?? 0 };
}

function isCount(value: unknown): value is number | undefined {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0);
}

function isTime(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isFinite(value));
}

/** A list of so many numbers, of which only the last may be null; null for null; undefined for anything else. */
function tuple(value: unknown, length: number): (number | null)[] | null | undefined {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length !== length || !value.every(isTime)) return undefined;
  return value.slice(0, -1).includes(null) ? undefined : value;
}
