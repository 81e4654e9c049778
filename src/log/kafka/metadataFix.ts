/**
 * kafkajs 2.2.4 refuses a whole answer about topics and their partitions where one partition of one topic has an error, as when all its replicas are away: whoever
 * has that topic among others reads, asks and joins nothing any more. With this such an answer is taken, with that partition in it and nobody as its leader, and the
 * error comes to whoever asks for the leader of that partition. An error of a topic stays one of the answer.
 */
import { createRequire } from 'node:module';
import { InvariantError } from '../../core/errors.ts';

interface Answer {
  readonly topicMetadata: readonly { readonly partitionMetadata: readonly { readonly partitionErrorCode: number }[] }[];
}
interface ResponseProtocol {
  parse(answer: Answer): Promise<Answer>;
}
interface MetadataProtocol {
  readonly versions: readonly string[];
  protocol(which: { version: string }): (request: { topics: readonly string[] }) => { readonly response: ResponseProtocol };
}
/** By broker, as `Object.keys` gives it. */
type Leaders = Readonly<Record<string, readonly number[]>>;
interface ClusterPrototype {
  findLeaderForPartitions(topic: string, partitions: readonly unknown[]): Leaders;
}

const nobody = '-1';
const leaderNotAvailable = 5;

let isApplied = false;

/** Applies the fix once. An `InvariantError` says that kafkajs changed and that the fix must be looked at again. */
export function fixKafkajsMetadata(): void {
  if (isApplied) return;
  isApplied = true;
  const require = createRequire(import.meta.url);
  const metadata: MetadataProtocol = require('kafkajs/src/protocol/requests/metadata/index.js');
  const cluster: { readonly prototype: ClusterPrototype } = require('kafkajs/src/cluster/index.js');
  const errors: { createErrorFromCode(code: number): Error } = require('kafkajs/src/protocol/error.js');
  // Every version has a module of its own, with the same function in it.
  const responses = metadata.versions.map((version) => metadata.protocol({ version })({ topics: [] }).response);
  const find = cluster.prototype.findLeaderForPartitions;
  if (
    responses.length === 0 ||
    [...responses.map(({ parse }) => parse), find, errors.createErrorFromCode].some((each) => typeof each !== 'function')
  )
    throw new InvariantError('kafkajs is not the version whose metadata src/log/kafka/metadataFix.ts fixes');
  for (const response of responses) {
    const { parse } = response;
    response.parse = async (answer) => {
      await parse(withoutPartitionErrors(answer));
      return answer;
    };
  }
  cluster.prototype.findLeaderForPartitions = function findLeaderForPartitions(topic, partitions) {
    const leaders = find.call(this, topic, partitions);
    if (leaders[nobody] !== undefined) throw errors.createErrorFromCode(leaderNotAvailable);
    return leaders;
  };
}

function withoutPartitionErrors(answer: Answer): Answer {
  const topicMetadata = answer.topicMetadata.map((topic) => ({
    ...topic,
    partitionMetadata: topic.partitionMetadata.map((partition) => ({ ...partition, partitionErrorCode: 0 })),
  }));
  return { ...answer, topicMetadata };
}
