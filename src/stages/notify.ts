/**
 * Notify: from the events topic to one sink (Sentry, a webhook, a log). In order and one at a time per chain of
 * incidents that share an issue; others go on while one waits.
 *
 * What makes "at least once, and nothing lost" true is the order of three writes: the sink accepts the event, then its ordinal goes to `deliveries`,
 * then the events topic is committed, never past an event that still has to be delivered. A crash between any two repeats an event under the
 * same id (which Sentry knows, and a webhook is told) or reads again what `deliveries` says is done.
 */
import { ConfigError, DependencyError, InputError } from '../core/errors.ts';
import { type DeliveryAnswer, retryDelayMs } from '../core/incident/delivery.ts';
import type { EventRecord } from '../core/incident/event.ts';
import { parseEvent } from '../core/incident/parseEvent.ts';
import { IssueCap, type StormLimits, type StormSummary } from '../core/incident/storm.ts';
import { type InternalTopics, internalTopics } from '../core/incident/topics.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock, Commit, Log, LogRecord, Member, OutgoingRecord, OwnedPartition } from '../log/port.ts';
import { deliveryRecord, readDeliveries, type Settlement, toldRecord } from './deliveriesTopic.ts';
import { NotifyRecords, parkedText } from './notifyRecords.ts';
import { fullAt, isCaughtUp, type NotifyTask, notifyTask } from './notifyTask.ts';
import { beginnings, FailureLines, facts } from './notifyWords.ts';
import { markOfCommit, whereToBegin } from './ownCommits.ts';
import { progressOf, type StageProgress } from './progress.ts';
import { Setback } from './setback.ts';
import { notifyGroup, type Sink, sinkWords } from './sink.ts';
import { StormSummaries } from './stormSummaries.ts';

/** Events that may be on their way to the sink at a time. */
const concurrency = 4;
/** So many attempts in a row that failed, of whatever chain, are an outage of the sink, not a fault of an event. */
const outageAfter = 4;
/** Longest sleep of the loop. */
const pauseMs = 500;
/** How long a stop waits for events on their way. */
const graceMs = 5_000;

export interface NotifyOptions {
  readonly log: Log;
  /** `kafka.group`: the stage reads `<group>.events` as a group that `notifyGroup` names. */
  readonly group: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Where events go. The stage does not close it. */
  readonly sink: Sink;
  /** Cap on new issues; left out, or where the sink has no summaries: none. */
  readonly storm?: StormLimits;
  /** Jitter of the backoff, in [0, 1). */
  readonly random?: () => number;
}

interface Answer {
  readonly task: NotifyTask;
  readonly event: EventRecord;
  readonly answer: DeliveryAnswer | 'suppressed';
}

/** The cap on new issues, and what tells of those beyond it. */
interface Storm {
  readonly cap: IssueCap;
  readonly summaries: StormSummaries;
}

export class NotifyStage {
  readonly #options: NotifyOptions;
  readonly #topics: InternalTopics;
  readonly #group: string;
  readonly #tasks = new Map<number, NotifyTask>();
  readonly #inFlight = new Map<Promise<void>, NotifyTask>();
  #answers: Answer[] = [];
  #storm: Storm | null = null;
  readonly #setback: Setback;
  readonly #records: NotifyRecords;
  readonly #failures: FailureLines;
  #epoch = -1;
  /** Null before the group has taken the stage in. */
  #assigned: readonly OwnedPartition[] | null = null;
  /** The server has asked to be left alone until then. */
  #pausedUntilMs = 0;
  /** Attempts that failed since the last one that was accepted. */
  #failuresInARow = 0;
  #wake: () => void = () => {};

  constructor(options: NotifyOptions) {
    this.#options = options;
    this.#topics = internalTopics(options.group);
    this.#group = notifyGroup(options.group, options.sink.name);
    this.#setback = new Setback(options.clock, options.logger);
    this.#records = new NotifyRecords(options, this.#topics.deadLetters);
    this.#failures = new FailureLines(options.sink.name, options.logger);
  }

