/**
 * Summarize: from the topics of an inference stack to `partials`. One loop reads all assigned partitions, always on from the prediction partition with the
 * lowest watermark, so that no partition runs ahead and detect holds few panes open.
 *
 * What makes "counted exactly once" true is the order of the writes: the partials up to a position, their acknowledgement, the watermark records, their
 * acknowledgement, and only then the commit of the resume point. A crash between any two repeats the same bytes.
 */
import { setImmediate } from 'node:timers/promises';
import { cellConfigHash } from '../core/configHash.ts';
import { ConfigError, DependencyError } from '../core/errors.ts';
import { type InternalTopics, internalTopics } from '../core/incident/topics.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { partitionOf } from '../core/record/partitioner.ts';
import type { CoreSettings } from '../core/settings.ts';
import { encodeMessage } from '../core/summarize/codec.ts';
import { anyModel, type PartialsMessage } from '../core/summarize/messages.ts';
import { PartitionSummarizer } from '../core/summarize/partitionSummarizer.ts';
import { splitPartial } from '../core/summarize/parts.ts';
import { jsonDecoder } from '../formats/json.ts';
import { partitionKey } from '../log/partitionKey.ts';
import type { Clock, Commit, Log, Member, OutgoingRecord, OwnedPartition, TopicPartition } from '../log/port.ts';
import { type Beginning, Beginnings, type Source } from './beginnings.ts';
import { nextToRead } from './nextToRead.ts';
import { Pace } from './pace.ts';
import { progressOf, type StageProgress } from './progress.ts';
import { answerKey, Questions } from './questions.ts';
import { Setback } from './setback.ts';
import type { FirstStart } from './summarizerStart.ts';
import { type OnGap, SummarizeTask, tellStop, type Writing } from './summarizeTask.ts';

/** Records that are summarized before others get their turn on the event loop: some milliseconds. */
const sliceSize = 500;
/** Longest sleep of the loop where nothing can be read. */
const pauseMs = 250;
/** Pause after something outside has failed. */
const retryPauseMs = 1_000;
/** Longest pause between two attempts to write: what a topic takes of them it takes again each time. Shorter than the time that a stop is given. */
const longestRetryPauseMs = 8_000;

export interface SummarizeOptions {
  readonly log: Log;
  readonly settings: CoreSettings;
  /** `kafka.start`: where a group begins that has committed nothing. */
  readonly start: FirstStart;
  /** `kafka.onGap`: whether a partition is read on behind records that were lost. Default: it is. */
  readonly onGap?: OnGap;
  /** `deadLetters.maxShare`. */
  readonly deadLetterShare: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Time between commits of a partition that moves. Default: 1 s. */
  readonly commitEveryMs?: number;
  /** Lets others have the event loop between slices. Default: one turn of it. */
  readonly breathe?: () => Promise<unknown>;
}

