/**
 * Detect: from partials to events. Each partition of `partials` has a core of its own (`core/detect`), restored from the facts in the same
 * partition of `history`.
 *
 * The order of writes is what makes a crash harmless: events, facts, `decided`, tombstones, then the commit of `partials`, never past what an
 * undecided pane needs. Whoever repeats a decision writes the same events and facts under the same ids and keys.
 *
 * What a core has decided and the log did not take cannot be decided again by that core: the partition is dropped, and after a pause restored
 * from the facts. What cannot be read, or should not be possible, stops the partition until it is assigned anew, and nothing of it is committed.
 */
import { canonicalJson } from '../core/canonicalJson.ts';
import type { Detector } from '../core/detect/detector.ts';
import type { FileBaselines } from '../core/detect/fileBaseline.ts';
import { restoreDetector } from '../core/detect/restore.ts';
import { type Step, writtenTogether } from '../core/detect/step.ts';
import type { GroupProgress } from '../core/detect/vigilance.ts';
import { ConfigError, DependencyError, InputError, InvariantError } from '../core/errors.ts';
import type { EvaluationRecord } from '../core/incident/event.ts';
import { type InternalTopics, internalTopics } from '../core/incident/topics.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { partitionOf } from '../core/record/partitioner.ts';
import type { CoreSettings } from '../core/settings.ts';
import { decodeMessage } from '../core/summarize/codec.ts';
import type { Batch, Clock, Commit, Log, LogRecord, Member, OutgoingRecord, OwnedPartition, TopicPartition } from '../log/port.ts';
import { CountsWatch } from './countsWatch.ts';
import { factRecord, readFacts } from './historyTopic.ts';
import { IncidentGauge } from './incidentGauge.ts';
import { markOfCommit, whereToBegin } from './ownCommits.ts';
import { PartsInFlight } from './partsInFlight.ts';
import { progressOf, type StageProgress } from './progress.ts';
import { Setback } from './setback.ts';

/** Longest sleep of the loop. */
const pauseMs = 500;

/** Pause before a partition is taken up again after the log refused something; it doubles, for its history is read again each time. */
const retryPauseMs = 1_000;
const longestRetryPauseMs = 32_000;

/** Partitions whose state is read back at a time. */
const takenUpAtATime = 4;

export interface DetectOptions {
  readonly log: Log;
  readonly settings: CoreSettings;
  /** Baselines of the models that have one in a file (`loadBaselines`); left out: none has. */
  readonly fileBaselines?: FileBaselines;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Gets the evaluations of each step: they are not written to a topic. */
  readonly onEvaluations?: (evaluations: readonly EvaluationRecord[]) => void;
}

/** An assigned partition of `partials`. */
interface Task {
  readonly at: TopicPartition;
  readonly since: number;
  readonly detector: Detector;
  readonly counts: CountsWatch;
  readonly parts: PartsInFlight;
  position: number;
  /** What is committed below it is done. */
  committed: number;
  /** As the group has it; null where it has none. */
  commit: Commit | null;
}

export class DetectStage {
  readonly #options: DetectOptions;
  readonly #topics: InternalTopics;
  readonly #tasks = new Map<number, Task>();
  /** Partitions that are not worked on: until a time, or (null) until they are assigned anew. */
  readonly #resting = new Map<number, { readonly since: number; readonly untilMs: number | null }>();
  /** Times in a row that the log refused something of a partition; none once a decision of it is written. */
  readonly #failures = new Map<number, number>();
  readonly #gauge: IncidentGauge;
  readonly #setback: Setback;
  #eventPartitions = 0;
  #member: Member | null = null;
  /** Null before the group has taken the stage in. */
  #assigned: readonly OwnedPartition[] | null = null;

  constructor(options: DetectOptions) {
    this.#options = options;
    this.#topics = internalTopics(options.settings.group);
    this.#gauge = new IncidentGauge(options.metrics);
    this.#setback = new Setback(options.clock, options.logger);
  }

