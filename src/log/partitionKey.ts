import type { TopicPartition } from './port.ts';

/** Key of a partition in maps. A topic name holds no `/`. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
