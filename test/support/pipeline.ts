/** Summarize and detect over the in-memory log in simulated time: workers come and go, records are produced when a test says, and what was decided is read back. */
import type { Node } from '../../src/core/detect/node.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import type { Metrics } from '../../src/core/metrics.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import type { Clock, Log, LogRecord } from '../../src/log/port.ts';
import { DetectStage } from '../../src/stages/detect.ts';
import { beat } from '../../src/stages/heartbeat.ts';
import { SummarizeStage } from '../../src/stages/summarize.ts';
import type { FirstStart } from '../../src/stages/summarizerStart.ts';
import { Scheduler } from '../simulation/scheduler.ts';
import { type CollectingLogger, collectingLogger } from './collectingLogger.ts';
import { Random } from './random.ts';
import { wholePanes } from './wholePanes.ts';

/** A prediction as its producer writes it. */
export interface Row {
  readonly timeMs: number;
  readonly amount?: number;
  readonly model?: string;
}

export interface StartOptions {
  readonly settings?: CoreSettings;
  readonly roles?: readonly ('summarize' | 'detect')[];
  readonly start?: FirstStart;
  /** Puts something between the worker and the log. */
  readonly wrap?: (log: Log) => Log;
}

/** A running worker of a pipeline. */
export interface PipelineWorker {
  readonly detect: DetectStage;
  /** Rejects with what a stage ended with. */
  readonly ended: Promise<void>;
  /** Tells it to stop, and lets time go on until its stages have ended. */
  stop(): Promise<void>;
}

/** Shortest sleep: the stages look around several times a second, which in days of simulated time only costs. News wakes them at once. */
const tickMs = 5_000;

export class Pipeline {
  readonly log: MemoryLog;
  readonly scheduler: Scheduler;
  readonly logger: CollectingLogger = collectingLogger();
  /** Sum of every counter, last value of every gauge, by `name {labels}`. */
  readonly figures = new Map<string, number>();
  readonly #settings: CoreSettings;
  readonly #metrics: Metrics;
  #rows = 0;

