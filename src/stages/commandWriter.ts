/** What people say of a model, written where detect reads it: between the partials of that model, at a position of the log. */
import { internalTopics } from '../core/incident/topics.ts';
import { partitionOf } from '../core/record/partitioner.ts';
import { encodeMessage } from '../core/summarize/codec.ts';
import type { CommandRecord } from '../core/summarize/messages.ts';
import type { Log, TopicPartition } from '../log/port.ts';

/** Writes one command; gives where it stands. `DependencyError` where the topic does not exist or the log refuses. */
export async function writeCommand(log: Log, group: string, command: CommandRecord): Promise<TopicPartition & { readonly offset: number }> {
  const topic = internalTopics(group).partials;
  const partition = partitionOf(command.model, await log.partitionCount(topic));
  const [offset = -1] = await log.produce([{ topic, partition, key: command.model, value: encodeMessage(command) }]);
  return { topic, partition, offset };
}
