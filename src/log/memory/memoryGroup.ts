import { partitionKey } from '../partitionKey.ts';
import type { Assignment, Commit, OwnedPartition, TopicPartition } from '../port.ts';
import { assignSticky } from '../stickyAssignment.ts';

/** What a group knows of one member, and the member of itself: an expelled one goes on believing it. */
export interface Membership {
  readonly id: string;
  readonly topics: readonly string[];
  assignment: Assignment;
}

/** A consumer group: who is in it, who owns what, what is committed. */
export class MemoryGroup {
  readonly #committed = new Map<string, Commit>();
  readonly #members = new Map<string, Membership>();
  readonly #partitionCount: (topic: string) => number;
  readonly #onCommit: (commit: Commit) => void;
  #generation = 0;

  constructor(partitionCount: (topic: string) => number, onCommit: (commit: Commit) => void = () => {}) {
    this.#partitionCount = partitionCount;
    this.#onCommit = onCommit;
  }

  reads(topic: string): boolean {
    return [...this.#members.values()].some((member) => member.topics.includes(topic));
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  has(member: Membership): boolean {
    return this.#members.get(member.id) === member;
  }

  add(member: Membership): void {
    this.#members.set(member.id, member);
    this.rebalance();
  }

  /** Removes a member without telling it: its own assignment stays as it was. */
  remove(member: Membership): void {
    if (!this.has(member)) return;
    this.#members.delete(member.id);
    this.rebalance();
  }

  committed(partition: TopicPartition): Commit | null {
    return this.#committed.get(partitionKey(partition)) ?? null;
  }

  commit(commits: readonly Commit[]): void {
    for (const { topic, partition, offset, metadata } of commits) {
      const commit = { topic, partition, offset, metadata };
      this.#committed.set(partitionKey(commit), commit);
      this.#onCommit(commit);
    }
  }

  /** What an operator does to a group that nobody is in: `null` deletes the commit. */
  reset(partition: TopicPartition, offset: number | null, metadata: string): void {
    if (offset === null) this.#committed.delete(partitionKey(partition));
    else this.#committed.set(partitionKey(partition), { topic: partition.topic, partition: partition.partition, offset, metadata });
  }

  /** Deletes what is committed, for a topic or for all. */
  forget(topic?: string): void {
    for (const [key, commit] of this.#committed) if (topic === undefined || commit.topic === topic) this.#committed.delete(key);
  }

  /** Shares out anew: a topic has more partitions now. */
  rebalance(): void {
    this.#generation += 1;
    const members = [...this.#members.values()];
    const topics = new Set(members.flatMap((member) => member.topics));
    const counts = new Map([...topics].map((topic) => [topic, this.#partitionCount(topic)]));
    const claims = members.map(({ id, topics, assignment }) => ({
      member: id,
      topics,
      held: assignment.partitions,
      heldSince: assignment.epoch,
    }));
    const assigned = assignSticky(claims, counts);
    for (const member of members) member.assignment = succeed(member.assignment, assigned.get(member.id) ?? [], this.#generation);
  }
}

/** The next assignment of a member: partitions that stay keep the epoch since which they are held. */
function succeed(before: Assignment, partitions: readonly TopicPartition[], epoch: number): Assignment {
  const since = new Map(before.partitions.map((each) => [partitionKey(each), each.since]));
  return { epoch, partitions: partitions.map((each): OwnedPartition => ({ ...each, since: since.get(partitionKey(each)) ?? epoch })) };
}
