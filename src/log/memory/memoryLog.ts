/**
 * A partitioned log in memory: what Kafka is to the stages, without a broker. It serves the tests, the demo on a machine without
 * Kafka, and the simulation, which delays, drops and repeats operations through `interpose`.
 *
 * Deterministic: no timers but those of the injected clock, no randomness, and every answer depends only on the order of the calls.
 */
import { DependencyError, InvariantError } from '../../core/errors.ts';
import { partitionKey } from '../partitionKey.ts';
import type {
  Clock,
  Commit,
  Log,
  LogRecord,
  Member,
  MemberOptions,
  OffsetRange,
  OutgoingRecord,
  PartitionReader,
  TopicPartition,
  TopicSpec,
} from '../port.ts';
import { Signal } from '../signal.ts';
import { systemClock } from '../systemClock.ts';
import type { Interpose, MemoryContext, Operation } from './memoryContext.ts';
import { MemoryGroup } from './memoryGroup.ts';
import { MemoryMember } from './memoryMember.ts';
import { MemoryPartition } from './memoryPartition.ts';

export interface MemoryLogOptions {
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  readonly interpose?: Interpose;
  /** Number of offsets that the next batch holds at the most; at least 1. Default: 500. */
  readonly fetchSize?: () => number;
  /** Told of every record as it is appended, and of every commit as it is taken, whoever hears of the outcome: for those who check a run while it lasts. */
  readonly onAppend?: (at: TopicPartition, record: LogRecord) => void;
  readonly onCommit?: (group: string, commit: Commit) => void;
}

const text = new TextEncoder();

export class MemoryLog implements Log {
  readonly #context: MemoryContext;
  readonly #topics = new Map<string, MemoryPartition[]>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #members: MemoryMember[] = [];
  readonly #plain: Log;
  readonly #onAppend: NonNullable<MemoryLogOptions['onAppend']>;
  readonly #onCommit: NonNullable<MemoryLogOptions['onCommit']>;

