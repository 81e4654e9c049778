import type { Clock, TopicPartition } from '../port.ts';
import type { Signal } from '../signal.ts';
import type { MemoryPartition } from './memoryPartition.ts';

/** An asynchronous operation of the port that is about to happen; `member` is the worker's name (`log.as(name)`). */
export interface Operation {
  readonly name:
    | 'partitionCount'
    | 'createTopics'
    | 'offsets'
    | 'offsetAtTime'
    | 'produce'
    | 'join'
    | 'read'
    | 'next'
    | 'committed'
    | 'commit'
    | 'leave'
    | 'wait';
  readonly member?: string;
}

/**
 * Runs an operation. The default runs the effect in a microtask. A simulator may wait before and after, never run it (a crash before),
 * never resolve (a crash after), or run it twice (a repeated write): each call of `effect` does the whole thing.
 */
export type Interpose = <T>(operation: Operation, effect: () => T) => Promise<T>;

/** What the parts of a memory log share. */
export interface MemoryContext {
  readonly clock: Clock;
  readonly interpose: Interpose;
  readonly fetchSize: () => number;
  /** Raised whenever a record arrives or an assignment changes. */
  readonly changed: Signal;
  /** Throws a DependencyError where the partition does not exist. */
  readonly partition: (at: TopicPartition) => MemoryPartition;
}
