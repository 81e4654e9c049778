import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { DependencyError } from '../../src/core/errors.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { testKafka } from '../support/kafka.ts';

const { brokers } = testKafka();
const topic = `questions-${process.pid}`;
let log: KafkaLog;

beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await log.createTopics([{ topic, partitions: 4, configs: {} }]);
});
afterAll(() => log.close());

it('answers what can be answered while other questions fail and have the connection replaced', async () => {
  const failing = async () => {
    for (let times = 0; times < 15; times++)
      await expect(log.offsets({ topic: `${topic}-missing`, partition: 0 })).rejects.toThrow(DependencyError);
  };
  const asking = async (partition: number) => {
    for (let times = 0; times < 40; times++) expect(await log.offsets({ topic, partition })).toEqual({ low: 0, high: 0 });
  };
  await Promise.all([failing(), failing(), ...[0, 1, 2, 3].map(asking)]);
});
