import type { Logger } from '../../core/logger.ts';
import { partitionKey } from '../partitionKey.ts';
import type { Clock, TopicPartition } from '../port.ts';

/** Names the partitions that no broker leads, because all their replicas are away: one line each when that begins and one when it is read again. Shared by all parts of one log. */
export class Leaderless {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #sinceMs = new Map<string, number>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  began({ topic, partition }: TopicPartition): void {
    const key = partitionKey({ topic, partition });
    if (this.#sinceMs.has(key)) return;
    this.#sinceMs.set(key, this.#clock.nowMs());
    this.#logger.warn(
      { topic, partition },
      `Partition ${key} has no leader: every broker that holds a replica of it is away. It is read on when one of them is back, others are read meanwhile`,
    );
  }

  ended({ topic, partition }: TopicPartition): void {
    if (this.#sinceMs.size === 0) return;
    const key = partitionKey({ topic, partition });
    const sinceMs = this.#sinceMs.get(key);
    if (sinceMs === undefined) return;
    this.#sinceMs.delete(key);
    const seconds = Math.round((this.#clock.nowMs() - sinceMs) / 100) / 10;
    this.#logger.info({ topic, partition, seconds }, `Partition ${key} has a leader again and is read on`);
  }
}
