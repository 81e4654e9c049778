/**
 * The world of one simulated run: the in-memory log with its source topics, several workers (all three stages each), the sink, and the hand that disturbs them. What
 * happens is a function of the seed and the plan.
 */
import { DependencyError } from '../../src/core/errors.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import { partitionKey } from '../../src/log/partitionKey.ts';
import type { Commit, Log, LogRecord, TopicPartition } from '../../src/log/port.ts';
import { DetectStage } from '../../src/stages/detect.ts';
import { NotifyStage } from '../../src/stages/notify.ts';
import { SummarizeStage } from '../../src/stages/summarize.ts';
import { Random } from '../support/random.ts';
import { Feed } from './feed.ts';
import { Gauges } from './gauges.ts';
import type { Journal } from './journal.ts';
import type { Prelude } from './prelude.ts';
import type { SimulatedScenario } from './scenario.ts';
import { Scheduler } from './scheduler.ts';
import { SimulatedInbox } from './sink.ts';

/** Puts something between a worker and the log: deliberate bugs do. */
export type Wrap = (log: Log) => Log;

export interface SimulatedWorker {
  readonly name: string;
  readonly settings: CoreSettings;
  readonly stop: AbortController;
  state: 'running' | 'frozen' | 'expelled' | 'gone';
  /** Was put out of its groups while it was frozen. */
  wasZombie: boolean;
}

export interface WorldOptions {
  readonly seed: number;
  readonly scenario: SimulatedScenario;
  readonly prelude: Prelude | null;
  readonly journal: Journal;
  readonly wrap: Wrap;
  /** Source records up to here come. */
  readonly untilMs: number;
  readonly onAppend: (at: TopicPartition, record: LogRecord) => void;
  readonly onCommit: (group: string, commit: Commit) => void;
}

/** Share of the steps with source records. */
const feedShare = 0.05;
const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

export class World {
  readonly scheduler: Scheduler;
  readonly log: MemoryLog;
  readonly feed: Feed;
  readonly inbox: SimulatedInbox;
  readonly gauges: Gauges;
  readonly workers: SimulatedWorker[] = [];
  readonly failures: string[] = [];
  /** What workers are started with from now on. */
  settings: CoreSettings;
  readonly #options: WorldOptions;
  readonly #feedRandom: Random;
  readonly #jitter: Random;
  readonly #commits = new Map<string, number>();

