import { describe, expect, it } from 'vitest';
import type { TopicSettings } from '../../../src/config/config.ts';
import { ConfigError, DependencyError } from '../../../src/core/errors.ts';
import { ensureInternalTopics, internalTopicSpecs, kafkaTopicsCommands } from '../../../src/log/internalTopics.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';

const settings: TopicSettings = {
  create: true,
  partitions: 3,
  replicationFactor: null,
  partialsRetentionMs: 1_000,
  eventsRetentionMs: 2_000,
  deadLettersRetentionMs: 3_000,
};
const names = ['g.partials', 'g.history', 'g.events', 'g.deliveries', 'g.dead-letters'];

describe('the internal topics', () => {
  it('keep facts and deliveries by compaction, the others for their time', () => {
    const cleanup = internalTopicSpecs('g', settings).map(({ topic, configs }) => [
      topic,
      configs['cleanup.policy'],
      configs['retention.ms'],
    ]);
    expect(cleanup).toEqual([
      ['g.partials', 'delete', '1000'],
      ['g.history', 'compact', undefined],
      ['g.events', 'delete', '2000'],
      ['g.deliveries', 'compact', undefined],
      ['g.dead-letters', 'delete', '3000'],
    ]);
  });

  it('are created where they are missing, with the same partition count', async () => {
    const log = new MemoryLog();
    await ensureInternalTopics(log, 'g', settings);
    expect(await Promise.all(names.map((name) => log.partitionCount(name)))).toEqual([3, 3, 3, 3, 3]);
    await ensureInternalTopics(log, 'g', settings);
  });

  it('stop the start where their partition count is not that of the settings', async () => {
    const log = new MemoryLog();
    await ensureInternalTopics(log, 'g', settings);
    const again = ensureInternalTopics(log, 'g', { ...settings, partitions: 6 });
    await expect(again).rejects.toThrow(ConfigError);
    await expect(again).rejects.toThrow(/topics\.partitions: is 6, but the topic g\.partials has 3/);
  });

  it('are not created where that is forbidden: the error says how to do it', async () => {
    const start = ensureInternalTopics(new MemoryLog(), 'g', { ...settings, create: false });
    await expect(start).rejects.toThrow(DependencyError);
    await expect(start).rejects.toThrow(/tidemark topics --print/);
  });

  it("are what the commands of Kafka's tools create", () => {
    const commands = kafkaTopicsCommands(internalTopicSpecs('g', { ...settings, replicationFactor: 3 }), ['a:9092', 'b:9092']);
    expect(commands.split('\n')[0]).toBe(
      'kafka-topics.sh --bootstrap-server a:9092,b:9092 --create --if-not-exists --topic g.partials --partitions 3 --replication-factor 3 --config cleanup.policy=delete --config retention.ms=1000',
    );
  });
});
