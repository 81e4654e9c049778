import { DependencyError } from '../core/errors.ts';
import { partitionKey } from './partitionKey.ts';
import type { TopicPartition } from './port.ts';

/** Another log stands in the place of the one that was read: the topic was created anew, or Kafka lost its newest records. */
export class LogChangedError extends DependencyError {
  constructor(at: TopicPartition, position: number, what: string) {
    super(`${partitionKey(at)} was read up to ${position}, and ${what}: the topic was created anew, or its newest records were lost`);
  }
}