  constructor(options: WorldOptions) {
    const { seed, scenario, prelude, onAppend, onCommit } = options;
    this.#options = options;
    this.settings = scenario.settings;
    // Numbers for different things come from different places, so that leaving out a disturbance shifts as little as possible.
    const schedule = new Random(seed);
    const fetch = new Random(seed + 1_000_000_000);
    this.#feedRandom = new Random(seed + 2_000_000_000);
    this.#jitter = new Random(seed + 3_000_000_000);
    const startMs = prelude?.nowMs ?? scenario.sources[0]?.records[0]?.timestampMs ?? 0;
    this.scheduler = new Scheduler(schedule, startMs);
    const largestFetch = 1 + fetch.int(60);
    this.log = new MemoryLog({
      clock: this.scheduler.clockOf(''),
      interpose: this.scheduler.interpose,
      fetchSize: () => 1 + fetch.int(largestFetch),
      onAppend,
      onCommit: (group, commit) => {
        this.#commits.set(`${group}/${partitionKey(commit)}`, commit.offset);
        onCommit(group, commit);
      },
    });
    this.inbox = new SimulatedInbox(this.scheduler, (name) => this.workers.some((one) => one.name === name && one.wasZombie));
    this.gauges = new Gauges(options.journal, scenario);
    const fromMs = scenario.preludeMs !== null && prelude !== null ? scenario.preludeMs : Number.NEGATIVE_INFINITY;
    this.feed = new Feed(this.log, scenario.sources, this.#feedRandom, this.scheduler, fromMs, options.untilMs);
  }

  async createTopics(): Promise<void> {
    const { scenario, prelude, journal } = this.#options;
    const topics = internalTopics(scenario.settings.group);
    const firstCount = (role: 'predictions' | 'feedback') => scenario.sources.filter((one) => one.role === role && !one.isAdded).length;
    await this.log.createTopics([
      { topic: 'predictions', partitions: firstCount('predictions'), configs: {} },
      { topic: 'feedback', partitions: firstCount('feedback'), configs: {} },
      ...Object.values(topics).map((topic) => ({ topic, partitions: scenario.internalPartitions, configs: {} })),
    ]);
    journal.isPrelude = true;
    await prelude?.putInto(this.log, [topics.history, topics.deliveries]);
    journal.isPrelude = false;
  }

  get running(): readonly SimulatedWorker[] {
    return this.workers.filter(({ state }) => state === 'running');
  }

  /** Newest commit of a group, in this run or before; 0 where there is none. */
  committed(group: string, at: TopicPartition): number {
    return this.#commits.get(`${group}/${partitionKey(at)}`) ?? this.#options.prelude?.committed(group, at) ?? 0;
  }

  /** What an operator may do while nobody is in the group; metadata is lost. */
  resetCommit(group: string, at: TopicPartition, offset: number): void {
    this.log.resetCommit(group, at, offset);
    this.#commits.set(`${group}/${partitionKey(at)}`, offset);
  }

  startWorker(): SimulatedWorker {
    const name = `w${this.workers.length}`;
    const worker: SimulatedWorker = { name, settings: this.settings, stop: new AbortController(), state: 'running', wasZombie: false };
    this.workers.push(worker);
    const log = this.#options.wrap(this.log.as(name));
    const clock = this.scheduler.clockOf(name);
    const { settings } = this;
    const { journal } = this.#options;
    const common = { log, settings, clock, logger: silent, metrics: this.gauges };
    const stages = [
      new SummarizeStage({ ...common, start: 'earliest', deadLetterShare: 1, breathe: async () => {} }),
      new DetectStage(common),
      new NotifyStage({
        ...common,
        group: settings.group,
        random: () => this.#jitter.next(),
        sink: this.inbox.of(name, new Map(journal.keptDelivered)),
      }),
    ];
    for (const stage of stages) stage.run(worker.stop.signal).catch((error) => this.#stageEnded(worker, error));
    return worker;
  }

  /** A stage that fails takes its worker down, as in the product; what the log refuses is no bug of it. */
  #stageEnded(worker: SimulatedWorker, error: unknown): void {
    if (!(error instanceof DependencyError) && worker.state !== 'gone')
      this.failures.push(`${worker.name} failed: ${error instanceof Error ? error.stack : error}`);
    worker.stop.abort();
    worker.state = 'gone';
  }

  /** Dies now; of its operations on the way some may have had their effect. Its groups notice when it is expelled. */
  crash(worker: SimulatedWorker, chance: Random): number {
    worker.state = 'gone';
    return this.scheduler.crash(worker.name, chance);
  }

  /** Stops of its own accord: writes what is due, commits and leaves. */
  stop(worker: SimulatedWorker): void {
    worker.stop.abort();
    worker.state = 'gone';
  }

  freeze(worker: SimulatedWorker): void {
    this.scheduler.freeze(worker.name);
    worker.state = 'frozen';
  }

  /** Its session times out: others take over, and it does not know. */
  expel(worker: SimulatedWorker): void {
    this.log.expel(worker.name);
    if (worker.state !== 'frozen') return;
    worker.state = 'expelled';
    worker.wasZombie = true;
  }

  /** Goes on where it was; as a zombie that is told soon, or writes on until a commit is refused. */
  thaw(worker: SimulatedWorker, isToldSoon: boolean): void {
    if (worker.state !== 'frozen' && worker.state !== 'expelled') return;
    this.expel(worker);
    this.scheduler.thaw(worker.name);
    worker.state = 'running';
    if (isToldSoon) this.log.heartbeat(worker.name);
  }

  /** One operation of a worker, sometimes some source records before it; where workers have nothing to do, records, else time goes on. */
  async proceed(): Promise<void> {
    if (!this.feed.isDone && this.#feedRandom.next() < feedShare) await this.feed.burst();
    const isBusy = await this.scheduler.step();
    if (!isBusy && !this.feed.isDone) await this.feed.burst();
  }

  /** The chaos is over: the dead are expelled, the frozen wake, and somebody works. */
  recover(): void {
    for (const worker of this.workers) {
      if (worker.state === 'gone' && !worker.stop.signal.aborted) this.log.expel(worker.name);
      this.thaw(worker, true);
    }
    for (const worker of this.running) this.log.heartbeat(worker.name);
    if (this.running.length === 0) this.startWorker();
  }
}
