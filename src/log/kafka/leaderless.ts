import type { Logger } from '../../core/logger.ts';
import { partitionKey } from '../partitionKey.ts';
import type { Clock, TopicPartition } from '../port.ts';

/** Shorter is not worth a line: a broker that starts answers a moment before it leads. */
const worthSayingMs = 2_000;

/** Names the partitions that no broker leads, because all their replicas are away: one line each when that lasts and one when it is over. Shared by all parts of one log. */
export class Leaderless {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #partitions = new Map<string, { readonly sinceMs: number; isSaid: boolean }>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Nobody leads it, as far as the brokers say now. */
  found({ topic, partition }: TopicPartition): void {
    const key = partitionKey({ topic, partition });
    const nowMs = this.#clock.nowMs();
    const known = this.#partitions.get(key) ?? { sinceMs: nowMs, isSaid: false };
    this.#partitions.set(key, known);
    if (known.isSaid || nowMs - known.sinceMs < worthSayingMs) return;
    known.isSaid = true;
    this.#logger.warn(
      { topic, partition },
      `Partition ${key} has no leader: every broker that holds a replica of it is away. It is read on when one of them is back, others are read meanwhile`,
    );
  }

  /** It was read. */
  ended({ topic, partition }: TopicPartition): void {
    if (this.#partitions.size === 0) return;
    const key = partitionKey({ topic, partition });
    const known = this.#partitions.get(key);
    if (known === undefined) return;
    this.#partitions.delete(key);
    const seconds = Math.round((this.#clock.nowMs() - known.sinceMs) / 100) / 10;
    if (known.isSaid) this.#logger.info({ topic, partition, seconds }, `Partition ${key} has a leader again and is read on`);
  }
}
