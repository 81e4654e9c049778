/** Summarize and detect on three real brokers, of which the newest records of a source topic are lost with their leader. The rules are tested on the in-memory log: `test/unit/stages/logSurprises.test.ts`. */
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { expect, it } from 'vitest';
import { findKafkaJars } from '../../src/demo/kafka/kafkaJars.ts';
import { brokerCount, startKafkaCluster } from '../chaos/kafkaCluster.ts';
import { KafkaStages } from '../support/kafkaStages.ts';
import { until } from '../support/workerTraffic.ts';

const cacheDir = join(import.meta.dirname, '../../.cache');
const jars = await findKafkaJars(cacheDir, (line) => console.log(line));
if ('because' in jars)
  console.warn(`Left out: an unclean leader election, which takes three brokers started with Java, because ${jars.because}.`);

it.skipIf('because' in jars)(
  'an unclean leader election that loses acknowledged records: what was read counts once, the loss is an incident, and what comes after is whole',
  async () => {
    const cluster = await startKafkaCluster(cacheDir, (line) => console.log(line));
    const group = 'unclean';
    const stages = await KafkaStages.open(cluster.brokers, group, brokerCount);
    const admin = new kafkajs.Kafka({ brokers: [...cluster.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    const committed = async () => {
      const [answer] = await admin.fetchOffsets({ groupId: group, topics: [stages.topic] });
      return Number(answer?.partitions[0]?.offset ?? -1);
    };
    try {
      await admin.connect();
      const configEntries = Object.entries({
        'retention.ms': '-1',
        'min.insync.replicas': '1',
        'unclean.leader.election.enable': 'true',
      }).map(([name, value]) => ({ name, value }));
      // On the first broker, which leads, and the second.
      const replicaAssignment = [{ partition: 0, replicas: [1, 2] }];
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic: stages.topic, replicaAssignment, configEntries }] });
      await until(async () => (await stages.log.partitionCount(stages.topic).catch(() => 0)) === 1);
      await stages.produce(0, 5);
      const stop = stages.start();
      await stages.untilDecided(3);
      // The open pane begins at 16, or later: the record before it, which the commit knows, is on both brokers.
      await until(async () => (await committed()) >= 16);
      await cluster.kill(1);
      // Acknowledged by the leader alone, and read.
      await stages.produce(5, 6);
      await stages.untilDecided(4);
      await cluster.kill(0);
      // Who comes back has not heard of them, and becomes the leader.
      await cluster.start(1);
      await until(() => stages.logger.lines.some(({ message }) => message.includes('become shorter than what was read')));
      await stages.produce(6, 10);
      await stages.untilDecided(8);
      await stop();
      const panes = await stages.panes();
      for (const pane of [0, 1, 2, 3, 4]) expect(panes.get(pane), `pane ${pane}`).toEqual({ rows: 4, inexact: [] });
      expect(panes.get(5)).toEqual({ rows: 4, inexact: ['gap'] });
      for (const pane of [6, 7, 8]) expect(panes.get(pane)?.rows, `pane ${pane}`).toBe(4);
      expect(panes.get(8)?.inexact).toEqual([]);
      expect(await stages.losses()).toEqual([expect.stringContaining('records lost by Kafka: the log became shorter')]);
    } finally {
      await admin.disconnect();
      await stages.log.close();
      await cluster.stop();
    }
  },
  180_000,
);
