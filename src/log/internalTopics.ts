/** The topics that Tidemark keeps for itself: one list of how they must be made, for the worker, for `tidemark topics` and for clusters where somebody else makes them. */
import type { TopicSettings } from '../config/config.ts';
import { ConfigError, DependencyError } from '../core/errors.ts';
import { internalTopics } from '../core/incident/topics.ts';
import type { Log, TopicSpec } from './port.ts';

/**
 * A restart reads these topics whole, so little may stand in them beside what counts. Compaction leaves the open segment alone: small segments. It begins when a fifth is stale, not the half of Kafka's
 * default. Tombstones are for readers that are on their way: an hour, not a day (docs/decisions/0051-small-history.md).
 */
const compacted = {
  'cleanup.policy': 'compact',
  'segment.bytes': '2097152',
  'min.cleanable.dirty.ratio': '0.2',
  'delete.retention.ms': '3600000',
};

/** Specification of every internal topic of a group. All have the same partition count: what belongs together stays with one worker. */
export function internalTopicSpecs(group: string, settings: TopicSettings): readonly TopicSpec[] {
  const names = internalTopics(group);
  const deleted = (retentionMs: number) => ({ 'cleanup.policy': 'delete', 'retention.ms': String(retentionMs) });
  const configsOf: readonly (readonly [topic: string, configs: Readonly<Record<string, string>>])[] = [
    [names.partials, deleted(settings.partialsRetentionMs)],
    [names.history, compacted],
    [names.events, deleted(settings.eventsRetentionMs)],
    [names.deliveries, compacted],
    [names.deadLetters, deleted(settings.deadLettersRetentionMs)],
  ];
  const { partitions, replicationFactor } = settings;
  return configsOf.map(([topic, configs]) => ({
    topic,
    partitions,
    configs,
    ...(replicationFactor === null ? {} : { replicationFactor }),
  }));
}

/**
 * Makes sure that the internal topics are there: creates the missing ones where `topics.create` allows it, and compares partition counts.
 * `ConfigError` where a count differs: models would change their partition, and what is known of them would be left behind.
 */
export async function ensureInternalTopics(log: Log, group: string, settings: TopicSettings): Promise<void> {
  const specs = internalTopicSpecs(group, settings);
  if (settings.create) await log.createTopics(specs);
  for (const { topic, partitions } of specs) {
    const found = await partitionsOf(log, topic, settings.create);
    if (found !== partitions) {
      throw new ConfigError(
        `topics.partitions: is ${partitions}, but the topic ${topic} has ${found} partitions; set topics.partitions to ${found}, or begin anew under another kafka.group`,
      );
    }
  }
}

async function partitionsOf(log: Log, topic: string, isCreating: boolean): Promise<number> {
  try {
    return await log.partitionCount(topic);
  } catch (error) {
    if (isCreating || !(error instanceof DependencyError)) throw error;
    const advice = 'topics.create is false, so create it with the commands of "tidemark topics --print"';
    throw new DependencyError(`${error.message}; ${advice}`, { cause: error });
  }
}

/** The commands of Kafka's own tools that create the topics, one a line. */
export function kafkaTopicsCommands(specs: readonly TopicSpec[], brokers: readonly string[]): string {
  const lines = specs.map(({ topic, partitions, replicationFactor, configs }) => {
    const replication = replicationFactor === undefined ? '' : ` --replication-factor ${replicationFactor}`;
    const settings = Object.entries(configs).map(([name, value]) => ` --config ${name}=${value}`);
    return `kafka-topics.sh --bootstrap-server ${brokers.join(',')} --create --if-not-exists --topic ${topic} --partitions ${partitions}${replication}${settings.join('')}`;
  });
  return `${lines.join('\n')}\n`;
}