  private constructor(settings: CoreSettings, startMs: number, seed: number) {
    this.#settings = settings;
    this.scheduler = new Scheduler(new Random(seed), startMs);
    this.log = new MemoryLog({ clock: this.#clockOf(''), interpose: this.scheduler.interpose });
    const place = (name: string, labels: object) => `${name} ${JSON.stringify(labels)}`;
    this.#metrics = {
      count: (name, labels, amount = 1) => {
        this.figures.set(place(name, labels), (this.figures.get(place(name, labels)) ?? 0) + amount);
      },
      set: (name, labels, value) => void this.figures.set(place(name, labels), value),
      observe() {},
    };
  }

  /** `partitions`: of the predictions topic; `internalPartitions`: of every internal one. */
  static async create(
    settings: CoreSettings,
    {
      startMs,
      partitions,
      internalPartitions = 1,
      seed = 1,
    }: { startMs: number; partitions: number; internalPartitions?: number; seed?: number },
  ): Promise<Pipeline> {
    const pipeline = new Pipeline(settings, startMs, seed);
    const topics = Object.values(internalTopics(settings.group)).map((topic) => ({ topic, partitions: internalPartitions, configs: {} }));
    await pipeline.log.createTopics([{ topic: 'predictions', partitions, configs: {} }, ...topics]);
    return pipeline;
  }

  /** Keeps the heartbeat of a worker until the pipeline is given up; what it would tell Sentry comes to `checkIn`. */
  beat(worker: PipelineWorker, checkIn: (status: 'ok' | 'error') => void, signal: AbortSignal): void {
    const { window } = this.#settings;
    const times = { everyMs: 5 * 60_000, blindAfterMs: 15 * 60_000 };
    const common = { clock: this.#clockOf('heartbeat'), logger: this.logger, metrics: this.#metrics };
    beat({ detect: worker.detect, window, ...times, ...common, checkIn }, signal).catch((error) => {
      throw error;
    });
  }

  start(name: string, options: StartOptions = {}): PipelineWorker {
    const log = (options.wrap ?? ((same: Log) => same))(this.log.as(name));
    const settings = options.settings ?? this.#settings;
    const common = { log, settings, clock: this.#clockOf(name), logger: this.logger, metrics: this.#metrics };
    const roles = options.roles ?? ['summarize', 'detect'];
    const detect = new DetectStage(common);
    const controller = new AbortController();
    const running: Promise<void>[] = [];
    if (roles.includes('summarize'))
      running.push(
        new SummarizeStage({ ...common, start: options.start ?? 'earliest', deadLetterShare: 0.1, breathe: async () => {} }).run(
          controller.signal,
        ),
      );
    if (roles.includes('detect')) running.push(detect.run(controller.signal));
    const ended = Promise.all(running).then(() => {});
    let isOver = false;
    ended
      .catch(() => controller.abort())
      .finally(() => {
        isOver = true;
      });
    const stop = async () => {
      controller.abort();
      await this.runWhile(() => !isOver);
    };
    return { detect, ended, stop };
  }

  #clockOf(worker: string): Clock {
    const clock = this.scheduler.clockOf(worker);
    return { nowMs: () => clock.nowMs(), sleep: (milliseconds) => clock.sleep(Math.max(tickMs, milliseconds)) };
  }

  /** Rows of one partition, with the Kafka timestamp of now. */
  async produce(partition: number, rows: readonly Row[], timestampMs = this.scheduler.nowMs): Promise<void> {
    const records = rows.map(({ timeMs, amount = 1, model = 'fraud' }) => {
      this.#rows += 1;
      const value = JSON.stringify({ id: `r${this.#rows}`, ts: timeMs, model, version: '1', features: { amount }, prediction: 'ok' });
      return { topic: 'predictions', partition, key: null, value, timestampMs };
    });
    await this.log.produce(records);
  }

  /** Lets everything happen until the simulated time. */
  async runUntil(timeMs: number): Promise<void> {
    while (this.scheduler.nowMs < timeMs) if (!(await this.scheduler.step())) this.scheduler.nowMs = timeMs;
  }

  /** Lets everything happen until the condition holds; a failure where it does not within so much simulated time. */
  async runWhile(isPending: () => boolean | Promise<boolean>, mostMs = 24 * 3_600_000): Promise<void> {
    const endMs = this.scheduler.nowMs + mostMs;
    while (await isPending()) {
      if (this.scheduler.nowMs > endMs) throw new Error('The pipeline does not get there');
      for (let steps = 50; steps > 0; steps -= 1) {
        if (!(await this.scheduler.step()) && steps === 50) this.scheduler.nowMs += tickMs;
      }
    }
  }

  /** Decided panes of a model, over all versions, by their end. */
  async panes(model = 'fraud'): Promise<Map<number, Node>> {
    return wholePanes(await this.allRecords(internalTopics(this.#settings.group).history), this.#settings.window.hopMs, model);
  }

  async events(): Promise<EventRecord[]> {
    const records = await this.allRecords(internalTopics(this.#settings.group).events);
    return records.map(({ value }): EventRecord => JSON.parse(textOf(value)));
  }

  async allRecords(topic: string): Promise<LogRecord[]> {
    const partitions = Array.from({ length: await this.log.partitionCount(topic) }, (_, partition) => partition);
    return (await Promise.all(partitions.map((partition) => this.#records(topic, partition)))).flat();
  }

  async #records(topic: string, partition: number): Promise<LogRecord[]> {
    const { low } = await this.log.offsets({ topic, partition });
    const reader = await this.log.read({ topic, partition }, low);
    const records: LogRecord[] = [];
    for (let batch = await reader.next(0); batch !== null; batch = await reader.next(0)) records.push(...batch.records);
    return records;
  }
}

const decoder = new TextDecoder();
function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : decoder.decode(bytes);
}
