import type { Logger } from '../../core/logger.ts';
import type { TopicPartition } from '../port.ts';
import { protocolErrorOf } from './kafkaErrors.ts';

/** Names the topics that cannot be read although their brokers answer: a line for every reason, not for every attempt, and one when all of the topic is read again. */
export class Unreadable {
  readonly #logger: Logger;
  readonly #topics = new Map<string, { readonly reasons: Set<string>; readonly partitions: Set<number> }>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A request for these partitions has failed. */
  failed(error: unknown, places: readonly TopicPartition[]): void {
    const byTopic = Map.groupBy(places, ({ topic }) => topic);
    // The broker does not say of which topic it speaks. They are asked one by one next, and those that are well are not named.
    if (byTopic.size > 1 && protocolErrorOf(error) !== undefined) return;
    const reason = error instanceof Error ? error.message : String(error);
    for (const [topic, list] of byTopic) {
      const known = this.#topics.get(topic) ?? { reasons: new Set(), partitions: new Set() };
      this.#topics.set(topic, known);
      for (const { partition } of list) known.partitions.add(partition);
      if (known.reasons.has(reason)) continue;
      known.reasons.add(reason);
      this.#logger.warn({ topic, reason }, `Topic ${topic} cannot be read; trying again`);
    }
  }

  /** It was read. */
  ended({ topic, partition }: TopicPartition): void {
    if (this.#isLast(topic, partition)) this.#logger.info({ topic }, `Topic ${topic} can be read again`);
  }

  /** Nobody reads it here any more. */
  left({ topic, partition }: TopicPartition): void {
    this.#isLast(topic, partition);
  }

  /** Takes it out; whether it was the last partition of a topic that could not be read. */
  #isLast(topic: string, partition: number): boolean {
    const known = this.#topics.get(topic);
    if (known === undefined || !known.partitions.delete(partition) || known.partitions.size > 0) return false;
    this.#topics.delete(topic);
    return true;
  }
}