export class SummarizeStage {
  readonly #options: SummarizeOptions;
  readonly #topics: InternalTopics;
  readonly #configHash: string;
  /** By topic. */
  readonly #sources: ReadonlyMap<string, Source>;
  readonly #breathe: () => Promise<unknown>;
  readonly #pace: Pace;
  readonly #tasks = new Map<string, SummarizeTask>();
  /** Partitions that were not taken up, because records were lost at their start. */
  #refused: readonly OwnedPartition[] = [];
  /** Where the log of an assigned partition was found to be another one, until it has been begun anew. */
  readonly #left = new Map<string, { readonly since: number; readonly position: number }>();
  #epoch = -1;
  /** The newest assignment that the log tells of: taking it up may need several tries. */
  #announcedEpoch = -1;
  /** When what could not be taken up is tried again. */
  #takeUpAtMs = Number.NEGATIVE_INFINITY;
  /** Null before the group has taken the stage in. */
  #assigned: readonly OwnedPartition[] | null = null;
  readonly #writing: Setback;
  readonly #committing: Setback;
  readonly #beginnings: Beginnings;
  readonly #ends: Questions<number>;
  #partialsPartitions = 0;
  #deadLetterPartitions = 0;
  #committedAtMs = Number.NEGATIVE_INFINITY;
  #idleCheckedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SummarizeOptions) {
    this.#options = options;
    this.#topics = internalTopics(options.settings.group);
    this.#configHash = cellConfigHash(options.settings);
    this.#sources = sourcesOf(options.settings);
    this.#breathe = options.breathe ?? setImmediate;
    const { log, clock, logger, metrics, settings } = options;
    const predictionTopics = settings.predictions.map(({ topic }) => topic);
    this.#pace = new Pace({ log, clock, logger, metrics, window: settings.window, predictionTopics });
    this.#writing = new Setback(options.clock, options.logger);
    this.#committing = new Setback(options.clock, options.logger);
    this.#beginnings = new Beginnings({
      log,
      clock,
      logger,
      settings,
      firstStart: options.start,
      configHash: this.#configHash,
      partials: this.#topics.partials,
      sources: this.#sources,
    });
    this.#ends = new Questions(
      clock,
      logger,
      'The end of an idle partition could not be asked for: it is not told as idle meanwhile, others are read on',
    );
  }

  /** A partition that is stopped counts as taken up here: see `stoppedPartitions`. */
  get progress(): StageProgress {
    const refused = new Set(this.#refused.map(partitionKey));
    return progressOf(this.#assigned, (own) => this.#tasks.has(partitionKey(own)) || refused.has(partitionKey(own)));
  }

  /** Source partitions that are not read on because records were lost (`kafka.onGap: stop`). */
  get stoppedPartitions(): readonly TopicPartition[] {
    return [...this.#refused, ...[...this.#tasks.values()].flatMap((task) => (task.isStopped ? [task.at] : []))];
  }

  /**
   * Summarizes until the signal says stop; then writes what is due, commits and leaves the group. Rejects with what the log rejects with at the
   * start (`DependencyError` where a topic does not exist); later failures are retried.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { log, settings, clock } = this.#options;
    this.#partialsPartitions = await log.partitionCount(this.#topics.partials);
    this.#deadLetterPartitions = await log.partitionCount(this.#topics.deadLetters);
    const member = await log.join({ group: settings.group, topics: [...this.#sources.keys()] });
    try {
      while (!signal.aborted) {
        await this.#follow(member, signal);
        const next = nextToRead(this.#tasks.values(), member, settings.window);
        if (next?.isLossUnconfirmed === true) await this.#commit(member, 0);
        const isReady = next !== null && !next.isLossUnconfirmed;
        const task = isReady && (await this.#pace.allows(member, next, this.#tasks)) ? next : null;
        if (task !== null) {
          await this.#write(member, task, task.readSlice(sliceSize, clock.nowMs()), signal);
          await this.#breathe();
        }
        await this.#leaveChanged(member, signal);
        await this.#tellIdle(member, signal);
        await this.#commit(member, task?.isAtChunkEnd === true ? 0 : (this.#options.commitEveryMs ?? 1_000));
        if (task === null && !signal.aborted && member.assignment().epoch === this.#announcedEpoch) await member.wait(pauseMs);
      }
      await this.#commit(member, 0);
    } finally {
      this.#tasks.clear();
      await member.leave();
    }
  }

  /** Takes up what was assigned and drops what was taken away; partitions that stayed keep their state. */
  async #follow(member: Member, signal: AbortSignal): Promise<void> {
    const { epoch, partitions } = member.assignment();
    if (epoch === this.#epoch || (epoch === this.#announcedEpoch && this.#options.clock.nowMs() < this.#takeUpAtMs)) return;
    this.#assigned = partitions;
    const { clock, logger, metrics, settings } = this.#options;
    for (const [key, task] of this.#tasks) {
      if (!partitions.some((own) => partitionKey(own) === key && own.since === task.at.since)) this.#tasks.delete(key);
    }
    this.#refused = this.#refused.filter((old) =>
      partitions.some((own) => partitionKey(own) === partitionKey(old) && own.since === old.since),
    );
    const known = new Set([...this.#tasks.keys(), ...this.#refused.map(partitionKey)]);
    const added = partitions.filter((own) => this.#sources.has(own.topic) && !known.has(partitionKey(own)));
    metrics.set('tidemark_group_epoch', { group: settings.group }, epoch);
    metrics.set('tidemark_partitions_assigned', { group: settings.group }, partitions.length);
    if (epoch !== this.#announcedEpoch)
      logger.info(
        { epoch, partitions: partitions.length, added: added.map(partitionKey) },
        'Partitions were assigned to the summarize stage',
      );
    this.#announcedEpoch = epoch;
    const isWanted = () => !signal.aborted && member.assignment().epoch === epoch;
    const isAll = await this.#takeUp(
      member,
      new Set(partitions.map(({ topic }) => topic).filter((topic) => this.#sources.has(topic))),
      added,
      isWanted,
    );
    if (isAll && isWanted()) this.#epoch = epoch;
    this.#takeUpAtMs = clock.nowMs() + retryPauseMs;
  }

  /** Begins with those of which it is known where; true where these were all. What nobody answers for holds up no other: it is tried again later. */
  async #takeUp(member: Member, topics: ReadonlySet<string>, added: readonly OwnedPartition[], isWanted: () => boolean): Promise<boolean> {
    const { counts, found } = await this.#beginnings.find(member, topics, added, (at) => {
      const left = this.#left.get(partitionKey(at));
      return left?.since === at.since ? left.position : null;
    });
    if (!isWanted()) return false;
    for (const task of this.#tasks.values()) {
      const partitions = counts.get(task.at.topic);
      if (partitions !== undefined) task.summarizer.setPartitions(partitions);
    }
    for (const [at, beginning] of found) this.#begin(member, at, beginning);
    // At once: a first start at the end of the topic must not begin at a later end after a crash.
    if (found.size > 0) await this.#commit(member, 0);
    return counts.size === topics.size && found.size === added.length;
  }

  #begin(
    member: Member,
    at: OwnedPartition,
    { role, source: topicSource, partitions, commits, start, generation, firstPartitions }: Beginning,
  ): void {
    const { settings, metrics, logger, clock, deadLetterShare, onGap = 'continue' } = this.#options;
    this.#left.delete(partitionKey(at));
    const lost = start.kind === 'gap' ? (start.lost ?? null) : null;
    if (lost !== null && onGap === 'stop') {
      tellStop({ metrics, logger }, at, lost);
      this.#refused = [...this.#refused, at];
      return;
    }
    const place = { role, topic: at.topic, partition: at.partition };
    const source = generation === 0 ? place : { ...place, generation };
    const summarizer = new PartitionSummarizer({ settings, source, partitions, firstPartitions, configHash: this.#configHash, start });
    const task = new SummarizeTask({
      at,
      summarizer,
      decode: jsonDecoder(topicSource, role),
      metrics,
      logger,
      deadLetterShare,
      deadLetters: { topic: this.#topics.deadLetters, partitions: this.#deadLetterPartitions },
      nowMs: clock.nowMs(),
      onGap,
      committed: commits[at.partition] ?? null,
      lost,
    });
    member.start(at, start.offset);
    this.#tasks.set(partitionKey(at), task);
    logger.info({ ...source, from: start.offset, kind: start.kind }, 'Summarizing a partition');
  }

  /** Writes what was read of logs that are not there any more, and has their partitions taken up again. */
  async #leaveChanged(member: Member, signal: AbortSignal): Promise<void> {
    for (const task of [...this.#tasks.values()]) {
      if (!task.isLogChanged) continue;
      await this.#write(member, task, task.leave(this.#options.clock.nowMs()), signal);
      const key = partitionKey(task.at);
      if (this.#tasks.delete(key)) this.#left.set(key, { since: task.at.since, position: task.summarizer.position });
      this.#epoch = -1;
      this.#takeUpAtMs = Number.NEGATIVE_INFINITY;
    }
  }

  /** Says of partitions that have got nothing new for `idleAfter` that they are idle, if the log really has nothing more. */
  async #tellIdle(member: Member, signal: AbortSignal): Promise<void> {
    const { clock, log, settings, metrics } = this.#options;
    const { idleAfterMs } = settings.window;
    const nowMs = clock.nowMs();
    if (nowMs - this.#idleCheckedAtMs < Math.min(1_000, idleAfterMs / 4)) return;
    this.#idleCheckedAtMs = nowMs;
    let cells = 0;
    for (const task of this.#tasks.values()) {
      cells += task.summarizer.cellCount;
      const { watermarkMs } = task.summarizer;
      const { topic, partition } = task.at;
      if (watermarkMs !== null) metrics.set('tidemark_watermark_lag_seconds', { topic, partition }, (nowMs - watermarkMs) / 1000);
    }
    metrics.set('tidemark_open_cells', {}, cells);
    metrics.set('tidemark_source_partitions_stopped', {}, this.stoppedPartitions.length);
    const due = [...this.#tasks.values()].filter((task) => !task.hasRecords(member) && task.isIdleDue(nowMs, idleAfterMs));
    const ends = await this.#ends.ask(
      due.map(({ at }) => at),
      async (at) => (await log.offsets(at)).high,
    );
    for (const task of due) {
      const isAtEnd = () => ends.get(answerKey(task.at)) === task.summarizer.position && !task.hasRecords(member);
      if (!signal.aborted && this.#isCurrent(member, task) && isAtEnd())
        await this.#write(member, task, task.tellIdle(clock.nowMs()), signal);
    }
  }

  /** Writes step by step, each acknowledged before the next. Tries until it succeeds, or the partition is no longer ours, or the signal says stop. */
  async #write(member: Member, task: SummarizeTask, writing: Writing, signal: AbortSignal): Promise<void> {
    const { log, metrics, clock } = this.#options;
    const [partials = [], ...later] = writing.steps;
    const steps = [
      [...writing.letters, ...partials.flatMap((message) => this.#recordsOf(message))],
      ...later.map((step) => step.flatMap((message) => this.#recordsOf(message))),
    ];
    for (const records of steps) {
      if (records.length === 0) continue;
      for (let isWritten = false, pauseAfterMs = retryPauseMs; !isWritten; pauseAfterMs = Math.min(longestRetryPauseMs, 2 * pauseAfterMs)) {
        try {
          await log.produce(records);
          isWritten = true;
          this.#writing.passed('partials', 'Partials are written again');
        } catch (error) {
          if (!(error instanceof DependencyError)) throw error;
          this.#writing.failed(
            'partials',
            { error, topic: this.#topics.partials },
            'Partials could not be written: trying again; nothing is read or committed meanwhile',
          );
          if (!signal.aborted) await clock.sleep(pauseAfterMs);
          // What was drained is lost with the task: it is read again from the commit.
          if (signal.aborted || !this.#isCurrent(member, task)) {
            this.#tasks.delete(partitionKey(task.at));
            return;
          }
        }
      }
    }
    if (partials.length > 0) metrics.count('tidemark_partials_written_total', { topic: task.at.topic }, partials.length);
  }

  /** The records that carry a message: a partial goes to the partition of its model, what concerns every model to all. */
  #recordsOf(message: PartialsMessage): OutgoingRecord[] {
    const topic = this.#topics.partials;
    if (message.type === 'partial' && message.model !== anyModel) {
      const partition = partitionOf(message.model, this.#partialsPartitions);
      return splitPartial(message).map((value) => ({ topic, partition, key: message.model, value }));
    }
    const key = message.type === 'partial' ? message.model : null;
    const values = message.type === 'partial' ? splitPartial(message) : [encodeMessage(message)];
    return Array.from({ length: this.#partialsPartitions }, (_, partition) =>
      values.map((value) => ({ topic, partition, key, value })),
    ).flat();
  }

  /** Commits the resume points that have moved; everything before them is written. */
  async #commit(member: Member, everyMs: number): Promise<void> {
    const { clock, metrics, settings } = this.#options;
    const nowMs = clock.nowMs();
    if (nowMs - this.#committedAtMs < everyMs) return;
    this.#committedAtMs = nowMs;
    const due: { readonly task: SummarizeTask; readonly commit: Commit }[] = [];
    for (const task of this.#tasks.values()) {
      const commit = this.#isCurrent(member, task) ? task.dueCommit() : null;
      if (commit !== null) due.push({ task, commit });
    }
    if (due.length === 0) return;
    try {
      await member.commit(due.map(({ commit }) => commit));
      for (const { task, commit } of due) task.wasCommitted(commit);
      this.#committing.passed('commit', 'Commits are taken again');
    } catch (error) {
      // Nothing is lost: what is not committed is read again, by us or by the next owner.
      metrics.count('tidemark_commit_failures_total', { group: settings.group });
      this.#committing.failed('commit', { error }, 'A commit was refused: what is not committed would be read again after a crash');
    }
  }

  #isCurrent(member: Member, task: SummarizeTask): boolean {
    return member.assignment().partitions.some((own) => partitionKey(own) === partitionKey(task.at) && own.since === task.at.since);
  }
}

function sourcesOf(settings: CoreSettings): ReadonlyMap<string, Source> {
  const sources = new Map<string, Source>();
  for (const source of settings.predictions) sources.set(source.topic, { role: 'predictions', source });
  for (const source of settings.feedback) {
    if (sources.has(source.topic))
      throw new ConfigError(
        `feedback: the topic "${source.topic}" is a predictions topic as well; labels that come with predictions need no entry here`,
      );
    sources.set(source.topic, { role: 'feedback', source });
  }
  return sources;
}
