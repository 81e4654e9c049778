import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { findKafkaJars } from '../../src/demo/kafka/kafkaJars.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { brokerCount, startKafkaCluster } from '../chaos/kafkaCluster.ts';
import { readTopic, textOf } from '../support/workerTraffic.ts';

const cacheDir = join(import.meta.dirname, '../../.cache');
const jars = await findKafkaJars(cacheDir, (line) => console.log(line));
if ('because' in jars)
  console.warn(`Left out: the loss of a leader, which takes three brokers started with Java, because ${jars.because}.`);

const partitions = 12;

it.skipIf('because' in jars)(
  'what was acknowledged is there, in every partition, although the leaders of some died while it was written',
  async () => {
    const cluster = await startKafkaCluster(cacheDir, (line) => console.log(line));
    const log = await KafkaLog.open({ brokers: cluster.brokers }, createLogger('silent'));
    try {
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
    } finally {
      await log.close();
      await cluster.stop();
    }
  },
  300_000,
);
