/** Three real brokers, of which one is away: what is acknowledged stays, and what cannot be acknowledged waits. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { findKafkaJars } from '../../src/demo/kafka/kafkaJars.ts';
import { createCluster } from '../../src/log/kafka/kafkaClient.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { brokerCount, type KafkaCluster, startKafkaCluster } from '../chaos/kafkaCluster.ts';
import { takeUpTo, waitForAssignment } from '../support/logSuite.ts';
import { configure, expectBounded, goesOnByItself, halfWay } from '../support/weather/halfWay.ts';
import { loudLines, writeShare } from '../support/weather/watchedWorker.ts';
import { readTopic, textOf } from '../support/workerTraffic.ts';

const cacheDir = join(import.meta.dirname, '../../.cache');
const jars = await findKafkaJars(cacheDir, (line) => console.log(line));
if ('because' in jars)
  console.warn(`Left out: brokers that are lost, which takes three of them started with Java, because ${jars.because}.`);

const partitions = 12;

let cluster: KafkaCluster;
let log: KafkaLog;

beforeAll(async () => {
  if ('because' in jars) return;
  cluster = await startKafkaCluster(cacheDir, (line) => console.log(line));
  log = await KafkaLog.open({ brokers: cluster.brokers }, createLogger('silent'));
});
afterAll(async () => {
  if ('because' in jars) return;
  await log.close();
  await cluster.stop();
});

it.skipIf('because' in jars)(
  'what was acknowledged is there, in every partition, although the leaders of some died while it was written',
  async () => {
    await log.createTopics([
      { topic: 'acknowledged', partitions, replicationFactor: brokerCount, configs: { 'min.insync.replicas': '2' } },
    ]);
    let isOver = false;
    let written = 0;
    const writing = (async () => {
      for (; !isOver; written++) {
        await log.produce(
          Array.from({ length: partitions }, (_, partition) => ({ topic: 'acknowledged', partition, key: null, value: String(written) })),
        );
      }
    })();
    for (let at = 0; at < brokerCount; at++) {
      await sleep(2_000);
      await cluster.kill(at);
      await sleep(6_000);
      await cluster.start(at);
      await sleep(6_000);
    }
    isOver = true;
    await writing;
    expect(written).toBeGreaterThan(100);
    for (const [partition, records] of (await readTopic(log, 'acknowledged')).entries()) {
      const there = new Set(records.map(({ value }) => Number(textOf(value))));
      const missing = Array.from({ length: written }, (_, number) => number).filter((number) => !there.has(number));
      expect({ partition, missing }).toEqual({ partition, missing: [] });
    }
  },
  300_000,
);

it.skipIf('because' in jars)(
  'the broker that coordinates a group dies and stays away: the member keeps its place and its partitions, and commits',
  async () => {
    const sessionTimeoutMs = 6_000;
    const own = await KafkaLog.open({ brokers: cluster.brokers, sessionTimeoutMs }, createLogger('silent'));
    const asked = createCluster(new Kafka({ brokers: [...cluster.brokers], logLevel: logLevel.NOTHING }));
    const group = 'coordinated';
    await log.createTopics([{ topic: group, partitions: 1, replicationFactor: brokerCount, configs: { 'min.insync.replicas': '2' } }]);
    const at = { topic: group, partition: 0 };
    await asked.connect();
    const member = await own.join({ group, topics: [at.topic] });
    await asked.refreshMetadata();
    const { coordinator } = await asked.findGroupCoordinatorMetadata({ groupId: group });
    await asked.disconnect();
    const broker = Number(coordinator.nodeId) - 1;
    try {
      await waitForAssignment(member, (owned) => owned === 1);
      const before = member.assignment();
      member.start(at, 0);
      await cluster.kill(broker);
      // Well past the session: without heartbeats the group would have put it out.
      const endMs = Date.now() + 3 * sessionTimeoutMs;
      let offset = 0;
      for (let isPast = false; !isPast; ) {
        isPast = Date.now() >= endMs;
        await log.produce([{ ...at, key: null, value: 'more' }]);
        offset += 1;
        await takeUpTo(member, at, offset);
        await member.commit([{ ...at, offset, metadata: '' }]);
        await sleep(100);
      }
      expect(await member.committed([at])).toEqual([{ ...at, offset, metadata: '' }]);
      expect(member.assignment()).toEqual(before);
    } finally {
      await own.close();
      await cluster.start(broker);
    }
  },
  120_000,
);

it.skipIf('because' in jars)(
  'a topic that wants more replicas than there are refuses writes: reading stops, other topics are written, two lines, and all goes on when it takes them',
  async () => {
    const admin = new Kafka({ clientId: 'test', brokers: [...cluster.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const world = await halfWay({
      log,
      brokers: cluster.brokers,
      name: 'replicas',
      seed: 3,
      replicationFactor: brokerCount,
    });
    const { topics, source, worker } = world;
    const failures = () => worker.sum('tidemark_write_failures_total', { topic: topics.partials, reason: 'NOT_ENOUGH_REPLICAS' });
    const says = (start: string) => worker.logger.lines.filter(({ message }) => message.startsWith(start)).length;
    try {
      // Three replicas in sync are wanted, and one broker is away.
      await cluster.kill(2);
      await configure(admin, topics.partials, { 'min.insync.replicas': '3' });
      await writeShare(log, source, 0.5, 0.75);
      await worker.until(() => failures() > 4 && says('Kafka refuses writes') > 0);
      const read = worker.sum('tidemark_records_read_total');
      const before = failures();
      await writeShare(log, source, 0.75, 1);
      await worker.until(() => failures() > before + 2);
      expect(worker.sum('tidemark_records_read_total')).toBe(read);
      expect(worker.sum('tidemark_writes_waiting_bytes', { topic: topics.partials })).toBeGreaterThan(0);
      expect(worker.sum('tidemark_writes_waiting_bytes', { topic: topics.history })).toBe(0);
      expectBounded(worker);

      await configure(admin, topics.partials, { 'min.insync.replicas': '2' });
      await goesOnByItself(log, world);
      expect(says('Kafka refuses writes')).toBe(1);
      expect(says('Kafka takes writes to the topic again')).toBe(1);
      // Besides that the broker that was killed may have been missed.
      expect(loudLines(worker).length).toBeLessThanOrEqual(4);
    } finally {
      await worker.stop();
      await admin.disconnect();
      await cluster.start(2);
    }
  },
  180_000,
);
