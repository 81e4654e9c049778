/**
 * Chaos on real Kafka: three brokers, workers as processes of their own, and for some minutes everything that goes wrong in a year: kill -9, processes frozen
 * for longer than their session and woken as zombies, rolling restarts, brokers killed under their leaders, a Sentry that fails in every way.
 * Traffic is written all the while. Then the weather clears, and what was decided is held against a fold of what the topics hold (`verdict.ts`).
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '../../src/config/logger.ts';
import { factKey } from '../../src/core/detect/fact.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { decodeMessage } from '../../src/core/summarize/codec.ts';
import { internalTopicSpecs } from '../../src/log/internalTopics.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { Log } from '../../src/log/port.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { Random } from '../support/random.ts';
import { readTopic, until, type WorkerSetUp, writeConfig } from '../support/workerTraffic.ts';
import { type ChaosPlan, outgoing, planTraffic, sourcePartitions, writePrefix } from './chaosTraffic.ts';
import { failInbox } from './failingInbox.ts';
import { Fleet, type FleetCounts } from './fleet.ts';
import { GroupView } from './groupView.ts';
import { HistoryTap } from './historyTap.ts';
import { brokerCount, type KafkaCluster, startKafkaCluster } from './kafkaCluster.ts';
import { isDelivered, judge, type Verdict } from './verdict.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How long the bad weather lasts. */
  readonly minutes: number;
  readonly report: (line: string) => void;
}

export interface ChaosResult {
  readonly seed: number;
  readonly minutes: number;
  readonly verdict: Verdict;
  readonly weather: Weather;
  /** From a kill -9 until everything that stood in the source topics at that moment was covered by watermark records, in seconds, ascending. */
  readonly catchUpSeconds: readonly number[];
}

/** How bad it was. */
interface Weather extends FleetCounts {
  /** Brokers ended, every other one by SIGKILL, and started again on their data. */
  readonly brokerRestarts: number;
  /** Source and internal partitions that had another leader afterwards, over all restarts. */
  readonly leaderMoves: number;
  /** Times that the inbox began to fail in some way. */
  readonly sinkFailures: number;
  /** Offsets without a record before the first of every source partition: a chunk ends in the middle of the run. */
  readonly leadingGap: number;
}

const topics = { predictions: 'chaos-predictions', feedback: 'chaos-feedback' };
const models = ['fraud', 'churn'];

/** The numbers of workers that the run passes through. */
const fleetSizes = [3, 5, 2] as const;
/** Share of the time in which the traffic to learn from is written. */
const learningShare = 0.25;

/** One run. Everything it starts is its own and ends with it. */
export async function runChaos({ seed, minutes, report }: ChaosOptions): Promise<ChaosResult> {
  const random = new Random(seed);
  const cluster = await startKafkaCluster(join(import.meta.dirname, '../../.cache'), report);
  const inbox = await startInbox({ host: '127.0.0.1', port: 0 });
  const log = await KafkaLog.open({ brokers: cluster.brokers, patienceMs: 300_000 }, createLogger('silent'));
  const view = await GroupView.open(cluster.brokers);
  const run = new ChaosRun(random, planTraffic(random, minutes), minutes * 60_000, { cluster, inbox, log, view }, report);
  try {
    await run.prepare();
    await run.storm();
    await run.calm();
    return { seed, minutes, verdict: await run.judge(), weather: run.weather, catchUpSeconds: run.catchUpSeconds.sort((a, b) => a - b) };
  } finally {
    await run.stop();
    await view.close();
    await log.close();
    await inbox.close();
    await cluster.stop();
  }
}

interface Surroundings {
  readonly cluster: KafkaCluster;
  readonly inbox: Inbox;
  readonly log: Log;
  readonly view: GroupView;
}

class ChaosRun {
  readonly catchUpSeconds: number[] = [];
  readonly #random: Random;
  readonly #plan: ChaosPlan;
  readonly #lastsMs: number;
  readonly #around: Surroundings;
  readonly #report: (line: string) => void;
  readonly #at: WorkerSetUp;
  readonly #fleet: Fleet;
  #tap: HistoryTap | null = null;
  #watching: Promise<void>[] = [];
  #isAllDecided = false;
  #brokerRestarts = 0;
  #leaderMoves = 0;
  #sinkFailures = 0;

