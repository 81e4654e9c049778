import kafkajs, { type Cluster, type Kafka, type SASLOptions } from 'kafkajs';
import { InvariantError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { TopicPartition } from '../port.ts';
import { registerCodecs } from './codecs.ts';
import { fixKafkajsMetadata } from './metadataFix.ts';
import type { KafkaSasl, ResolvedKafkaOptions } from './options.ts';
import { fixKafkajsTimers } from './timerFix.ts';

/**
 * A kafkajs client with our settings. Its retries are few and short, because what is above it supervises and says so in one line; what
 * kafkajs itself logs (hundreds of lines when a broker goes away) is for debugging only.
 */
export function createKafka(options: ResolvedKafkaOptions, logger: Logger): Kafka {
  fixKafkajsTimers();
  fixKafkajsMetadata();
  registerCodecs();
  const { brokers, clientId, ssl, sasl } = options;
  return new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: kafkajs.logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log: { message, ...fields } }) =>
        logger.debug({ kafkajs: namespace, ...fields, timestamp: undefined }, message),
  });
}

/**
 * A connection to the brokers without a group. kafkajs has no `assign()`: every consumer must join a group to read. It hands its cluster
 * to custom assigners, though, and the cluster can fetch; so a consumer that is never run gives a reader that leaves no trace.
 */
export function createCluster(kafka: Kafka): Cluster {
  const clusters: Cluster[] = [];
  kafka.consumer({
    groupId: 'tidemark-never-joined',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        clusters.push(cluster);
        return { name: 'none', version: 0, assign: async () => [], protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }) };
      },
    ],
  });
  const [cluster] = clusters;
  if (cluster === undefined) throw new InvariantError('kafkajs did not hand its cluster to the assigner');
  return cluster;
}

/** Whether a topic of the cluster's has this partition. kafkajs asks for the partitions of a topic once, so one that it does not know is asked for anew: it may have been added since. */
export async function hasPartition(cluster: Cluster, { topic, partition }: TopicPartition): Promise<boolean> {
  const isKnown = () => cluster.findTopicPartitionMetadata(topic).some(({ partitionId }) => partitionId === partition);
  if (!isKnown()) await cluster.refreshMetadata();
  return isKnown();
}

/** Whether a broker leads this partition of a topic of the cluster's, by what the brokers say now where kafkajs knows of none. */
export async function hasLeader(cluster: Cluster, { topic, partition }: TopicPartition): Promise<boolean> {
  const isLed = () => cluster.findTopicPartitionMetadata(topic).some(({ partitionId, leader }) => partitionId === partition && leader >= 0);
  if (!isLed()) await cluster.refreshMetadata();
  return isLed();
}

/** kafkajs has one type for each mechanism. */
function saslOf({ mechanism, username, password }: KafkaSasl): SASLOptions {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
  }
}
