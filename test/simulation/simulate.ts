/**
 * One simulated run: the source log is fed to several workers (all three stages each) on the in-memory log, under a seeded schedule that crashes
 * them at any await, freezes and revives them as zombies, adds and stops some, repeats writes and cuts fetches at random sizes. At the end
 * everything that was written is held against the oracle's fold and the uninterrupted reference.
 */
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { parseFactKey, readNode } from '../../src/core/detect/fact.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { decodeMessage, partialKey } from '../../src/core/summarize/codec.ts';
import { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import type { Log, LogRecord } from '../../src/log/port.ts';
import { DetectStage } from '../../src/stages/detect.ts';
import { NotifyStage } from '../../src/stages/notify.ts';
import { SummarizeStage } from '../../src/stages/summarize.ts';
import { Random } from '../support/random.ts';
import { cellKey, Oracle } from './oracle.ts';
import { type Reference, referenceOf } from './reference.ts';
import { bytesOf, type Scenario, scenarioOf, variants } from './scenario.ts';
import { Scheduler } from './scheduler.ts';

export interface SimulationResult {
  readonly seed: number;
  readonly scenario: string;
  /** What went wrong, a sentence each; empty where all promises held. */
  readonly problems: readonly string[];
  readonly steps: number;
  readonly crashes: number;
  readonly zombies: number;
  readonly panesChecked: number;
  readonly eventsChecked: number;
}

/** Puts something between a worker and the log: deliberate bugs do. */
export type Wrap = (log: Log) => Log;

const internalPartitions = 2;
/** A run that needs more steps than this has stopped to make progress. */
const mostSteps = 60_000;
const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

const prepared = new Map<number, { scenario: Scenario; oracle: Oracle; reference: Reference }>();

function prepare(variant: number) {
  let known = prepared.get(variant);
  if (known === undefined) {
    const scenario = scenarioOf(variant);
    known = { scenario, oracle: new Oracle(scenario), reference: referenceOf(scenario) };
    prepared.set(variant, known);
  }
  return known;
}

export async function simulate(seed: number, wrap: Wrap = (log) => log): Promise<SimulationResult> {
  const { scenario, oracle, reference } = prepare(seed % variants);
  const run = new Run(seed, scenario, wrap);
  await run.play();
  const checked = await run.check(oracle, reference);
  return { seed, scenario: scenario.name, steps: run.steps, crashes: run.crashes, zombies: run.zombies, ...checked };
}

interface Worker {
  readonly name: string;
  readonly stop: AbortController;
  state: 'running' | 'frozen' | 'expelled' | 'crashed';
}

class Run {
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #wrap: Wrap;
  readonly #scheduler: Scheduler;
  readonly #log: MemoryLog;
  readonly #workers: Worker[] = [];
  readonly #delivered: EventRecord[] = [];
  readonly #failures: string[] = [];
  #started = 0;
  steps = 0;
  crashes = 0;
  zombies = 0;

  constructor(seed: number, scenario: Scenario, wrap: Wrap) {
    this.#random = new Random(seed);
    this.#scenario = scenario;
    this.#wrap = wrap;
    this.#scheduler = new Scheduler(this.#random, scenario.traffic.predictions[0]?.[0]?.timestampMs ?? 0);
    this.#scheduler.repeatShare = this.#random.next() < 0.5 ? 0.05 : 0;
    const largestFetch = 1 + this.#random.int(60);
    this.#log = new MemoryLog({
      clock: this.#scheduler.clockOf(''),
      interpose: this.#scheduler.interpose,
      fetchSize: () => 1 + this.#random.int(largestFetch),
    });
  }

  async play(): Promise<void> {
    await this.#createTopics();
    const feed = new Feed(this.#log, this.#scenario, this.#random, this.#scheduler);
    for (let count = 1 + this.#random.int(2); count > 0; count--) this.#startWorker();
    const chaos = [0, 0.001, 0.003, 0.006][this.#random.int(4)] as number;
    // Most of the chaos while records come, some of it while what came is worked off.
    const calmAfter = 1_000 + this.#random.int(4_000);
    while (this.steps < mostSteps && this.#failures.length === 0) {
      this.steps++;
      if (!feed.isDone && this.#random.next() < 0.05) await feed.burst();
      if (this.steps < calmAfter && this.#random.next() < chaos) this.#disturb();
      const isBusy = await this.#scheduler.step();
      if (!isBusy && !feed.isDone) await feed.burst();
      if (feed.isDone && this.steps > calmAfter && this.steps % 200 === 0) {
        this.#recover();
        if (await this.#isFinished()) return;
      }
    }
    if (this.#failures.length === 0) this.#failures.push(`not finished after ${this.steps} steps: ${await this.#standing()}`);
  }

  async check(oracle: Oracle, reference: Reference): Promise<Pick<SimulationResult, 'problems' | 'panesChecked' | 'eventsChecked'>> {
    const problems = [...this.#failures];
    if (problems.length > 0) return { problems, panesChecked: 0, eventsChecked: 0 };
    await this.#checkPartials(problems);
    const panesChecked = await this.#checkPanes(oracle, reference, problems);
    const eventsChecked = await this.#checkEvents(reference, problems);
    return { problems, panesChecked, eventsChecked };
  }

  async #createTopics(): Promise<void> {
    const { traffic, leadingGap } = this.#scenario;
    const topics = internalTopics(this.#scenario.settings.group);
    await this.#log.createTopics([
      { topic: 'predictions', partitions: traffic.predictions.length, configs: {} },
      { topic: 'feedback', partitions: traffic.feedback.length, configs: {} },
      ...Object.values(topics).map((topic) => ({ topic, partitions: internalPartitions, configs: {} })),
    ]);
    for (const role of ['predictions', 'feedback'] as const) {
      for (const partition of traffic[role].keys()) this.#log.appendGap({ topic: role, partition }, leadingGap);
    }
  }

  #startWorker(): void {
    const name = `w${this.#started++}`;
    const worker: Worker = { name, stop: new AbortController(), state: 'running' };
    this.#workers.push(worker);
    const log = this.#wrap(this.#log.as(name));
    const clock = this.#scheduler.clockOf(name);
    const { settings } = this.#scenario;
    const common = { log, settings, clock, logger: silent, metrics: noMetrics };
    const stages = [
      new SummarizeStage({ ...common, start: 'earliest', deadLetterShare: 1, breathe: async () => {} }),
      new DetectStage(common),
      new NotifyStage({
        ...common,
        group: settings.group,
        random: () => this.#random.next(),
        sink: {
          name: 'sentry',
          deliver: (event) =>
            this.#scheduler.run(name, () => {
              if (this.#random.next() < 0.1) return { outcome: 'retry' as const };
              this.#delivered.push(event);
              return { outcome: 'accepted' as const };
            }),
          close: async () => {},
        },
      }),
    ];
    for (const stage of stages) {
      stage.run(worker.stop.signal).catch((error) => {
        if (worker.state !== 'crashed') this.#failures.push(`${name} failed: ${error instanceof Error ? error.stack : error}`);
      });
    }
  }

  #disturb(): void {
    const running = this.#workers.filter((worker) => worker.state === 'running');
    const victim = running[this.#random.int(running.length)];
    switch (this.#random.int(6)) {
      case 0:
      case 1:
        if (victim === undefined) return;
        this.#scheduler.crash(victim.name);
        victim.state = 'crashed';
        this.crashes++;
        return;
      case 2:
        if (victim === undefined) return;
        this.#scheduler.freeze(victim.name);
        victim.state = 'frozen';
        this.zombies++;
        return;
      case 3: {
        const frozen = this.#workers.find((worker) => worker.state === 'frozen' || worker.state === 'expelled');
        if (frozen !== undefined) this.#thaw(frozen);
        return;
      }
      case 4:
        this.#expireSessions();
        if (running.length < 3) this.#startWorker();
        return;
      case 5:
        if (victim !== undefined && running.length > 1) {
          victim.stop.abort();
          victim.state = 'crashed';
        }
        return;
    }
  }

  /** A frozen worker was put out of its groups meanwhile, and does not know. */
  #thaw(worker: Worker): void {
    if (worker.state === 'frozen') this.#log.expel(worker.name);
    this.#scheduler.thaw(worker.name);
    worker.state = 'running';
    // Some zombies are told soon, others write on until a commit is refused.
    if (this.#random.next() < 0.3) this.#log.heartbeat(worker.name);
  }

  #expireSessions(): void {
    for (const worker of this.#workers) {
      if (worker.state === 'crashed' || worker.state === 'frozen') this.#log.expel(worker.name);
      if (worker.state === 'frozen') worker.state = 'expelled';
    }
  }

  /** The chaos is over: the dead are expelled, the frozen wake, and somebody works. */
  #recover(): void {
    this.#expireSessions();
    for (const worker of this.#workers) if (worker.state === 'expelled') this.#thaw(worker);
    for (const worker of this.#workers) if (worker.state === 'running') this.#log.heartbeat(worker.name);
    if (!this.#workers.some((worker) => worker.state === 'running')) this.#startWorker();
  }

  /** Everything up to the target is decided in every partition that has predictions, and every event is dealt with. */
  async #isFinished(): Promise<boolean> {
    const topics = internalTopics(this.#scenario.settings.group);
    let decidedPartitions = 0;
    for (let partition = 0; partition < internalPartitions; partition++) {
      const partials = await this.#records(topics.partials, partition);
      if (!partials.some((record) => isPredictionPartial(record))) continue;
      let dataMs = 0;
      let labelMs = 0;
      for (const record of await this.#records(topics.history, partition)) {
        const subject = parseFactKey(textOf(record.key));
        if (subject?.fact !== 'decided' || record.value === null) continue;
        dataMs = Math.max(dataMs, subject.dataEndMs ?? 0);
        labelMs = Math.max(labelMs, subject.labelEndMs ?? 0);
      }
      if (Math.min(dataMs, labelMs) < this.#scenario.targetMs) return false;
      decidedPartitions++;
    }
    return decidedPartitions > 0 && (await this.#undelivered()).length === 0;
  }

  /** Incidents whose newest event no delivery record covers. */
  async #undelivered(): Promise<string[]> {
    const topics = internalTopics(this.#scenario.settings.group);
    const waiting: string[] = [];
    for (let partition = 0; partition < internalPartitions; partition++) {
      const done = new Map<string, number>();
      for (const record of await this.#records(topics.deliveries, partition)) {
        const ordinal = JSON.parse(textOf(record.value)).ordinal;
        if (ordinal !== undefined) done.set(textOf(record.key), Math.max(ordinal, done.get(textOf(record.key)) ?? -1));
      }
      for (const record of await this.#records(topics.events, partition)) {
        const event: EventRecord = JSON.parse(textOf(record.value));
        if ((done.get(event.incident) ?? -1) < event.ordinal) waiting.push(event.id);
      }
    }
    return waiting;
  }

  async #standing(): Promise<string> {
    const workers = this.#workers.map((worker) => `${worker.name} ${worker.state}`).join(', ');
    return `${workers}; ${(await this.#undelivered()).length} events undelivered`;
  }

  /** Two complete partials of one identity and one position are the same bytes, whoever wrote them. */
  async #checkPartials(problems: string[]): Promise<void> {
    const known = new Map<string, Uint8Array>();
    const { partials } = internalTopics(this.#scenario.settings.group);
    for (let partition = 0; partition < internalPartitions; partition++) {
      for (const { value } of await this.#records(partials, partition)) {
        const message = value === null ? null : decodeMessage(value);
        if (value === null || message?.type !== 'partial' || !message.complete) continue;
        const identity = `${partialKey(message)} up to ${message.to}`;
        const before = known.get(identity);
        if (before !== undefined && !Buffer.from(before).equals(value)) problems.push(`two partials ${identity} differ`);
        known.set(identity, value);
      }
    }
  }

  async #checkPanes(oracle: Oracle, reference: Reference, problems: string[]): Promise<number> {
    const { settings, targetMs } = this.#scenario;
    const topics = internalTopics(settings.group);
    const seen = new Set<string>();
    const inexact = new Set<number>();
    for (let partition = 0; partition < internalPartitions; partition++) {
      for (const record of await this.#records(topics.history, partition)) {
        const subject = parseFactKey(textOf(record.key));
        if (subject?.fact !== 'node' || record.value === null || subject.stepMs !== settings.window.hopMs || subject.endMs > targetMs)
          continue;
        const node = readNode([record.value], subject.stepMs, subject.endMs);
        if (node === null) {
          problems.push(`a pane of ${subject.model} has parts, which this simulation does not expect`);
          continue;
        }
        if (node.inexact.length > 0) {
          inexact.add(node.endMs);
          continue;
        }
        seen.add(cellKey(subject.endMs, subject.model, subject.cell.version, subject.cell.segment));
        problems.push(...oracle.problems(subject.model, subject.cell.version, subject.cell.segment, node).slice(0, 3));
        const expected = reference.facts.get(textOf(record.key));
        if (expected === undefined || !Buffer.from(expected).equals(record.value)) {
          problems.push(`pane ${textOf(record.key)}: its bytes differ from the uninterrupted run's`);
        }
        if (problems.length > 20) return seen.size;
      }
    }
    for (const key of oracle.cellsUntil(targetMs)) {
      if (!seen.has(key) && !inexact.has(JSON.parse(key)[0])) problems.push(`pane ${key}: was never decided`);
    }
    return seen.size;
  }

  async #checkEvents(reference: Reference, problems: string[]): Promise<number> {
    const { settings, targetMs } = this.#scenario;
    const topics = internalTopics(settings.group);
    const written = new Map<string, EventRecord>();
    const isIdle = settings.window.idleAfterMs < 3_600_000;
    for (let partition = 0; partition < internalPartitions; partition++) {
      for (const record of await this.#records(topics.events, partition)) {
        const event: EventRecord = JSON.parse(textOf(record.value));
        const before = written.get(event.id);
        written.set(event.id, event);
        // Decisions touched by an idle time may differ between runs, and say so.
        if (!event.exact && isIdle) continue;
        if (before !== undefined && canonicalJson(before) !== canonicalJson(event))
          problems.push(`event ${event.id} was written with different bytes`);
        if (!isIdle && reference.eventTexts.get(event.id) !== canonicalJson(event))
          problems.push(`event ${event.id} differs from the uninterrupted run's: ${event.summary}`);
      }
    }
    if (!isIdle) {
      for (const [id, event] of reference.events) {
        if (Date.parse(event.windowEnd) <= targetMs && !written.has(id))
          problems.push(`event ${id} is missing: ${event.kind} ${event.step} ${event.summary}`);
      }
    }
    this.#checkDeliveries(written, problems);
    return written.size;
  }

  /** Sentry got the steps of each incident in order, and the newest that opens, escalates or reminds. */
  #checkDeliveries(written: ReadonlyMap<string, EventRecord>, problems: string[]): void {
    const last = new Map<string, number>();
    const received = new Set<string>();
    for (const event of this.#delivered) {
      if (received.has(event.id)) continue;
      received.add(event.id);
      if (event.ordinal < (last.get(event.incident) ?? -1))
        problems.push(`incident ${event.incident}: step ${event.ordinal} was delivered after a later one`);
      last.set(event.incident, event.ordinal);
      if (!written.has(event.id)) problems.push(`event ${event.id} was delivered but never written`);
    }
    const incidents = new Set([...written.values()].map((event) => event.incident));
    for (const incident of incidents) if (!last.has(incident)) problems.push(`incident ${incident} never reached Sentry`);
  }

  async #records(topic: string, partition: number): Promise<LogRecord[]> {
    const { low, high } = await this.#log.offsets({ topic, partition });
    const reader = await this.#log.read({ topic, partition }, low);
    const records: LogRecord[] = [];
    for (let position = low; position < high; ) {
      const batch = await reader.next(0);
      if (batch === null) break;
      records.push(...batch.records);
      position = batch.nextOffset;
    }
    return records;
  }
}

/** Writes the source records in their order of arrival, in bursts. */
class Feed {
  readonly #log: MemoryLog;
  readonly #queue: { topic: string; partition: number; timestampMs: number; value: string }[];
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  #next = 0;

  constructor(log: MemoryLog, { traffic }: Scenario, random: Random, scheduler: Scheduler) {
    this.#log = log;
    this.#random = random;
    this.#scheduler = scheduler;
    this.#queue = (['predictions', 'feedback'] as const)
      .flatMap((topic) =>
        traffic[topic].flatMap((records, partition) =>
          records.map(({ record, timestampMs }) => ({ topic, partition, timestampMs, value: bytesOf(record) })),
        ),
      )
      .sort((left, right) => left.timestampMs - right.timestampMs);
  }

  get isDone(): boolean {
    return this.#next >= this.#queue.length;
  }

  async burst(): Promise<void> {
    const records = this.#queue.slice(this.#next, this.#next + 1 + this.#random.int(40));
    this.#next += records.length;
    const last = records.at(-1);
    if (last !== undefined) this.#scheduler.nowMs = Math.max(this.#scheduler.nowMs, last.timestampMs);
    await this.#log.produce(
      records.map(({ topic, partition, timestampMs, value }) => ({ topic, partition, timestampMs, key: null, value })),
    );
  }
}

function isPredictionPartial(record: LogRecord): boolean {
  if (record.value === null) return false;
  const message = decodeMessage(record.value);
  return (message.type === 'partial' || message.type === 'part') && message.source.role === 'predictions';
}

const decoder = new TextDecoder();
function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : decoder.decode(bytes);
}
