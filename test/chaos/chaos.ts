/**
 * Chaos on real Kafka: three brokers, workers as processes of their own, and for some minutes everything that goes wrong in a year: kill -9, processes frozen
 * for longer than their session and woken as zombies, rolling restarts, brokers killed under their leaders, a Sentry that fails in every way.
 * Traffic is written all the while. Then the weather clears, and what was decided is held against a fold of what the topics hold.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../src/config/logger.ts';
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { parseFactKey, readNode } from '../../src/core/detect/fact.ts';
import { hourMs } from '../../src/core/duration.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { decodeMessage } from '../../src/core/summarize/codec.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { Log, OutgoingRecord } from '../../src/log/port.ts';
import type { InboxFailure } from '../../src/sentry/inbox/failure.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { cellKey, Oracle } from '../simulation/oracle.ts';
import { referenceOf } from '../simulation/reference.ts';
import { bytesOf, closed, type Scenario } from '../simulation/scenario.ts';
import { Random } from '../support/random.ts';
import { type SourceRecord, syntheticTraffic, type Traffic } from '../support/syntheticTraffic.ts';
import { type CommandProcess, startCommand } from '../support/workerProcess.ts';
import {
  coveredOffsets,
  isSettled,
  keepHistory,
  readTopic,
  textOf,
  until,
  type WorkerSetUp,
  writeConfig,
} from '../support/workerTraffic.ts';
import { brokerCount, startKafkaCluster } from './kafkaCluster.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How long the bad weather lasts. */
  readonly minutes: number;
  readonly report: (line: string) => void;
}

export interface ChaosResult {
  /** What went wrong, a sentence each; empty where every promise held. */
  readonly problems: readonly string[];
  readonly counts: {
    records: number;
    panes: number;
    events: number;
    issues: number;
    kills: number;
    zombies: number;
    terms: number;
    brokerKills: number;
    sinkFailures: number;
  };
  /** From a kill -9 until everything that stood in the source topics at that moment was covered by watermark records, in seconds, ascending. */
  readonly catchUpSeconds: readonly number[];
}

const sourcePartitions = 12;
const feedbackPartitions = 4;
/** Hours of event time that the traffic spans: a day to learn from, then a shift. */
const hours = 40;
const startMs = Date.UTC(2026, 2, 1);
/** Longer than a member's session of 10 s. */
const frozenMs = 14_000;

/** The numbers of workers that the run passes through. */
const fleet = [3, 5, 2, 4] as const;

const failures: readonly InboxFailure[] = [
  { kind: 'status', status: 429, rateLimits: '5:error:key' },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, retryAfter: '3' },
  { kind: 'status', status: 401 },
  { kind: 'status', status: 403 },
  { kind: 'hang' },
  { kind: 'reset-before-body' },
  { kind: 'reset-after-body' },
];

/** One run. Everything it starts is its own and ends with it. */
export async function runChaos({ seed, minutes, report }: ChaosOptions): Promise<ChaosResult> {
  const random = new Random(seed);
  const cluster = await startKafkaCluster(join(import.meta.dirname, '../../.cache'), report);
  const inbox = await startInbox({ host: '127.0.0.1', port: 0 });
  const log = await KafkaLog.open({ brokers: cluster.brokers, patienceMs: 300_000 }, createLogger('silent'));
  const run = new ChaosRun(random, log, inbox, cluster.brokers, report);
  try {
    await run.prepare();
    await run.storm(minutes * 60_000, cluster);
    await run.calm();
    return { problems: await run.problems(), counts: run.counts, catchUpSeconds: run.catchUpSeconds.sort((a, b) => a - b) };
  } finally {
    await run.stop();
    await log.close();
    await inbox.close();
    await cluster.stop();
  }
}

class ChaosRun {
  readonly counts = { records: 0, panes: 0, events: 0, issues: 0, kills: 0, zombies: 0, terms: 0, brokerKills: 0, sinkFailures: 0 };
  readonly catchUpSeconds: number[] = [];
  readonly #random: Random;
  readonly #log: Log;
  readonly #inbox: Inbox;
  readonly #report: (line: string) => void;
  readonly #topics: { readonly predictions: string; readonly feedback: string };
  readonly #at: WorkerSetUp;
  readonly #traffic: Traffic;
  #workers: CommandProcess[] = [];
  /** All that ever ran, so that none outlives the run. */
  readonly #started: CommandProcess[] = [];
  #watching: Promise<void>[] = [];
  #isStopping = false;

