/**
 * Detect: from partials to events. Each partition of `partials` has a core of its own (`core/detect`), restored from the facts in the same
 * partition of `history`.
 *
 * The order of writes is what makes a crash harmless: events, facts, `decided`, tombstones, then the commit of `partials`, never past what an
 * undecided pane needs. Whoever repeats a decision writes the same events and facts under the same ids and keys.
 */
import { canonicalJson } from '../core/canonicalJson.ts';
import type { Detector, Step } from '../core/detect/detector.ts';
import { restoreDetector } from '../core/detect/restore.ts';
import { ConfigError, InputError } from '../core/errors.ts';
import type { EvaluationRecord } from '../core/incident/event.ts';
import { type InternalTopics, internalTopics } from '../core/incident/topics.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { partitionOf } from '../core/record/partitioner.ts';
import type { CoreSettings } from '../core/settings.ts';
import { decodeMessage } from '../core/summarize/codec.ts';
import { PartAssembler } from '../core/summarize/parts.ts';
import type { Batch, Clock, Log, LogRecord, Member, OutgoingRecord, OwnedPartition, TopicPartition } from '../log/port.ts';
import { factRecord, readFacts } from './historyTopic.ts';

/** Longest sleep of the loop. */
const pauseMs = 500;

export interface DetectOptions {
  readonly log: Log;
  readonly settings: CoreSettings;
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
  readonly assembler: PartAssembler;
  /** Offset of the first part of what the assembler holds; null while it holds nothing. */
  partsFrom: number | null;
  position: number;
  committed: number;
}

export class DetectStage {
  readonly #options: DetectOptions;
  readonly #topics: InternalTopics;
  readonly #tasks = new Map<number, Task>();
  #eventPartitions = 0;

  constructor(options: DetectOptions) {
    this.#options = options;
    this.#topics = internalTopics(options.settings.group);
  }

  /** Decides until the signal says stop. Rejects with `ConfigError` where the topics do not fit together. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, settings } = this.#options;
    await this.#checkLayout();
    const member = await log.join({ group: `${settings.group}-detect`, topics: [this.#topics.partials] });
    try {
      while (!signal.aborted) {
        await this.#follow(member, signal);
        const isBusy = await this.#read(member);
        if (!isBusy) await member.wait(pauseMs);
      }
      for (const task of this.#tasks.values()) await this.#commit(member, task);
    } finally {
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
    for (const [partition, task] of this.#tasks) {
      if (!partitions.some((own) => own.partition === partition && own.since === task.since)) this.#tasks.delete(partition);
    }
    for (const at of partitions) {
      if (!this.#tasks.has(at.partition)) await this.#takeUp(member, at, () => !signal.aborted && member.assignment().epoch === epoch);
      if (member.assignment().epoch !== epoch) return;
    }
  }

  async #takeUp(member: Member, { since, ...at }: OwnedPartition, isWanted: () => boolean): Promise<void> {
    const { log, logger, settings } = this.#options;
    const history = { topic: this.#topics.history, partition: at.partition };
    // The commit first: a former owner may still write facts and commit, in this order, so facts read later are never behind it.
    const [commit] = await member.committed([at]);
    const facts = await readFacts(log, history, isWanted);
    if (facts === null) return;
    const { detector, replaced } = restoreDetector(settings, facts);
    if (replaced.length > 0) await log.produce(replaced.map((key) => factRecord(history, { key, value: null })));
    const { low, high } = await log.offsets(at);
    if (!isWanted()) return;
    const committed = commit?.offset ?? low;
    const start = committed >= low && committed <= high ? committed : low;
    if (start !== committed) {
      logger.warn(
        { ...at, committed, low, high },
        'The committed position is no longer in the partials topic: reading on from its first record',
      );
    }
    logger.debug({ ...at, facts: facts.size, start }, 'Took up a partition of partials');
    member.start(at, start);
    this.#tasks.set(at.partition, {
      at,
      since,
      detector,
      assembler: new PartAssembler(),
      partsFrom: null,
      position: start,
      committed: start,
    });
  }

  /** One round over the partitions; false where there was nothing to take. */
  async #read(member: Member): Promise<boolean> {
    let isBusy = false;
    for (const task of [...this.#tasks.values()]) {
      const batch = member.take(task.at);
      if (batch === null) continue;
      isBusy = true;
      await this.#apply(member, task, batch);
    }
    return isBusy;
  }

  async #apply(member: Member, task: Task, batch: Batch): Promise<void> {
    const steps: Step[] = [];
    const before = task.detector.counts.latePartials;
    for (const record of batch.records) {
      const step = this.#message(task, record);
      if (step !== null) steps.push(step);
    }
    task.position = batch.nextOffset;
    this.#options.metrics.count('tidemark_partials_after_decision_total', {}, task.detector.counts.latePartials - before);
    if (steps.length > 0) await this.#write(task, steps);
    await this.#commit(member, task);
  }

  #message(task: Task, record: LogRecord): Step | null {
    if (record.value === null) return null;
    const decoded = this.#decode(task, record, record.value);
    if (decoded === null) return null;
    if (decoded.type !== 'part') return task.detector.take(decoded, record.offset);
    task.partsFrom ??= record.offset;
    const partial = task.assembler.add(decoded);
    const from = task.partsFrom;
    if (task.assembler.size === 0) task.partsFrom = null;
    return partial === null ? null : task.detector.take(partial, from);
  }

  #decode(task: Task, record: LogRecord, value: Uint8Array): ReturnType<typeof decodeMessage> | null {
    try {
      return decodeMessage(value);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(`${task.at.topic}, partition ${task.at.partition}, offset ${record.offset}: ${error.message}`);
    }
  }

  async #write(task: Task, steps: readonly Step[]): Promise<void> {
    const { log, metrics, clock, onEvaluations } = this.#options;
    const history = { topic: this.#topics.history, partition: task.at.partition };
    const events = steps.flatMap((step) => step.events);
    const records = events.map(
      (event): OutgoingRecord => ({
        topic: this.#topics.events,
        partition: partitionOf(event.incident, this.#eventPartitions),
        key: event.incident,
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
    for (const step of steps) {
      metrics.count('tidemark_panes_decided_total', { clock: 'data' }, step.dataPanes);
      metrics.count('tidemark_panes_decided_total', { clock: 'label' }, step.labelPanes);
      for (const evaluation of step.evaluations)
        metrics.count('tidemark_evaluations_total', { kind: evaluation.kind, verdict: evaluation.verdict });
      onEvaluations?.(step.evaluations);
    }
  }

  async #commit(member: Member, task: Task): Promise<void> {
    const limit = task.partsFrom ?? task.position;
    const offset = Math.min(limit, task.detector.commitOffset(task.position));
    if (offset <= task.committed) return;
    try {
      await member.commit([{ ...task.at, offset, metadata: '' }]);
      task.committed = offset;
    } catch (error) {
      // The group has moved on: the next owner reads on from the older commit and repeats what was decided, with the same ids.
      this.#options.metrics.count('tidemark_commit_failures_total', { group: `${this.#options.settings.group}-detect` });
      this.#options.logger.debug({ ...task.at, offset, error: String(error) }, 'A commit was refused');
    }
  }
}