  constructor(options: MemoryLogOptions = {}) {
    this.#context = {
      clock: options.clock ?? systemClock,
      interpose: options.interpose ?? (async (_operation, effect) => effect()),
      fetchSize: options.fetchSize ?? (() => 500),
      changed: new Signal(),
      partition: (at) => this.#partition(at),
    };
    this.#plain = this.#facade(undefined);
    this.#onAppend = options.onAppend ?? (() => {});
    this.#onCommit = options.onCommit ?? (() => {});
  }

  /** The same log, with its operations attributed to a worker. */
  as(worker: string): Log {
    return this.#facade(worker);
  }

  /**
   * What a session timeout does: the worker's members are out of their groups and do not know. They go on reading and writing; their
   * next commit rejects, and with that they notice and join again.
   */
  expel(worker: string): void {
    for (const member of this.#members) if (member.worker === worker) member.expel();
    this.#context.changed.raise();
  }

  /** What the next heartbeat does for a worker that was expelled: its members learn of it and join again, as new ones. */
  heartbeat(worker: string): void {
    for (const member of this.#members) if (member.worker === worker) member.heartbeat();
  }

  /** Appends offsets without records, as a transaction's control records or compaction leave them. */
  appendGap(partition: TopicPartition, count: number): void {
    this.#partition(partition).appendGap(count);
    this.#context.changed.raise();
  }

  /** Deletes the records before an offset, as retention does. */
  deleteRecordsBefore(partition: TopicPartition, offset: number): void {
    this.#partition(partition).deleteBefore(offset);
  }

  /** Compacts the offsets before `until`, and drops the tombstones before `tombstonesUntil`, as Kafka does once `delete.retention.ms` has passed. */
  compact(partition: TopicPartition, until: number, tombstonesUntil: number): void {
    this.#partition(partition).compact(until, tombstonesUntil);
  }

  /** Nothing comes from a partition while it is stalled, as where its leader cannot be reached. */
  setStalled(partition: TopicPartition, isStalled: boolean): void {
    this.#partition(partition).setStalled(isStalled);
    this.#context.changed.raise();
  }

  /** Gives a topic more partitions; its groups share them out. */
  addPartitions(topic: string, count: number): void {
    const partitions = this.#topic(topic);
    while (partitions.length < count) partitions.push(new MemoryPartition({ topic, partition: partitions.length }));
    for (const group of this.#groups.values()) if (group.reads(topic)) group.rebalance();
    this.#context.changed.raise();
  }

  /** Sets the commit of a group, null deletes it: what an operator may do while nobody is in the group. */
  resetCommit(group: string, partition: TopicPartition, offset: number | null, metadata = ''): void {
    const known = this.#group(group);
    if (!known.isEmpty) throw new DependencyError(`Group "${group}" has members: its offsets can only be reset while nobody is in it`);
    known.reset(partition, offset, metadata);
  }

  /** What an operator does who deletes the offsets of a group. */
  deleteCommits(group: string): void {
    this.#groups.get(group)?.forget();
  }

  /** Cuts the newest records off, as an unclean leader election does. */
  truncate(partition: TopicPartition, offset: number): void {
    this.#partition(partition).truncate(offset);
  }

  /** Puts an empty topic of the same name in the place of one. What groups have committed stays, or goes with the topic as on Kafka. */
  recreateTopic(topic: string, options: { readonly keepsCommits?: boolean } = {}): void {
    const { length } = this.#topic(topic);
    this.#topics.set(
      topic,
      Array.from({ length }, (_, partition) => new MemoryPartition({ topic, partition })),
    );
    if (options.keepsCommits !== true) for (const group of this.#groups.values()) group.forget(topic);
    this.#context.changed.raise();
  }

  partitionCount(topic: string): Promise<number> {
    return this.#plain.partitionCount(topic);
  }
  createTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.#plain.createTopics(specs);
  }
  offsets(partition: TopicPartition): Promise<OffsetRange> {
    return this.#plain.offsets(partition);
  }
  offsetAtTime(partition: TopicPartition, timestampMs: number): Promise<number> {
    return this.#plain.offsetAtTime(partition, timestampMs);
  }
  produce(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    return this.#plain.produce(records);
  }
  join(options: MemberOptions): Promise<Member> {
    return this.#plain.join(options);
  }
  read(partition: TopicPartition, fromOffset: number): Promise<PartitionReader> {
    return this.#plain.read(partition, fromOffset);
  }
  close(): Promise<void> {
    return this.#plain.close();
  }

  #facade(worker: string | undefined): Log {
    const run = <T>(name: Operation['name'], effect: () => T): Promise<T> =>
      this.#context.interpose(worker === undefined ? { name } : { name, member: worker }, effect);
    return {
      partitionCount: (topic) => run('partitionCount', () => this.#topic(topic).length),
      createTopics: (specs) => run('createTopics', () => this.#create(specs)),
      offsets: (partition) => run('offsets', () => this.#partition(partition).range),
      offsetAtTime: (partition, timestampMs) => run('offsetAtTime', () => this.#partition(partition).offsetAtTime(timestampMs)),
      produce: (records) => run('produce', () => this.#append(records)),
      join: (options) => run('join', () => this.#join(options, worker)),
      read: (partition, fromOffset) => run('read', () => this.#reader(partition, fromOffset, run)),
      close: async () => {},
    };
  }

  #create(specs: readonly TopicSpec[]): void {
    for (const { topic, partitions } of specs) {
      if (this.#topics.has(topic)) continue;
      this.#topics.set(
        topic,
        Array.from({ length: partitions }, (_, partition) => new MemoryPartition({ topic, partition })),
      );
    }
  }

  #topic(topic: string): MemoryPartition[] {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined)
      throw new DependencyError(`Topic "${topic}" does not exist: create it, or correct its name in the config`);
    return partitions;
  }

  #partition(at: TopicPartition): MemoryPartition {
    const partition = this.#topic(at.topic)[at.partition];
    if (partition === undefined) throw new DependencyError(`Partition ${partitionKey(at)} does not exist`);
    return partition;
  }

  #append(records: readonly OutgoingRecord[]): number[] {
    const targets = records.map((record) => this.#partition(record));
    const offsets = records.map(({ key, value, timestampMs = this.#context.clock.nowMs() }, index) => {
      const target = targets[index];
      const at = records[index];
      if (target === undefined) throw new InvariantError('A record without a partition');
      const record = { timestampMs, key: bytes(key), value: bytes(value) };
      const offset = target.append(record);
      if (at !== undefined) this.#onAppend(at, { offset, ...record });
      return offset;
    });
    this.#context.changed.raise();
    return offsets;
  }

  #join(options: MemberOptions, worker: string | undefined): Member {
    for (const topic of options.topics) this.#topic(topic);
    const group = this.#group(options.group);
    // The worker's name comes first, so that the order of members does not hang on who joined first.
    const id = `${worker ?? options.clientId ?? 'member'}-${String(this.#members.length).padStart(6, '0')}`;
    const member = new MemoryMember(this.#context, group, id, options.topics, worker);
    this.#members.push(member);
    return member;
  }

  #group(name: string): MemoryGroup {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new MemoryGroup(
        (topic) => this.#topic(topic).length,
        (commit) => this.#onCommit(name, commit),
      );
      this.#groups.set(name, group);
    }
    return group;
  }

  #reader(at: TopicPartition, fromOffset: number, run: <T>(name: Operation['name'], effect: () => T) => Promise<T>): PartitionReader {
    const { changed, clock, fetchSize } = this.#context;
    const partition = this.#partition(at);
    let position = fromOffset;
    const take = () => {
      const batch = partition.read(position, fetchSize());
      position = batch?.nextOffset ?? position;
      return batch;
    };
    return {
      next: async (timeoutMs) => {
        const batch = await run('next', take);
        if (batch !== null || timeoutMs <= 0) return batch;
        await changed.until(() => partition.hasAfter(position), clock.sleep(timeoutMs));
        return run('next', take);
      },
      close: async () => {},
    };
  }
}

function bytes(value: Uint8Array | string | null): Uint8Array | null {
  return typeof value === 'string' ? text.encode(value) : value;
}