  get progress(): StageProgress {
    return progressOf(this.#assigned, ({ partition }) => this.#tasks.has(partition));
  }

  /**
   * Delivers until the signal says stop; then waits a moment for what is on its way, commits and leaves the group. Rejects with `ConfigError`
   * where the topics do not fit together, and with what the log rejects with.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    await this.#checkLayout();
    const member = await log.join({ group: this.#group, topics: [this.#topics.events] });
    const stop = () => this.#wake();
    signal.addEventListener('abort', stop);
    try {
      while (!signal.aborted) {
        await this.#follow(member, signal);
        await this.#read(member, signal);
        this.#send();
        await this.#settle(member, signal);
        await this.#pause(member, signal);
      }
      if (this.#inFlight.size > 0) await Promise.race([Promise.allSettled(this.#inFlight.keys()), this.#options.clock.sleep(graceMs)]);
      await this.#settle(member, signal);
    } finally {
      signal.removeEventListener('abort', stop);
      await member.leave();
    }
  }

  /** A chain's deliveries stand in the partition of the number that its events have: restoring one partition needs one other. */
  async #checkLayout(): Promise<void> {
    const { log } = this.#options;
    const [events, deliveries] = await Promise.all([log.partitionCount(this.#topics.events), log.partitionCount(this.#topics.deliveries)]);
    if (events === deliveries) {
      this.#storm = this.#stormOver(events);
      return;
    }
    throw new ConfigError(
      `Topic "${this.#topics.deliveries}" has ${deliveries} partitions, "${this.#topics.events}" has ${events}: they must be equal. ` +
        'Stop the workers, delete the deliveries topic and create it again ("tidemark topics --print"); what was delivered in the last hour is then sent again under the same ids.',
    );
  }

  #stormOver(partitionCount: number): Storm | null {
    const { sink, storm, group, logger, metrics, random = Math.random } = this.#options;
    if (storm === undefined || sink.deliverSummary === undefined) return null;
    const cap = new IssueCap(storm, partitionCount);
    const deliver = sink.deliverSummary.bind(sink);
    const send = async (summary: StormSummary) => {
      const answer = await deliver(summary);
      this.#heed(answer);
      return answer;
    };
    return { cap, summaries: new StormSummaries({ cap, group, send, logger, metrics, jitter: random }) };
  }

  /** Takes up what was assigned and drops what was taken away. */
  async #follow(member: Member, signal: AbortSignal): Promise<void> {
    const { epoch, partitions } = member.assignment();
    this.#assigned = partitions;
    for (const task of this.#tasks.values()) {
      if (!partitions.some((own) => own.partition === task.at.partition && own.since === task.since)) this.#drop(task);
    }
    this.#epoch = epoch;
    for (const at of partitions) {
      if (this.#tasks.has(at.partition)) continue;
      try {
        await this.#takeUp(member, at, () => !signal.aborted && member.assignment().epoch === epoch);
        this.#setback.passed('take up', 'Partitions of events can be taken up again');
      } catch (error) {
        if (!(error instanceof DependencyError)) throw error;
        this.#setback.failed('take up', { ...at, error }, 'A partition of events could not be taken up: trying again, its events wait');
        if (!signal.aborted) await this.#options.clock.sleep(pauseMs);
        return;
      }
      if (member.assignment().epoch !== epoch) return;
    }
  }

  #drop(task: NotifyTask): void {
    task.isRevoked = true;
    this.#tasks.delete(task.at.partition);
    this.#storm?.cap.drop(task.at.partition);
  }

  async #takeUp(member: Member, own: OwnedPartition, isWanted: () => boolean): Promise<void> {
    const { log, logger, sink } = this.#options;
    const at = { topic: own.topic, partition: own.partition };
    // One at a time per chain holds across a loss of the partition too.
    const former = [...this.#inFlight].filter(([, task]) => task.at.partition === at.partition).map(([sending]) => sending);
    await Promise.allSettled(former);
    const delivered = await readDeliveries(this.#options, { topic: this.#topics.deliveries, partition: at.partition }, sink.name, isWanted);
    const [commit] = await member.committed([at]);
    const range = await log.offsets(at);
    const { low, high } = range;
    if (delivered === null || !isWanted()) return;
    const { start, kind } = whereToBegin(commit ?? null, range, low);
    if (kind === 'gone' || kind === 'moved') logger.warn({ ...at, committed: commit?.offset, low, high }, beginnings[kind]);
    member.start(at, start);
    sink.recall?.(delivered.refused);
    const nowMs = this.#options.clock.nowMs();
    this.#tasks.set(at.partition, notifyTask(own, start, delivered.ordinals, range, nowMs));
    this.#storm?.cap.takeUp(at.partition, delivered.cap);
    this.#storm?.summaries.notice(nowMs);
  }

  async #read(member: Member, signal: AbortSignal): Promise<void> {
    for (const task of this.#tasks.values()) {
      while (task.queue.size < fullAt) {
        const batch = member.take(task.at);
        if (batch === null) break;
        for (const record of batch.records) await this.#add(task, record, signal);
        task.queue.advance(batch.nextOffset);
      }
    }
  }

  async #add(task: NotifyTask, record: LogRecord, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    try {
      const event = parseEvent(record.value);
      for (const overtaken of task.queue.add(record.offset, event)) {
        logger.debug({ ...facts(overtaken), ...task.at, offset: record.offset }, 'A later or equal step is delivered in its place');
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const letter = {
        ...task.at,
        offset: record.offset,
        reason: 'unreadable-event',
        detail: error.message,
        value: parkedText(record.value),
      };
      await this.#records.park(letter, signal);
      logger.error(
        { ...task.at, offset: record.offset, reason: error.message },
        'An event cannot be read: parked on the dead-letter topic',
      );
    }
  }