  constructor(random: Random, log: Log, inbox: Inbox, brokers: readonly string[], report: (line: string) => void) {
    this.#random = random;
    this.#log = log;
    this.#inbox = inbox;
    this.#report = report;
    this.#topics = { predictions: 'chaos-predictions', feedback: 'chaos-feedback' };
    this.#at = writeConfig('chaos', brokers, this.#topics, {
      sentry: { dsn: inbox.dsn },
      topics: { partitions: sourcePartitions, replicationFactor: brokerCount },
    });
    this.#traffic = closed(
      syntheticTraffic({
        random,
        startMs,
        hours,
        rowsPerHour: 240,
        predictionPartitions: sourcePartitions,
        feedbackPartitions,
        shiftAtHour: 32,
        models: ['fraud', 'churn'],
      }),
      startMs + (hours + 3) * hourMs,
    );
  }

  async prepare(): Promise<void> {
    const configs = { 'retention.ms': '-1', 'min.insync.replicas': '2' };
    await this.#log.createTopics([
      { topic: this.#topics.predictions, partitions: sourcePartitions, replicationFactor: brokerCount, configs },
      { topic: this.#topics.feedback, partitions: feedbackPartitions, replicationFactor: brokerCount, configs },
    ]);
    await keepHistory(this.#log, this.#at.group, sourcePartitions, brokerCount);
    for (let index = 0; index < fleet[0]; index++) this.#startWorker();
    await until(async () => (await readTopic(this.#log, internalTopics(this.#at.group).partials)).length > 0, 500);
  }

  /** Writes the traffic, spread over the time, while things break. */
  async storm(lastsMs: number, cluster: { kill(at: number): Promise<void>; start(at: number): Promise<void> }): Promise<void> {
    const endMs = performance.now() + lastsMs;
    const isOver = () => performance.now() >= endMs;
    const writing = this.#write(lastsMs);
    const breaking = [this.#breakWorkers(isOver, lastsMs), this.#breakBrokers(isOver, cluster), this.#breakSink(isOver)];
    await Promise.all([writing, ...breaking]);
  }

  /** Good weather again: everything that was written must be decided and delivered. */
  async calm(): Promise<void> {
    this.#inbox.fail(null);
    const { group } = this.#at;
    this.#report(`calm: ${this.#workers.length} workers, waiting for the last decision`);
    await until(() => isSettled(this.#log, group, this.#settledMs), 1_000);
    this.#report('calm: everything is decided, waiting for the last delivery');
    await Promise.all(this.#watching);
    const events = await this.#events();
    const chains = new Set([...events.values()].map(({ chain }) => chain));
    await until(() => this.#inbox.issues().length >= chains.size, 1_000);
    // Reminders and escalations that wait for their turn; none may make a second issue.
    await sleep(5_000);
  }

  /** What does not hold. */
  async problems(): Promise<string[]> {
    const problems: string[] = [];
    const scenario: Scenario = {
      name: 'chaos',
      settings: this.#at.config.core,
      traffic: await this.#readBack(),
      targetMs: this.#settledMs,
      leadingGap: 0,
    };
    const oracle = new Oracle(scenario);
    const reference = referenceOf(scenario);
    await this.#checkPanes(oracle, reference.facts, problems);

    const written = await this.#events();
    this.counts.events = written.size;
    for (const [id, event] of written) {
      if (reference.eventTexts.get(id) !== canonicalJson(event)) problems.push(`event ${id} differs from one pass's: ${event.summary}`);
    }
    for (const [id, event] of reference.events) {
      const isDue = Date.parse(event.windowEnd) <= this.#settledMs;
      if (isDue && !written.has(id)) problems.push(`event ${id} is missing: ${event.kind} ${event.step} ${event.summary}`);
    }

    const issues = this.#inbox.issues();
    this.counts.issues = issues.length;
    const chains = new Set([...written.values()].map(({ chain }) => chain));
    const shown = issues.map(({ fingerprint }) => fingerprint[2]);
    if (new Set(shown).size !== shown.length) problems.push('an incident has two issues');
    for (const chain of chains) if (!shown.includes(chain)) problems.push(`chain ${chain} has no issue`);
    const delivered = new Set(issues.flatMap(({ events }) => events.map(({ id }) => id)));
    for (const [id, { step }] of written)
      if (step === 'opened' && !delivered.has(id)) problems.push(`opened event ${id} is not in the inbox`);

    for (const covered of await coveredOffsets(this.#log, this.#at.group)) {
      for (const [partition, { length }] of scenario.traffic.predictions.entries()) {
        const position = covered.get(`${this.#topics.predictions}/${partition}`) ?? 0;
        if (position !== length) problems.push(`partition ${partition}: watermark records cover ${position} of ${length} records`);
      }
    }
    return problems;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const one of this.#started) {
      one.process.kill('SIGCONT');
      one.process.kill('SIGKILL');
    }
    await Promise.all(this.#started.map((one) => one.ended));
  }

  get #settledMs(): number {
    // The closing records stand three hours after the last; lateness keeps the panes just before them open.
    return startMs + (hours + 3) * hourMs - 10 * 60_000;
  }

  #startWorker(): void {
    const worker = startCommand(['worker', '--config', this.#at.file]);
    this.#workers.push(worker);
    this.#started.push(worker);
    // One that fails is started again, as its supervisor would.
    void worker.ended.then(({ code }) => {
      const index = this.#workers.indexOf(worker);
      if (index < 0 || this.#isStopping) return;
      this.#report(`a worker ended by itself with ${code}:\n${lastWords(worker.err())}`);
      this.#workers.splice(index, 1);
      this.#startWorker();
    });
  }

  #take(): CommandProcess | null {
    if (this.#workers.length === 0) return null;
    return this.#workers.splice(this.#random.int(this.#workers.length), 1)[0] ?? null;
  }

  async #write(lastsMs: number): Promise<void> {
    const records: OutgoingRecord[] = [];
    for (const [topic, partitions] of [
      [this.#topics.predictions, this.#traffic.predictions],
      [this.#topics.feedback, this.#traffic.feedback],
    ] as const) {
      for (const [partition, all] of partitions.entries()) {
        for (const { record, timestampMs } of all) records.push({ topic, partition, key: record.id, value: bytesOf(record), timestampMs });
      }
    }
    records.sort((left, right) => (left.timestampMs ?? 0) - (right.timestampMs ?? 0));
    const everyMs = 500;
    const size = Math.ceil(records.length / (lastsMs / everyMs));
    const beganMs = performance.now();
    for (let at = 0, batch = 1; at < records.length; at += size, batch++) {
      await this.#log.produce(records.slice(at, at + size));
      await sleep(Math.max(0, beganMs + batch * everyMs - performance.now()));
    }
    this.counts.records = records.length;
  }

  async #breakWorkers(isOver: () => boolean, lastsMs: number): Promise<void> {
    const beganMs = performance.now();
    while (!isOver()) {
      const wanted = fleet[Math.min(fleet.length - 1, Math.floor(((performance.now() - beganMs) / lastsMs) * fleet.length))] ?? 2;
      while (this.#workers.length < wanted) this.#startWorker();
      while (this.#workers.length > wanted) this.#term();
      await sleep(3_000 + this.#random.int(9_000));
      const dice = this.#random.next();
      if (dice < 0.6) await this.#kill();
      else if (dice < 0.85) this.#freeze();
      else this.#term();
      await sleep(1_000);
    }
    while (this.#workers.length < 2) this.#startWorker();
  }

  /** Kills a worker, and watches how long it takes until what stood in the topics then is covered. */
  async #kill(): Promise<void> {
    const worker = this.#take();
    if (worker === null) return;
    this.counts.kills++;
    worker.process.kill('SIGKILL');
    const atMs = performance.now();
    const ends = await Promise.all(
      Array.from({ length: sourcePartitions }, (_, partition) => this.#log.offsets({ topic: this.#topics.predictions, partition })),
    );
    this.#watching.push(
      this.#isCovered(ends.map(({ high }) => high)).then(() => void this.catchUpSeconds.push((performance.now() - atMs) / 1_000)),
    );
  }

  /** Freezes a worker for longer than its session; it wakes as a zombie beside whoever took its partitions. */
  #freeze(): void {
    const worker = this.#take();
    if (worker === null) return;
    this.counts.zombies++;
    worker.process.kill('SIGSTOP');
    this.#watching.push(
      sleep(frozenMs).then(() => {
        worker.process.kill('SIGCONT');
        if (worker.process.exitCode === null) this.#workers.push(worker);
      }),
    );
  }

  #term(): void {
    const worker = this.#take();
    if (worker === null) return;
    this.counts.terms++;
    worker.process.kill('SIGTERM');
  }

  async #breakBrokers(
    isOver: () => boolean,
    cluster: { kill(at: number): Promise<void>; start(at: number): Promise<void> },
  ): Promise<void> {
    for (let at = 0; !isOver(); at = (at + 1) % brokerCount) {
      await sleep(15_000 + this.#random.int(15_000));
      if (isOver()) return;
      this.counts.brokerKills++;
      await cluster.kill(at);
      await sleep(4_000 + this.#random.int(8_000));
      await cluster.start(at);
      // The replicas catch up before the next one goes: with two of three away nothing could be written.
      await sleep(10_000);
    }
  }

  async #breakSink(isOver: () => boolean): Promise<void> {
    for (let index = 0; !isOver(); index++) {
      this.counts.sinkFailures++;
      this.#inbox.fail(failures[index % failures.length] ?? null);
      await sleep(8_000 + this.#random.int(10_000));
      this.#inbox.fail(null);
      await sleep(2_000 + this.#random.int(4_000));
    }
  }

  /** Resolves when watermark records cover these positions of the prediction partitions. */
  async #isCovered(ends: readonly number[]): Promise<void> {
    const at = { topic: internalTopics(this.#at.group).partials, partition: 0 };
    const { low } = await this.#log.offsets(at);
    const reader = await this.#log.read(at, low);
    const open = new Set(ends.flatMap((end, partition) => (end > 0 ? [partition] : [])));
    try {
      while (open.size > 0) {
        for (const { value } of (await reader.next(1_000))?.records ?? []) {
          const message = value === null ? null : decodeMessage(value);
          if (message?.type !== 'watermark' || message.source.topic !== this.#topics.predictions) continue;
          if (message.position >= (ends[message.source.partition] ?? 0)) open.delete(message.source.partition);
        }
      }
    } finally {
      await reader.close();
    }
  }

  /** The traffic as it stands in the topics: a write that was repeated while brokers went away is there twice, and counts twice. */
  async #readBack(): Promise<Traffic> {
    const predictions = new Map(this.#traffic.predictions.flat().map((one) => [one.record.id, one]));
    const feedback = new Map(this.#traffic.feedback.flat().map((one) => [one.record.id, one]));
    return {
      predictions: await this.#recordsOf(this.#topics.predictions, predictions),
      feedback: await this.#recordsOf(this.#topics.feedback, feedback),
    };
  }

  async #recordsOf<R>(topic: string, byId: ReadonlyMap<string, SourceRecord<R>>): Promise<SourceRecord<R>[][]> {
    return (await readTopic(this.#log, topic)).map((records) =>
      records.map(({ key, timestampMs }) => {
        const known = byId.get(textOf(key));
        if (known === undefined) throw new Error(`${topic} holds "${textOf(key)}", which nobody wrote`);
        return { record: known.record, timestampMs };
      }),
    );
  }

  async #events(): Promise<Map<string, EventRecord>> {
    const events = new Map<string, EventRecord>();
    for (const { value } of (await readTopic(this.#log, internalTopics(this.#at.group).events)).flat()) {
      const event: EventRecord = JSON.parse(textOf(value));
      events.set(event.id, event);
    }
    return events;
  }

  async #checkPanes(oracle: Oracle, expected: ReadonlyMap<string, Uint8Array>, problems: string[]): Promise<void> {
    const { hopMs } = this.#at.config.core.window;
    const seen = new Set<string>();
    for (const { key, value } of (await readTopic(this.#log, internalTopics(this.#at.group).history)).flat()) {
      const subject = parseFactKey(textOf(key));
      if (subject?.fact !== 'node' || value === null || subject.stepMs !== hopMs || subject.endMs > this.#settledMs) continue;
      const node = readNode([value], subject.stepMs, subject.endMs);
      if (node === null) {
        problems.push(`a pane of ${subject.model} has parts, which this run does not expect`);
        continue;
      }
      seen.add(cellKey(subject.endMs, subject.model, subject.cell.version, subject.cell.segment));
      if (problems.length < 20)
        problems.push(...oracle.problems(subject.model, subject.cell.version, subject.cell.segment, node).slice(0, 3));
      const bytes = expected.get(textOf(key));
      if (bytes === undefined || !Buffer.from(bytes).equals(value))
        problems.push(`pane ${textOf(key)}: its bytes differ from those of one pass`);
    }
    this.counts.panes = seen.size;
    for (const key of oracle.cellsUntil(this.#settledMs)) if (!seen.has(key)) problems.push(`pane ${key} was never decided`);
  }
}

/** What a process said at its end: the lines that are no log lines, else the last one. */
function lastWords(text: string): string {
  const lines = text.trim().split('\n');
  const words = lines.filter((line) => !line.startsWith('{'));
  return (words.length === 0 ? lines.slice(-1) : words.slice(-12)).map((line) => `  ${line}`).join('\n');
}
