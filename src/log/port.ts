/**
 * The port: a partitioned log, as small as the stages need it. Two implementations pass one test suite (`test/support/logSuite.ts`):
 * `kafka/` (kafkajs) and `memory/` (tests, simulation, demo without a broker). Offsets are safe integers (the edge checks).
 *
 * The shape is pull, although kafkajs pushes: an implementation queues what it fetched per partition, bounded, and a stage takes
 * from the partition that it wants next. That is what lets a worker always read on from its slowest partition.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface LogRecord {
  readonly offset: number;
  /** Kafka timestamp, epoch milliseconds. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** What one fetch brought of one partition. May hold no record: control records and compacted gaps move the position too. */
export interface Batch extends TopicPartition {
  readonly records: readonly LogRecord[];
  /** Position after this batch: where the next one continues. At least last offset + 1. */
  readonly nextOffset: number;
  /**
   * Only where records were lost: retention deleted the offsets from here on before they could be read, and this batch begins at the
   * first offset that is still there. (Gaps from compaction and control records are no loss and are not marked.)
   */
  readonly lostFrom?: number;
}

export interface OutgoingRecord extends TopicPartition {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  /** Kafka timestamp; the log's own clock where it is left out. */
  readonly timestampMs?: number;
}

/** A committed position. `metadata` is at most 4,096 bytes. */
export interface Commit extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
}

/** Low = first offset still there; high = the last stable offset (what a read-committed reader can reach). */
export interface OffsetRange {
  readonly low: number;
  readonly high: number;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor?: number;
  /** Topic settings such as `cleanup.policy`, `retention.ms`. */
  readonly configs: Readonly<Record<string, string>>;
}

/**
 * A partition that a member owns, and the epoch in which it got it. A partition that was lost and came back has a new `since`: its
 * queue and position are gone, and state kept for it is stale; one that stayed keeps its `since`.
 */
export interface OwnedPartition extends TopicPartition {
  readonly since: number;
}

/** What a member owns now. `epoch` rises with every change; what was started for a partition under a smaller `since` is void. */
export interface Assignment {
  readonly epoch: number;
  readonly partitions: readonly OwnedPartition[];
}

export interface MemberOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** Bytes or records that an implementation may hold per partition are its own, bounded, affair. */
  readonly clientId?: string;
}

/**
 * A member of a consumer group. A newly assigned partition delivers nothing until `start`; a partition that stays across a
 * rebalance keeps its queue and position (sticky assignment). `take` on a partition that is not assigned gives null.
 */
export interface Member {
  assignment(): Assignment;
  /** Committed positions of the group; null where there is none. */
  committed(partitions: readonly TopicPartition[]): Promise<ReadonlyArray<Commit | null>>;
  /** Delivers the partition from this offset on. An offset outside the log is an error of the caller: compare with `Log.offsets`. */
  start(partition: TopicPartition, offset: number): void;
  /** Next batch in order, or null where none is queued. Never waits. Throws `LogChangedError` where another log stands there than was read. */
  take(partition: TopicPartition): Batch | null;
  /**
   * Resolves when the assignment changed, or something may be there to take, or `timeoutMs` passed. What was left lying at the last `wait`
   * wakes again only once something was taken, started or brought since: a caller that holds a partition back does not spin.
   */
  wait(timeoutMs: number): Promise<void>;
  /** Commits. Rejects (any error) where the member has lost the group; the caller drops the partition or retries. */
  commit(commits: readonly Commit[]): Promise<void>;
  /** Leaves the group; nothing is committed by itself. */
  leave(): Promise<void>;
}

/** A reader without a group, of one partition. */
export interface PartitionReader {
  /** Batches in order from the start offset on; null where `timeoutMs` passed without one. */
  next(timeoutMs: number): Promise<Batch | null>;
  close(): Promise<void>;
}

export interface Log {
  /** Number of partitions; `DependencyError` where the topic does not exist. */
  partitionCount(topic: string): Promise<number>;
  /** Creates the topics that do not exist yet; leaves the others alone. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>;
  offsets(partition: TopicPartition): Promise<OffsetRange>;
  /** First offset whose record has this timestamp or a later one; the high end where there is none. */
  offsetAtTime(partition: TopicPartition, timestampMs: number): Promise<number>;
  /** Resolves when every record is acknowledged by all in-sync replicas, in order per partition; retried inside. Gives the offsets. */
  produce(records: readonly OutgoingRecord[]): Promise<readonly number[]>;
  join(options: MemberOptions): Promise<Member>;
  read(partition: TopicPartition, fromOffset: number): Promise<PartitionReader>;
  close(): Promise<void>;
}

/** The shell's clock, injected everywhere outside the core so that tests and simulation own the time. */
export interface Clock {
  nowMs(): number;
  sleep(milliseconds: number): Promise<void>;
}
