import { createRequire } from 'node:module';
import { beforeAll, describe, expect, test } from 'vitest';
import { fixKafkajsMetadata } from '../../../../src/log/kafka/metadataFix.ts';

const require = createRequire(import.meta.url);
const metadata = require('kafkajs/src/protocol/requests/metadata/index.js');
const Cluster = require('kafkajs/src/cluster/index.js');

const led = { partitionErrorCode: 0, partitionId: 0, leader: 2, replicas: [2], isr: [2] };
const leaderless = { partitionErrorCode: 5, partitionId: 1, leader: -1, replicas: [1], isr: [1] };
const answer = (topicErrorCode: number) => ({
  brokers: [],
  topicMetadata: [{ topicErrorCode, topic: 'source', partitionMetadata: [led, leaderless] }],
});
const parse = (version: string, given: unknown) => metadata.protocol({ version })({ topics: [] }).response.parse(given);
const leadersOf = (partitions: readonly number[]) =>
  Cluster.prototype.findLeaderForPartitions.call({ findTopicPartitionMetadata: () => [led, leaderless] }, 'source', partitions);

beforeAll(fixKafkajsMetadata);

describe.each<string>(metadata.versions)('metadata, version %s of the protocol', (version) => {
  test('are taken with a partition that has no leader', async () => {
    expect(await parse(version, answer(0))).toEqual(answer(0));
  });
  test('are refused where a topic has an error', async () => {
    await expect(parse(version, answer(3))).rejects.toThrow('This server does not host this topic-partition');
  });
});

describe('the leader of a partition', () => {
  test('is known where others have none', () => {
    expect(leadersOf([0])).toEqual({ 2: [0] });
  });
  test('that has none is an error that may pass', () => {
    expect(() => leadersOf([0, 1])).toThrow(expect.objectContaining({ type: 'LEADER_NOT_AVAILABLE', retriable: true }));
  });
});
