import type { Batch, Clock, PartitionReader, TopicPartition } from '../port.ts';
import type { Signal } from '../signal.ts';
import type { Fetcher } from './fetcher.ts';
import { PartitionQueue } from './partitionQueue.ts';

/** A reader of one partition on the fetcher that all readers of a log share. It joins no group and leaves nothing behind. */
export class KafkaReader implements PartitionReader {
  readonly #fetcher: Fetcher;
  readonly #changed: Signal;
  readonly #clock: Clock;
  readonly #queue: PartitionQueue;

  /** @param changed raised whenever the fetcher brought something */
  constructor(fetcher: Fetcher, changed: Signal, clock: Clock, partition: TopicPartition, fromOffset: number) {
    this.#fetcher = fetcher;
    this.#changed = changed;
    this.#clock = clock;
    this.#queue = new PartitionQueue(partition, fromOffset, fetcher.limitBytes, fetcher.pump);
    fetcher.add(this.#queue);
  }

  async next(timeoutMs: number): Promise<Batch | null> {
    const batch = this.#queue.take();
    if (batch !== null || timeoutMs <= 0) return batch;
    await this.#changed.until(() => this.#queue.isReady, this.#clock.sleep(timeoutMs));
    return this.#queue.take();
  }

  async close(): Promise<void> {
    this.#fetcher.remove(this.#queue);
  }
}
