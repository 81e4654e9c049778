import { InvariantError } from '../../core/errors.ts';
import { partitionKey } from '../partitionKey.ts';
import type { Assignment, Batch, Commit, Member, MemberOptions, TopicPartition } from '../port.ts';
import { Signal } from '../signal.ts';
import type { KafkaConnection } from './connection.ts';
import { Fetcher } from './fetcher.ts';
import { safeOffset } from './fetchResponse.ts';
import { GroupMembership } from './groupMembership.ts';
import { PartitionQueue } from './partitionQueue.ts';

/** The queue of a started partition, and the assignment under which it was started. */
interface Started {
  readonly since: number;
  readonly queue: PartitionQueue;
}

/** A member of a Kafka consumer group: membership on one side, fetching on the other. */
export class KafkaMember implements Member {
  readonly #connection: KafkaConnection;
  readonly #options: MemberOptions;
  readonly #changed = new Signal();
  readonly #membership: GroupMembership;
  readonly #fetcher: Fetcher;
  readonly #started = new Map<string, Started>();
  #seenEpoch = 0;
  /** Whether anything was brought, taken or started since the last wait. */
  #isFresh = true;

  constructor(connection: KafkaConnection, options: MemberOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#membership = new GroupMembership(connection, options, () => this.#onAssignment());
    this.#fetcher = new Fetcher(connection, () => {
      this.#showHeld();
      this.#isFresh = true;
      this.#changed.raise();
    });
  }

  /** Joins the group; resolves with the first assignment. `leave` ends the attempt too. */
  async join(): Promise<void> {
    try {
      await this.#membership.join();
    } catch (error) {
      await this.leave();
      throw error;
    }
  }

  assignment(): Assignment {
    this.#seenEpoch = this.#membership.assignment.epoch;
    return this.#membership.assignment;
  }

  async committed(partitions: readonly TopicPartition[]): Promise<ReadonlyArray<Commit | null>> {
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    const answer = await this.#connection.ask(`Reading the positions of group "${this.#options.group}"`, (admin) =>
      admin.fetchOffsets({ groupId: this.#options.group, topics }),
    );
    return partitions.map(({ topic, partition }) => {
      const found = answer.find((each) => each.topic === topic)?.partitions.find((each) => each.partition === partition);
      if (found === undefined || found.offset === '-1') return null;
      return { topic, partition, offset: safeOffset(found.offset), metadata: found.metadata ?? '' };
    });
  }

  start(partition: TopicPartition, offset: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw new InvariantError(`${partitionKey(partition)} cannot start at offset ${offset}`);
    const owned = this.#owned(partition);
    if (owned === undefined) return;
    const queue = new PartitionQueue(partition, offset, this.#fetcher.limitBytes, this.#fetcher.pump);
    const before = this.#started.get(partitionKey(partition));
    if (before !== undefined) this.#fetcher.remove(before.queue);
    this.#started.set(partitionKey(partition), { since: owned.since, queue });
    this.#isFresh = true;
    this.#fetcher.add(queue);
  }

  take(partition: TopicPartition): Batch | null {
    const batch = this.#started.get(partitionKey(partition))?.queue.take() ?? null;
    if (batch !== null) {
      this.#isFresh = true;
      this.#showHeld();
    }
    return batch;
  }

  #showHeld(): void {
    this.#connection.metrics.set('tidemark_fetched_waiting_bytes', { group: this.#options.group }, this.#fetcher.heldBytes);
  }

  async wait(timeoutMs: number): Promise<void> {
    const isReady = () => this.#membership.assignment.epoch !== this.#seenEpoch || (this.#isFresh && this.#isAnyReady());
    if (!isReady()) await this.#changed.until(isReady, this.#connection.clock.sleep(timeoutMs));
    this.#seenEpoch = this.#membership.assignment.epoch;
    this.#isFresh = false;
  }

  commit(commits: readonly Commit[]): Promise<void> {
    return this.#membership.commit(commits);
  }

  async leave(): Promise<void> {
    await Promise.all([this.#membership.leave(), this.#fetcher.close()]);
  }

  /** Partitions that stayed keep their queues; the queues of all others are dropped at once. */
  #onAssignment(): void {
    for (const [key, { since, queue }] of this.#started) {
      if (this.#owned(queue)?.since === since) continue;
      this.#fetcher.remove(queue);
      this.#started.delete(key);
    }
    this.#changed.raise();
  }

  #owned(partition: TopicPartition) {
    return this.#membership.assignment.partitions.find((each) => each.topic === partition.topic && each.partition === partition.partition);
  }

  #isAnyReady(): boolean {
    for (const { queue } of this.#started.values()) if (queue.isReady) return true;
    return false;
  }
}
