import kafkajs from 'kafkajs';
import { DependencyError } from '../../core/errors.ts';
import { fixKafkajsTimers } from '../../log/kafka/timerFix.ts';

/**
 * Resolves when brokers answer, for topics and for groups: the first question for a group creates `__consumer_offsets`, and until that is
 * done clients log errors and wait.
 * @throws DependencyError with the last error after `limitMs`
 */
export async function waitForKafka(brokers: readonly string[], limitMs: number): Promise<void> {
  fixKafkajsTimers();
  const endMs = Date.now() + limitMs;
  for (;;) {
    const admin = new kafkajs.Kafka({
      brokers: [...brokers],
      clientId: 'tidemark-wait',
      logLevel: kafkajs.logLevel.NOTHING,
      connectionTimeout: 2_000,
      retry: { retries: 0 },
    }).admin();
    try {
      await admin.connect();
      await admin.fetchTopicMetadata();
      await admin.describeGroups(['tidemark-wait']);
      return;
    } catch (error) {
      if (Date.now() >= endMs) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new DependencyError(`No Kafka answers at ${brokers.join(', ')} (${reason})`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}
