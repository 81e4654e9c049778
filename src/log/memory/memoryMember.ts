import { DependencyError } from '../../core/errors.ts';
import { LogChangedError } from '../logChanged.ts';
import { partitionKey } from '../partitionKey.ts';
import type { Assignment, Batch, Commit, Member, TopicPartition } from '../port.ts';
import type { MemoryContext, Operation } from './memoryContext.ts';
import type { Membership, MemoryGroup } from './memoryGroup.ts';
import type { MemoryPartition } from './memoryPartition.ts';

/** Position of a started partition, and the assignment under which it was started. */
interface Started {
  readonly partition: TopicPartition;
  readonly since: number;
  /** The log that is read, and how often it had been cut. */
  readonly log: MemoryPartition;
  readonly cutCount: number;
  position: number;
}

/** A member of a group of the memory log. */
export class MemoryMember implements Member {
  /** Name of the worker that it belongs to, if any. */
  readonly worker: string | undefined;
  readonly #context: MemoryContext;
  readonly #group: MemoryGroup;
  #membership: Membership;
  #isLeft = false;
  readonly #started = new Map<string, Started>();
  #seenEpoch = 0;
  /** Positions and ends of the started partitions at the last wait. */
  #seenState = '';

  constructor(context: MemoryContext, group: MemoryGroup, id: string, topics: readonly string[], worker: string | undefined) {
    this.#context = context;
    this.#group = group;
    this.worker = worker;
    this.#membership = { id, topics, assignment: { epoch: 0, partitions: [] } };
    group.add(this.#membership);
    context.changed.raise();
  }

  /** Puts the member out of its group without its knowledge. */
  expel(): void {
    this.#group.remove(this.#membership);
  }

  assignment(): Assignment {
    this.#seenEpoch = this.#membership.assignment.epoch;
    return this.#membership.assignment;
  }

  /** Joins again where the group has gone on without the member. */
  heartbeat(): void {
    if (!this.#isLeft && !this.#group.has(this.#membership)) this.#rejoin();
  }

  committed(partitions: readonly TopicPartition[]): Promise<ReadonlyArray<Commit | null>> {
    return this.#run('committed', () => partitions.map((partition) => this.#group.committed(partition)));
  }

  start(partition: TopicPartition, offset: number): void {
    const owned = this.#owned(partition);
    if (owned === undefined) return;
    const log = this.#context.partition(partition);
    this.#started.set(partitionKey(partition), { partition, since: owned.since, log, cutCount: log.cutCount, position: offset });
    this.#context.changed.raise();
  }

  take(partition: TopicPartition): Batch | null {
    const started = this.#startedNow(partition);
    if (started === undefined) return null;
    const { log, cutCount, position } = started;
    if (log !== this.#context.partition(partition) || log.isCutBelow(position, cutCount))
      throw new LogChangedError(partition, position, 'another log stands there');
    const batch = log.read(position, this.#context.fetchSize());
    started.position = batch?.nextOffset ?? started.position;
    return batch;
  }

  async wait(timeoutMs: number): Promise<void> {
    const isReady = () => {
      const { epoch } = this.#membership.assignment;
      return this.#isLeft || epoch !== this.#seenEpoch || (this.#hasMore() && this.#state() !== this.#seenState);
    };
    if (!(await this.#run('wait', isReady))) await this.#context.changed.until(isReady, this.#context.clock.sleep(timeoutMs));
    this.#seenEpoch = this.#membership.assignment.epoch;
    this.#seenState = this.#state();
  }

  commit(commits: readonly Commit[]): Promise<void> {
    return this.#run('commit', () => {
      if (this.#isLeft) throw new DependencyError(`Commit refused: ${this.#membership.id} has left its group`);
      if (!this.#group.has(this.#membership)) {
        this.#rejoin();
        throw new DependencyError(`Commit refused: ${this.#membership.id} was no longer in its group; it has joined again`);
      }
      const foreign = commits.find((commit) => this.#owned(commit) === undefined);
      if (foreign !== undefined)
        throw new DependencyError(`Commit refused: ${partitionKey(foreign)} is not assigned to ${this.#membership.id}`);
      this.#group.commit(commits);
    });
  }

  leave(): Promise<void> {
    return this.#run('leave', () => {
      this.#isLeft = true;
      this.#group.remove(this.#membership);
      this.#membership.assignment = { epoch: this.#membership.assignment.epoch + 1, partitions: [] };
      this.#context.changed.raise();
    });
  }

  /** As kafkajs after UNKNOWN_MEMBER_ID: as a new member, which holds nothing. */
  #rejoin(): void {
    const { id, topics } = this.#membership;
    this.#membership = { id, topics, assignment: { epoch: 0, partitions: [] } };
    this.#group.add(this.#membership);
    this.#context.changed.raise();
  }

  #owned(partition: TopicPartition) {
    return this.#membership.assignment.partitions.find((each) => each.topic === partition.topic && each.partition === partition.partition);
  }

  #startedNow(partition: TopicPartition): Started | undefined {
    const started = this.#started.get(partitionKey(partition));
    return started !== undefined && started.since === this.#owned(partition)?.since ? started : undefined;
  }

  #hasMore(): boolean {
    return this.#membership.assignment.partitions.some((partition) => {
      const started = this.#startedNow(partition);
      return started !== undefined && this.#context.partition(partition).hasAfter(started.position);
    });
  }

  #state(): string {
    const parts = [...this.#started.values()].map(({ partition, since, position }) => [
      partitionKey(partition),
      since,
      position,
      this.#context.partition(partition).hasAfter(position) ? this.#context.partition(partition).range.high : null,
    ]);
    return JSON.stringify(parts);
  }

  #run<T>(name: Operation['name'], effect: () => T): Promise<T> {
    return this.#context.interpose(this.worker === undefined ? { name } : { name, member: this.worker }, effect);
  }
}
