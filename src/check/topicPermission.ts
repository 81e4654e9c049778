import type { Logger } from '../core/logger.ts';
import { createKafka } from '../log/kafka/kafkaClient.ts';
import { defaultKafkaOptions, type KafkaOptions } from '../log/kafka/options.ts';
import type { TopicSpec } from '../log/port.ts';

/** Asks the brokers to validate the creation of topics without doing it. The reason of the refusal; null where they would do it. */
export async function refusalToCreate(options: KafkaOptions, logger: Logger, specs: readonly TopicSpec[]): Promise<string | null> {
  const admin = createKafka({ ...defaultKafkaOptions, ...options }, logger).admin();
  try {
    await admin.connect();
    await admin.createTopics({
      validateOnly: true,
      // There will be no leaders to wait for.
      waitForLeaders: false,
      topics: specs.map(({ topic, partitions, replicationFactor = -1, configs }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor,
        configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
      })),
    });
    return null;
  } catch (error) {
    return reasonOf(error);
  } finally {
    await admin.disconnect();
  }
}

/** kafkajs gathers the refusals of several topics in one error without words of its own. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner: unknown = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : undefined;
  return inner === undefined ? error.message : reasonOf(inner);
}
