/** A worker that has read and decided half of its traffic, ready for bad weather; and what must hold during it and after. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { expect } from 'vitest';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import type { Log } from '../../../src/log/port.ts';
import {
  createSourceTopic,
  isSettled,
  keepHistory,
  type WorkerSetUp,
  type WorkerTraffic,
  workerTraffic,
  writeConfig,
} from '../workerTraffic.ts';
import { expectFold, startWatchedWorker, type WatchedWorker, writeShare } from './watchedWorker.ts';

const topicResource = 2;
const megabyte = 1024 * 1024;

export interface HalfWay {
  readonly source: WorkerTraffic;
  readonly at: WorkerSetUp;
  readonly topics: ReturnType<typeof internalTopics>;
  readonly worker: WatchedWorker;
}

export interface HalfWayOptions {
  readonly log: Log;
  readonly brokers: readonly string[];
  /** Group, and prefix of the source topics. */
  readonly name: string;
  readonly seed: number;
  readonly clientId?: string;
  /** Of the internal topics. */
  readonly replicationFactor?: number;
}

export async function halfWay({
  log,
  brokers,
  name,
  seed,
  clientId = 'tidemark',
  replicationFactor = 1,
}: HalfWayOptions): Promise<HalfWay> {
  const source = workerTraffic(name, seed, 40);
  await createSourceTopic(log, source.predictions, source.traffic.predictions.length);
  await createSourceTopic(log, source.feedback, source.traffic.feedback.length);
  await writeShare(log, source, 0, 0.5);
  await keepHistory(log, name, 4, replicationFactor);
  const at = writeConfig(name, brokers, source, { sinks: { log: true }, topics: { partitions: 4, replicationFactor } });
  const worker = await startWatchedWorker(at, brokers, clientId);
  await worker.until(() => worker.sum('tidemark_panes_decided_total') > 200);
  return { source, at, topics: internalTopics(at.group), worker };
}

/**
 * Sets these settings of a topic; others that it has of its own go. Asks several times: kafkajs sends this to the broker that Kafka names as the controller, which
 * with KRaft is any of them, for some seconds also one that has just been killed, and asks no other.
 */
export async function configure(admin: Admin, topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  for (let triesLeft = 30; ; triesLeft--) {
    try {
      await admin.alterConfigs({ validateOnly: false, resources: [{ type: topicResource, name: topic, configEntries }] });
      return;
    } catch (error) {
      if (triesLeft === 0) throw error;
      await sleep(1_000);
    }
  }
}

/** What waits is little, whatever the weather. */
export function expectBounded(worker: WatchedWorker): void {
  expect(worker.highest('tidemark_writes_waiting_bytes')).toBeLessThan(8 * megabyte);
  expect(worker.highest('tidemark_fetched_waiting_bytes')).toBeLessThan(16 * megabyte);
}

/** All is decided in the end, and as one pass over the records decides it. Stops the worker. */
export async function goesOnByItself(log: Log, { worker, at, source }: HalfWay): Promise<void> {
  await worker.until(() => isSettled(log, at.group, source.settledMs));
  await worker.stop();
  await expectFold(log, at, source);
}