  /** Partitions of `partials` that are stopped until somebody has corrected something: their models are not watched. */
  get stoppedPartitions(): readonly number[] {
    return [...this.#resting].filter(([, rest]) => rest.untilMs === null).map(([partition]) => partition);
  }

  /** A partition that is stopped counts as taken up here: see `stoppedPartitions`. */
  get progress(): StageProgress {
    return progressOf(this.#assigned, ({ partition }) => this.#tasks.has(partition) || this.#resting.get(partition)?.untilMs === null);
  }

  /**
   * What this worker can say of the whole group: where it owns partition 0 of `partials`, for watermarks of every source stand there and one voice is enough. Null
   * where another worker has the say, or nobody yet; `stopped` where the partition itself is.
   */
  async groupProgress(): Promise<GroupProgress | 'stopped' | null> {
    const task = this.#tasks.get(0);
    if (task === undefined || this.#member === null) return this.#resting.get(0)?.untilMs === null ? 'stopped' : null;
    const { log } = this.#options;
    const count = await log.partitionCount(this.#topics.partials);
    const places = Array.from({ length: count }, (_, partition) => ({ topic: this.#topics.partials, partition }));
    const [commits, ranges] = await Promise.all([this.#member.committed(places), Promise.all(places.map((at) => log.offsets(at)))]);
    const partitions = ranges.map(({ high }, partition) => ({ partition, committed: commits[partition]?.offset ?? null, high }));
    const { clockMs, waitingFor, isAllNew } = task.detector;
    return { clockMs, waitingFor, isAllNew, partitions };
  }

  /** Decides until the signal says stop. Rejects with `ConfigError` where the topics do not fit together. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, settings } = this.#options;
    await this.#checkLayout();
    const member = await log.join({ group: `${settings.group}-detect`, topics: [this.#topics.partials] });
    this.#member = member;
    try {
      while (!signal.aborted) {
        await this.#follow(member, signal);
        const isBusy = await this.#read(member, signal);
        if (!isBusy) await member.wait(pauseMs);
      }
      for (const task of this.#tasks.values()) await this.#commit(member, task);
    } finally {
      this.#member = null;
      for (const partition of [...this.#tasks.keys()]) this.#drop(partition);
      await member.leave();
    }
  }

  /** A partition's facts stand in the partition of `history` of the same number. */
  async #checkLayout(): Promise<void> {
    const { log } = this.#options;
    const [partials, history, events] = await Promise.all([
      log.partitionCount(this.#topics.partials),
      log.partitionCount(this.#topics.history),
      log.partitionCount(this.#topics.events),
    ]);
    this.#eventPartitions = events;
    if (partials === history) return;
    throw new ConfigError(
      `Topic "${this.#topics.history}" has ${history} partitions, "${this.#topics.partials}" has ${partials}: they must be equal. ` +
        'Stop the workers, delete both topics and create them again ("tidemark topics"); baselines are then learned anew from the source topics.',
    );
  }

  async #follow(member: Member, signal: AbortSignal): Promise<void> {
    const { epoch, partitions } = member.assignment();
    this.#assigned = partitions;
    for (const [partition, task] of this.#tasks) {
      if (!partitions.some((own) => own.partition === partition && own.since === task.since)) this.#drop(partition);
    }
    for (const partition of [...this.#failures.keys()]) {
      if (!partitions.some((own) => own.partition === partition)) this.#recovered(partition);
    }
    for (const [partition, rest] of this.#resting) {
      if (!partitions.some((own) => own.partition === partition && own.since === rest.since)) this.#resting.delete(partition);
    }
    this.#options.metrics.set('tidemark_partitions_stopped', {}, this.stoppedPartitions.length);
    const isWanted = () => !signal.aborted && member.assignment().epoch === epoch;
    const added = partitions.filter((at) => !this.#tasks.has(at.partition) && !this.#isResting(at));
    if (added.length === 0) return;
    const beganMs = this.#options.clock.nowMs();
    // Some at a time: while one waits for the brokers, another is built. Not all: each holds its facts until it is done.
    const left = added.values();
    const takeUpNext = async () => {
      for (const at of left) {
        if (!isWanted()) return;
        await this.#guard(at, signal, () => this.#takeUp(member, at, isWanted));
      }
    };
    await Promise.all(Array.from({ length: takenUpAtATime }, takeUpNext));
    if (!isWanted()) return;
    const seconds = (this.#options.clock.nowMs() - beganMs) / 1_000;
    this.#options.logger.info({ epoch, partitions: partitions.length, added: added.length, seconds }, 'Detect has taken up its partitions');
  }

  #isResting({ partition, since }: OwnedPartition): boolean {
    const rest = this.#resting.get(partition);
    if (rest === undefined || rest.since !== since) return false;
    return rest.untilMs === null || this.#options.clock.nowMs() < rest.untilMs;
  }

  #recovered(partition: number): void {
    this.#failures.delete(partition);
    this.#setback.passed(String(partition), 'What is decided is written again');
  }

  #drop(partition: number): void {
    this.#tasks.delete(partition);
    this.#gauge.set(partition, []);
  }

  /** Does something for one partition; a failure is that partition's alone. */
  async #guard(at: TopicPartition & { readonly since: number }, signal: AbortSignal, effect: () => Promise<void>): Promise<void> {
    const { logger, clock } = this.#options;
    const { topic, partition, since } = at;
    try {
      await effect();
    } catch (error) {
      if (error instanceof DependencyError) {
        this.#setback.failed(
          String(partition),
          { topic, partition, error },
          'What was decided could not be written or read back: the partition is restored from its facts and tried again; events are late meanwhile',
        );
        const failures = (this.#failures.get(partition) ?? 0) + 1;
        this.#failures.set(partition, failures);
        this.#resting.set(partition, { since, untilMs: clock.nowMs() + Math.min(longestRetryPauseMs, retryPauseMs * 2 ** (failures - 1)) });
      } else if (error instanceof InputError || error instanceof InvariantError) {
        logger.error(
          { topic, partition, error },
          `${topic}, partition ${partition} is stopped, its models are not watched: ${error.message}. Nothing of it is committed; after a correction restart the worker`,
        );
        this.#resting.set(partition, { since, untilMs: null });
        this.#options.metrics.set('tidemark_partitions_stopped', {}, this.stoppedPartitions.length);
      } else throw error;
      this.#drop(partition);
      if (error instanceof DependencyError && !signal.aborted) await clock.sleep(pauseMs);
    }
  }

  async #takeUp(member: Member, { since, ...at }: OwnedPartition, isWanted: () => boolean): Promise<void> {
    const { log, logger, settings, clock, metrics } = this.#options;
    const history = { topic: this.#topics.history, partition: at.partition };
    const beganMs = clock.nowMs();
    // The commit first: a former owner may still write facts and commit, in this order, so facts read later are never behind it.
    const [commit] = await member.committed([at]);
    const facts = await readFacts(this.#options, history, isWanted);
    if (facts === null) return;
    const partitions = await log.partitionCount(this.#topics.partials);
    const tellsOf = (model: string) => partitionOf(model, partitions) === at.partition;
    const { detector, replaced } = restoreDetector(settings, facts, this.#options.fileBaselines, tellsOf);
    if (replaced.length > 0) await log.produce(replaced.map((key) => factRecord(history, { key, value: null })));
    const { low, high } = await log.offsets(at);
    if (!isWanted()) return;
    const committed = commit?.offset ?? null;
    const { start, kind } = whereToBegin(commit ?? null, { low, high }, (detector.restoredOffset ?? -1) + 1);
    if (kind === 'moved')
      logger.error(
        { ...at, committed, low, high },
        'The committed position was moved by somebody else: reading on from the first record, so that nothing is passed over; what was decided is not decided again',
      );
    // Without a commit: a group that was away for so long that it expired, or that never was while others wrote.
    const isOther = (detector.restoredOffset ?? -1) >= high;
    if (isOther || (kind === 'first' ? low > 0 : kind === 'gone')) {
      await this.#confirm(member, commit ?? null);
      this.#tellLoss(at, detector, { committed, low, high });
    }
    metrics.observe('tidemark_restore_seconds', {}, (clock.nowMs() - beganMs) / 1_000);
    logger.debug({ ...at, facts: facts.size, start, milliseconds: clock.nowMs() - beganMs }, 'Took up a partition of partials');
    member.start(at, start);
    this.#tasks.set(at.partition, {
      at,
      since,
      detector,
      counts: new CountsWatch(at, detector, this.#options),
      parts: new PartsInFlight(),
      position: start,
      committed: start,
      commit: commit ?? null,
    });
    this.#resting.delete(at.partition);
    this.#gauge.set(at.partition, detector.openIncidents());
  }

  /**
   * Commits once more what is committed: before a loss is told, for who was frozen and has lost the partition without knowing finds lost what another has decided
   * meanwhile, and a commit is what Kafka refuses it. Rejects with `DependencyError`.
   */
  async #confirm(member: Member, commit: Commit | null): Promise<void> {
    if (commit === null) return;
    try {
      await member.commit([commit]);
    } catch (error) {
      throw new DependencyError(
        `Records of ${commit.topic}, partition ${commit.partition} seem lost, but a commit was refused, so it may be another worker's by now`,
        { cause: error },
      );
    }
  }

  /** Retention has deleted partials that were not decided: said, counted, and marked in the windows concerned. */
  #tellLoss(
    at: TopicPartition,
    detector: Detector,
    range: { readonly committed: number | null; readonly low: number; readonly high: number },
  ): void {
    const fromMs = detector.lose(range);
    const since = fromMs === null ? 'The first windows' : `Windows that end after ${new Date(fromMs).toISOString()}`;
    const lost = range.committed === null ? range.low : Math.max(1, range.low - range.committed);
    this.#options.metrics.count('tidemark_partials_lost_total', { partition: at.partition }, lost);
    this.#options.logger.error(
      { ...at, ...range },
      `${at.topic}, partition ${at.partition}: records that were not decided are gone (retention, or the topic was made anew). ${since} may miss rows and say "lost-partials". ` +
        'Going on from the first record that is there. Let topics.partialsRetention outlast the longest absence of the workers that detect',
    );
  }

  /** One round over the partitions; false where there was nothing to take. */
  async #read(member: Member, signal: AbortSignal): Promise<boolean> {
    let isBusy = false;
    for (const task of [...this.#tasks.values()]) {
      const batch = member.take(task.at);
      if (batch === null) continue;
      isBusy = true;
      await this.#guard({ ...task.at, since: task.since }, signal, () => this.#apply(member, task, batch));
    }
    return isBusy;
  }

  async #apply(member: Member, task: Task, batch: Batch): Promise<void> {
    const first = batch.records[0]?.offset ?? batch.nextOffset;
    if (batch.lostFrom !== undefined) {
      await this.#confirm(member, task.commit);
      this.#tellLoss(task.at, task.detector, { committed: batch.lostFrom, low: first, high: batch.nextOffset });
    }
    const steps: Step[] = [];
    for (const record of batch.records) {
      const step = this.#message(task, record);
      if (step !== null) steps.push(step);
    }
    task.position = batch.nextOffset;
    this.#options.metrics.set('tidemark_undecided_panes', { partition: task.at.partition }, task.detector.undecidedPanes);
    if (steps.length > 0) task.parts.forget((head) => task.detector.isDecided(head));
    task.counts.look();
    for (const group of writtenTogether(steps)) await this.#write(task, group);
    if (steps.length > 0) this.#recovered(task.at.partition);
    await this.#commit(member, task);
  }

  #message(task: Task, record: LogRecord): Step | null {
    if (record.value === null) return null;
    try {
      const decoded = decodeMessage(record.value);
      if (decoded.type !== 'part') return task.detector.take(decoded, record.offset, record.timestampMs);
      const whole = task.parts.add(decoded, record.offset);
      return whole === null ? null : task.detector.take(whole.partial, whole.from);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(`offset ${record.offset}: ${error.message}`, { cause: error });
    }
  }

  async #write(task: Task, steps: readonly Step[]): Promise<void> {
    const { log, metrics, clock, onEvaluations } = this.#options;
    const history = { topic: this.#topics.history, partition: task.at.partition };
    const events = steps.flatMap((step) => step.events);
    const records = events.map(
      (event): OutgoingRecord => ({
        topic: this.#topics.events,
        partition: partitionOf(event.chain, this.#eventPartitions),
        key: event.chain,
        value: canonicalJson(event),
        timestampMs: clock.nowMs(),
      }),
    );
    if (records.length > 0) await log.produce(records);
    const facts = steps.flatMap((step) => step.facts);
    if (facts.length > 0) await log.produce(facts.map((fact) => factRecord(history, fact)));
    const newest = steps.at(-1);
    if (newest !== undefined) await log.produce([factRecord(history, newest.decided)]);
    const tombstones = steps.flatMap((step) => step.tombstones);
    if (tombstones.length > 0) await log.produce(tombstones.map((fact) => factRecord(history, fact)));
    for (const event of events) metrics.count('tidemark_events_written_total', { kind: event.kind, step: event.step });
    this.#gauge.set(task.at.partition, task.detector.openIncidents());
    for (const step of steps) {
      this.#observeLag('data', step.dataPanes, step.dataEndMs);
      this.#observeLag('label', step.labelPanes, step.labelEndMs);
      metrics.count('tidemark_panes_decided_total', { clock: 'data' }, step.dataPanes);
      metrics.count('tidemark_panes_decided_total', { clock: 'label' }, step.labelPanes);
      for (const evaluation of step.evaluations)
        metrics.count('tidemark_evaluations_total', { kind: evaluation.kind, verdict: evaluation.verdict });
      onEvaluations?.(step.evaluations);
    }
  }

  #observeLag(clock: 'data' | 'label', panes: number, endMs: number | null): void {
    if (panes === 0 || endMs === null) return;
    const lagMs = Math.max(0, this.#options.clock.nowMs() - endMs);
    this.#options.metrics.observe('tidemark_decision_lag_seconds', { clock }, lagMs / 1_000);
  }

  async #commit(member: Member, task: Task): Promise<void> {
    const offset = Math.min(task.parts.lowestOffset ?? task.position, task.detector.commitOffset(task.position));
    if (offset <= task.committed) return;
    const commit = { ...task.at, offset, metadata: markOfCommit(offset) };
    try {
      await member.commit([commit]);
      task.committed = offset;
      task.commit = commit;
    } catch (error) {
      // The group has moved on: the next owner reads on from the older commit and repeats what was decided, with the same ids.
      this.#options.metrics.count('tidemark_commit_failures_total', { group: `${this.#options.settings.group}-detect` });
      this.#options.logger.debug({ ...task.at, offset, error: String(error) }, 'A commit was refused');
    }
  }
}