  constructor(random: Random, plan: ChaosPlan, lastsMs: number, around: Surroundings, report: (line: string) => void) {
    this.#random = random;
    this.#plan = plan;
    this.#lastsMs = lastsMs;
    this.#around = around;
    this.#report = report;
    const { inbox, cluster, view } = around;
    this.#at = writeConfig('chaos', cluster.brokers, topics, {
      alerts: { reopenWithin: '6h' },
      // A storm it is: but every incident is to have an issue.
      sentry: { dsn: inbox.dsn, api: inbox.api, storm: { issues: 10_000, segments: 10_000 } },
      topics: { partitions: sourcePartitions, replicationFactor: brokerCount },
    });
    this.#fleet = new Fleet({ random, file: this.#at.file, members: () => view.members(this.#at.group), report });
  }

  get weather(): Weather {
    return {
      ...this.#fleet.counts,
      brokerRestarts: this.#brokerRestarts,
      leaderMoves: this.#leaderMoves,
      sinkFailures: this.#sinkFailures,
      leadingGap: this.#plan.leadingGap,
    };
  }

  async prepare(): Promise<void> {
    const { log, cluster } = this.#around;
    const configs = { 'retention.ms': '-1', 'min.insync.replicas': '2' };
    const { predictions, feedback } = this.#plan.traffic;
    await log.createTopics([
      { topic: topics.predictions, partitions: predictions.length, replicationFactor: brokerCount, configs },
      { topic: topics.feedback, partitions: feedback.length, replicationFactor: brokerCount, configs },
      ...internalTopicSpecs(this.#at.group, this.#at.config.topics).map((spec) => ({ ...spec, configs: soonCompacted(spec.configs) })),
    ]);
    await writePrefix(cluster.brokers, topics, this.#plan);
    this.#tap = await HistoryTap.open(log, internalTopics(this.#at.group).history);
    await this.#fleet.scaleTo(fleetSizes[0]);
    // What broke before anything ran would be no test.
    await until(async () => (await this.#around.view.members(this.#at.group)).size === fleetSizes[0], 500);
  }

  /** Writes the traffic, spread over the time, while things break. */
  async storm(): Promise<void> {
    const endMs = performance.now() + this.#lastsMs;
    const isOver = () => performance.now() >= endMs;
    await Promise.all([this.#write(), this.#breakWorkers(isOver), this.#breakBrokers(isOver), this.#breakSink(isOver)]);
  }

  /** Good weather again: everything that was written must be decided and delivered. */
  async calm(): Promise<void> {
    const { settledMs } = this.#plan;
    await this.#fleet.thawed();
    this.#report(`calm: ${this.#fleet.size} workers, waiting for the last decision`);
    const last = factKey({ fact: 'decided', dataEndMs: settledMs, labelEndMs: settledMs });
    await until(() => this.#tap?.hasDecided(last, models) === true, 200);
    this.#isAllDecided = true;
    this.#report('calm: everything is decided, waiting for the last delivery');
    await Promise.all(this.#watching);
    await until(() => isDelivered(this.#around.log, this.#at.group), 1_000);
  }

  judge(): Promise<Verdict> {
    const { log, inbox } = this.#around;
    if (this.#tap === null) throw new Error('Nothing was prepared');
    return judge({ log, inbox, tap: this.#tap, at: this.#at, topics, models, plan: this.#plan });
  }

  async stop(): Promise<void> {
    await this.#fleet.close();
    await this.#tap?.close();
  }

  /** Evenly over the time, but what there is to learn from first in a hurry: there is nothing to tell of yet. */
  async #write(): Promise<void> {
    const records = outgoing(topics, this.#plan.traffic);
    const firstMs = records[0]?.timestampMs ?? 0;
    const learnedMs = firstMs + 28 * 3_600_000;
    const learning = records.findIndex(({ timestampMs = 0 }) => timestampMs >= learnedMs);
    const shares = [
      { records: records.slice(0, learning), lastsMs: learningShare * this.#lastsMs },
      { records: records.slice(learning), lastsMs: (1 - learningShare) * this.#lastsMs },
    ];
    for (const share of shares) await this.#writeEvenly(share.records, share.lastsMs);
  }

  async #writeEvenly(records: ReturnType<typeof outgoing>, lastsMs: number): Promise<void> {
    const everyMs = 500;
    const size = Math.ceil(records.length / (lastsMs / everyMs));
    const beganMs = performance.now();
    for (let at = 0, batch = 1; at < records.length; at += size, batch++) {
      await this.#around.log.produce(records.slice(at, at + size));
      await sleep(Math.max(0, beganMs + batch * everyMs - performance.now()));
    }
  }

  async #breakWorkers(isOver: () => boolean): Promise<void> {
    const beganMs = performance.now();
    for (let step = 1; !isOver(); step++) {
      const share = (performance.now() - beganMs) / this.#lastsMs;
      await this.#fleet.scaleTo(fleetSizes[Math.min(fleetSizes.length - 1, Math.floor(share * fleetSizes.length))] ?? 2);
      await sleep(4_000 + this.#random.int(9_000));
      const dice = this.#random.next();
      if (step % 12 === 0) await this.#fleet.roll();
      else if (dice < 0.65) await this.#kill();
      else this.#fleet.freeze();
    }
    await this.#fleet.scaleTo(2);
  }

  /** Kills a worker, and watches how long it takes until what stood in the topics then is covered. */
  async #kill(): Promise<void> {
    if (!this.#fleet.kill()) return;
    const atMs = performance.now();
    const { log } = this.#around;
    const ends = await Promise.all(
      Array.from({ length: sourcePartitions }, (_, partition) => log.offsets({ topic: topics.predictions, partition })),
    );
    const watching = this.#isCovered(ends.map(({ high }) => high)).then(
      () => void this.catchUpSeconds.push((performance.now() - atMs) / 1_000),
    );
    // Its failure is that of the run when everything is calm; one that comes of the end of a run must not hide what ended it.
    watching.catch(() => undefined);
    this.#watching.push(watching);
  }

  async #breakBrokers(isOver: () => boolean): Promise<void> {
    const { cluster, view } = this.#around;
    const watched = [...Object.values(topics), ...Object.values(internalTopics(this.#at.group))];
    for (let at = 0; ; at = (at + 1) % brokerCount) {
      await sleep(12_000 + this.#random.int(15_000));
      if (isOver()) return;
      const before = await view.leaders(watched);
      await cluster.kill(at, this.#brokerRestarts % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      this.#brokerRestarts++;
      await sleep(5_000 + this.#random.int(8_000));
      const after = await view.leaders(watched);
      this.#leaderMoves += [...before].filter(([partition, leader]) => after.get(partition) !== leader).length;
      await cluster.start(at);
      // The replicas catch up before the next one goes: with two of three away nothing could be written.
      await sleep(10_000);
    }
  }

  /** From the first incident on: before, nothing would be refused. */
  async #breakSink(isOver: () => boolean): Promise<void> {
    const { log, inbox } = this.#around;
    const { events } = internalTopics(this.#at.group);
    await until(async () => isOver() || (await readTopic(log, events)).some((records) => records.length > 0), 1_000);
    this.#sinkFailures = await failInbox(inbox, this.#lastsMs, isOver);
  }

  /** Resolves when watermark records cover these positions of the prediction partitions. */
  async #isCovered(ends: readonly number[]): Promise<void> {
    const { log } = this.#around;
    const at = { topic: internalTopics(this.#at.group).partials, partition: 0 };
    const { low } = await log.offsets(at);
    const reader = await log.read(at, low);
    const open = new Set(ends.keys());
    try {
      // Where the last record of a partition was written twice, no watermark passes the second: when all is decided nothing is waited for.
      while (open.size > 0 && !this.#isAllDecided) {
        for (const { value } of (await reader.next(1_000))?.records ?? []) {
          const message = value === null ? null : decodeMessage(value);
          if (message?.type !== 'watermark' || message.source.topic !== topics.predictions) continue;
          if (message.position >= (ends[message.source.partition] ?? 0)) open.delete(message.source.partition);
        }
      }
    } finally {
      await reader.close();
    }
  }
}

/** Small segments, cleaned at once: compaction takes away what is needed no more while the run lasts, not after days. */
function soonCompacted(configs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (configs['cleanup.policy'] !== 'compact') return configs;
  return { ...configs, 'segment.bytes': '1048576', 'min.cleanable.dirty.ratio': '0.1' };
}
