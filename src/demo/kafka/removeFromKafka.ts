import kafkajs from 'kafkajs';
import { fixKafkajsTimers } from '../../log/kafka/timerFix.ts';

/** Deletes what a run has left on a Kafka that stays: its topics and the positions of its groups. What is not there is no error. */
export async function removeFromKafka(brokers: readonly string[], topics: readonly string[], groups: readonly string[]): Promise<void> {
  fixKafkajsTimers();
  const admin = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: 'tidemark-demo',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 2 },
  }).admin();
  try {
    await admin.connect();
    const present = new Set(await admin.listTopics());
    const own = topics.filter((topic) => present.has(topic));
    if (own.length > 0) await admin.deleteTopics({ topics: own });
    const known = new Set((await admin.listGroups()).groups.map(({ groupId }) => groupId));
    const left = groups.filter((group) => known.has(group));
    if (left.length > 0) await admin.deleteGroups(left);
  } finally {
    await admin.disconnect();
  }
}