  #send(): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs < this.#pausedUntilMs) return;
    this.#storm?.summaries.send(nowMs, () => this.#wake());
    const ready = [...this.#tasks.values()].filter((task) => isCaughtUp(task, nowMs));
    // What goes on first, in all partitions: it has the first claim on the places of the cap too.
    for (const which of ['open', 'any'] as const) {
      for (const task of ready) {
        for (const event of task.queue.take(nowMs, concurrency - this.#inFlight.size, which)) this.#start(task, event);
      }
    }
  }

  #start(task: NotifyTask, event: EventRecord): void {
    const { sink, logger, clock } = this.#options;
    const end = task.queue.endBehind(event);
    if (this.#storm?.cap.admits(task.at.partition, event, clock.nowMs(), end !== null) === false) {
      this.#answers.push({ task, event, answer: 'suppressed' });
      return;
    }
    const sending = sink
      .deliver(event, end)
      .catch((error: unknown): DeliveryAnswer => {
        logger.error({ sink: sink.name, ...facts(event), error }, 'Delivery failed in an unexpected way');
        return { outcome: 'retry' };
      })
      .then((answer) => {
        this.#heed(answer);
        this.#inFlight.delete(sending);
        this.#answers.push({ task, event, answer });
        this.#wake();
      });
    this.#inFlight.set(sending, task);
  }

  /** Acts on the answers that have come: `deliveries` first, then the commit. */
  async #settle(member: Member, signal: AbortSignal): Promise<void> {
    const { sink, clock } = this.#options;
    const nowMs = clock.nowMs();
    const answers = this.#answers.filter(({ task }) => !task.isRevoked);
    this.#answers = [];
    const settled: { readonly one: Answer; readonly settlement: Settlement }[] = [];
    for (const one of answers) {
      const settlement = await this.#judge(one, signal);
      if (settlement !== null) settled.push({ one, settlement });
    }
    const records = settled.map(({ one, settlement }): OutgoingRecord => {
      const { partition } = one.task.at;
      const cap = this.#storm?.cap.settled(partition, one.event, nowMs) ?? null;
      return deliveryRecord({ topic: this.#topics.deliveries, partition }, sink.name, one.event, settlement, cap);
    });
    const told = this.#storm?.summaries.settle(nowMs) ?? null;
    for (const { partition, periodStartMs, incidents } of told === null ? [] : (this.#storm?.cap.told(told) ?? [])) {
      records.push(toldRecord({ topic: this.#topics.deliveries, partition }, periodStartMs, incidents));
    }
    if (records.length > 0 && !(await this.#records.write(records, signal))) return;
    for (const { one } of settled) one.task.queue.settle(one.event);
    await this.#commit(member);
    let waiting = 0;
    for (const task of this.#tasks.values()) waiting += task.queue.size;
    this.#options.metrics.set('tidemark_deliveries_waiting', { sink: sink.name }, waiting);
  }

  /** How the event is settled, or null where it waits for another attempt. */
  async #judge({ task, event, answer }: Answer, signal: AbortSignal): Promise<Settlement | null> {
    const { logger, metrics, sink } = this.#options;
    if (answer === 'suppressed') {
      this.#suppress(event);
      return 'suppressed';
    }
    const { outcome, status, retryAfterMs } = answer;
    const { title } = sinkWords[sink.name];
    const about = { sink: sink.name, ...facts(event), ...(status === undefined ? {} : { status }) };
    if (outcome === 'accepted') {
      if (status !== undefined) this.#succeeded();
      if (answer.isPictureDropped === true) metrics.count('tidemark_pictures_dropped_total', {});
      metrics.count('tidemark_events_delivered_total', { sink: sink.name, step: event.step });
      logger.info(about, `${title} has accepted the event`);
      return 'accepted';
    }
    metrics.count('tidemark_delivery_failures_total', { sink: sink.name, reason: outcome });
    if (outcome === 'poison' || outcome === 'too-large') {
      const detail = `${title} refused the event for good (HTTP ${status ?? 'unknown'})`;
      await this.#records.park(
        { ...task.at, offset: task.queue.offsetOf(event), reason: outcome, detail, value: JSON.stringify(event) },
        signal,
      );
      logger.error(about, `${detail}: parked on the dead-letter topic`);
      return 'parked';
    }
    const nowMs = this.#options.clock.nowMs();
    this.#failuresInARow += 1;
    const jitter = (this.#options.random ?? Math.random)();
    const attempts = task.queue.postpone(event, nowMs, (failed) => retryDelayMs(failed, jitter), retryAfterMs);
    this.#failures.tell(outcome, { ...about, outcome, attempts, retryAfterMs }, nowMs);
    return null;
  }

  /** The sink took something. After an outage all goes at once: spread over minutes by their pauses, what goes on could come after what is over. */
  #succeeded(): void {
    if (this.#failuresInARow >= outageAfter) for (const { queue } of this.#tasks.values()) queue.retryNow();
    this.#failuresInARow = 0;
  }

  /** A pause that is asked for holds from the moment of the answer, for everything that has not begun. */
  #heed({ outcome, retryAfterMs = 0 }: DeliveryAnswer): void {
    if (outcome === 'rate-limited') this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#options.clock.nowMs() + retryAfterMs);
  }

  #suppress(event: EventRecord): void {
    const { logger, metrics, clock, sink } = this.#options;
    if (event.step === 'opened') metrics.count('tidemark_incidents_suppressed_total', { kind: event.kind });
    logger.info({ sink: sink.name, ...facts(event) }, 'The incident is beyond the cap on new issues: a summary tells of it');
    this.#storm?.summaries.notice(clock.nowMs());
  }

  async #commit(member: Member): Promise<void> {
    const { clock, logger, metrics } = this.#options;
    const behind = [...this.#tasks.values()].filter((task) => task.queue.position > task.committed);
    if (behind.length === 0) return;
    const commits = behind.map(
      (task): Commit => ({ ...task.at, offset: task.queue.position, metadata: markOfCommit(task.queue.position) }),
    );
    try {
      await member.commit(commits);
      for (const [index, task] of behind.entries()) task.committed = commits[index]?.offset ?? task.committed;
    } catch (error) {
      // The partitions may belong to another member now. What still is ours is taken up anew, from what stands in the topics.
      metrics.count('tidemark_commit_failures_total', { group: this.#group });
      logger.warn({ error }, 'A commit was refused: taking up the partitions anew');
      for (const task of behind) this.#drop(task);
      await clock.sleep(pauseMs);
    }
  }

  /** Until an answer, an assignment, a new event, the next attempt that is due, or a stop. */
  async #pause(member: Member, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#answers.length > 0 || member.assignment().epoch !== this.#epoch) return;
    const nowMs = this.#options.clock.nowMs();
    let timeoutMs = pauseMs;
    if (this.#inFlight.size < concurrency) {
      for (const task of this.#tasks.values()) {
        const dueMs = isCaughtUp(task, nowMs) ? task.queue.nextDueMs() : task.caughtUp.untilMs;
        if (dueMs !== null) timeoutMs = Math.min(timeoutMs, Math.max(0, Math.max(dueMs, this.#pausedUntilMs) - nowMs));
      }
    }
    if (timeoutMs === 0) return;
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([member.wait(timeoutMs), woken]);
  }
}
