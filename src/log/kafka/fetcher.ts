/**
 * Fetches into the queues of any number of partitions. Our own loop over kafkajs's cluster rather than its `eachBatch`, because there an
 * offset out of range is reset without a word, batches of control records never arrive, a slow partition holds up all others of its
 * broker, and an error restarts the group (docs/decisions).
 *
 * One request at a time goes to each broker. While some partition is behind, requests do not wait at the broker, and partitions without
 * news are asked every 100 ms only; when all have reached the end, one request waits there up to 250 ms for whatever comes first.
 */
import type { Cluster } from 'kafkajs';
import { DependencyError } from '../../core/errors.ts';
import { LogChangedError } from '../logChanged.ts';
import { partitionKey } from '../partitionKey.ts';
import { atMost, type KafkaConnection, quietly } from './connection.ts';
import { batchOf, type FetchResponse, type PartitionResponse, safeOffset } from './fetchResponse.ts';
import { hasPartition } from './kafkaClient.ts';
import { protocolErrorOf, troubleOf } from './kafkaErrors.ts';
import { pauseMs } from './outage.ts';
import type { PartitionQueue } from './partitionQueue.ts';
import { returnToRange } from './returnToRange.ts';
import { Slowness } from './slowness.ts';
import { Unreadable } from './unreadable.ts';

const waitAtBrokerMs = 250;
const askAgainMs = 100;
/** How often it is asked who leads the partitions that nobody leads. */
const askForLeadersMs = 1_000;
/** Pause between two waiting requests, so that a trickle of records is fetched by the handful. */
const trickleMs = 10;
const maxBytesPerRequest = 8 * 1024 * 1024;
const maxBytesPerPartition = 1024 * 1024;
const minBytesPerPartition = 64 * 1024;
const readCommitted = 1;
/** In place of the broker that leads a partition. */
const nobody = '-1';

/** What is known of one broker between requests. */
interface Leader {
  isBusy: boolean;
  notBeforeMs: number;
}

export class Fetcher {
  readonly #connection: KafkaConnection;
  readonly #onData: () => void;
  readonly #queues = new Set<PartitionQueue>();
  readonly #leaders = new Map<string, Leader>();
  /** After an error that names no partition the partitions are asked one by one, until each has answered. */
  readonly #alone = new Set<PartitionQueue>();
  /** Nobody leads them: they are left out until the brokers are asked again. */
  readonly #leaderless = new Set<PartitionQueue>();
  readonly #unreadable: Unreadable;
  readonly #throttling: Slowness;
  #cluster: Cluster | null = null;
  #isPreparing = false;
  #isAskingForLeaders = false;
  #failures = 0;
  #notBeforeMs = 0;
  #alarmMs = Number.POSITIVE_INFINITY;
  #isClosed = false;

  /** @param onData called when something may be taken from a queue */
  constructor(connection: KafkaConnection, onData: () => void) {
    this.#connection = connection;
    this.#onData = onData;
    this.#unreadable = new Unreadable(connection.logger);
    this.#throttling = new Slowness(
      connection.clock,
      connection.logger,
      {},
      {
        began: "Kafka throttles what is read, for a quota of this client: reading goes on at the quota's pace",
        ended: 'Kafka no longer throttles what is read',
      },
    );
  }

  /** Bytes that the queue of one partition may hold and one fetch of it may bring. */
  readonly limitBytes = (): number => {
    const share = this.#connection.options.bufferBytes / Math.max(1, this.#queues.size);
    return Math.max(minBytesPerPartition, Math.min(maxBytesPerPartition, Math.floor(share)));
  };

  /** Bytes that are fetched and not taken yet. */
  get heldBytes(): number {
    let bytes = 0;
    for (const queue of this.#queues) bytes += queue.bytes;
    return bytes;
  }

  /** Begins to fetch into a queue. A partition may have several (readers of their own). */
  add(queue: PartitionQueue): void {
    this.#queues.add(queue);
    this.pump();
  }

  remove(queue: PartitionQueue): void {
    this.#queues.delete(queue);
    this.#alone.delete(queue);
    this.#leaderless.delete(queue);
    this.#unreadable.left(queue);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#queues.clear();
    this.#leaderless.clear();
    if (this.#cluster !== null) await atMost(2_000, this.#cluster.disconnect());
  }

  /** Starts what requests there is reason for. Called at every event; never waits. */
  readonly pump = (): void => {
    if (this.#isClosed || this.#isPreparing || this.#queues.size === 0) return;
    const nowMs = this.#connection.clock.nowMs();
    if (nowMs < this.#notBeforeMs) {
      this.#wakeAt(this.#notBeforeMs);
      return;
    }
    const cluster = this.#cluster;
    const byLeader = cluster === null ? null : this.#byLeader(cluster, nowMs);
    if (cluster === null || byLeader === null) {
      void this.#prepare();
      return;
    }
    for (const [nodeId, queues] of byLeader) this.#ask(cluster, nodeId, queues, nowMs);
  };

  /** Partitions by the broker that leads them; null where a leader is not known. */
  #byLeader(cluster: Cluster, nowMs: number): Map<string, PartitionQueue[]> | null {
    const byLeader = new Map<string, PartitionQueue[]>();
    for (const queue of this.#queues) {
      if (this.#leaderless.has(queue) || (queue.notBeforeMs > nowMs && this.#alone.has(queue))) continue;
      const nodeId = this.#leaderOf(cluster, queue, nowMs);
      if (nodeId === null) return null;
      if (nodeId === nobody) {
        this.#leaderless.add(queue);
        this.#connection.leaderless.found(queue);
        continue;
      }
      const list = byLeader.get(nodeId);
      if (list === undefined) byLeader.set(nodeId, [queue]);
      else list.push(queue);
    }
    if (this.#alone.size > 0) this.#wakeAt(nowMs + askAgainMs);
    if (this.#leaderless.size > 0 && !this.#isAskingForLeaders) void this.#askForLeaders(cluster);
    return byLeader;
  }

  /** Null where it is not known, for instance because a request that failed has just made kafkajs forget what it knew of the cluster. */
  #leaderOf(cluster: Cluster, { topic, partition }: PartitionQueue, nowMs: number): string | null {
    try {
      const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
      return nodeId ?? null;
    } catch (error) {
      if (protocolErrorOf(error) === 'LEADER_NOT_AVAILABLE') return nobody;
      if (troubleOf(error) !== 'transient') throw error;
      this.#failures += 1;
      this.#notBeforeMs = nowMs + pauseMs(this.#failures - 1);
      return null;
    }
  }

  /** While some partitions have no leader: asks after a while whether they have one now. Others are fetched meanwhile. */
  async #askForLeaders(cluster: Cluster): Promise<void> {
    this.#isAskingForLeaders = true;
    await this.#connection.clock.sleep(askForLeadersMs);
    try {
      if (cluster === this.#cluster) await cluster.refreshMetadata();
      this.#leaderless.clear();
    } catch (error) {
      if (cluster === this.#cluster) await this.#beginAnew(error);
    } finally {
      this.#isAskingForLeaders = false;
      this.pump();
    }
  }

  #ask(cluster: Cluster, nodeId: string, queues: readonly PartitionQueue[], nowMs: number): void {
    const leader = this.#leaders.get(nodeId) ?? { isBusy: false, notBeforeMs: 0 };
    this.#leaders.set(nodeId, leader);
    if (leader.isBusy) return;
    const isAnyBehind = queues.some((queue) => queue.isBehind);
    if (!isAnyBehind && nowMs < leader.notBeforeMs) {
      this.#wakeAt(leader.notBeforeMs);
      return;
    }
    const roomy = queues.filter((queue) => queue.hasRoom);
    const asked = isAnyBehind ? roomy.filter((queue) => queue.isBehind || queue.notBeforeMs <= nowMs) : roomy;
    const alone = asked.find((queue) => this.#alone.has(queue));
    if (asked.length === 0) {
      if (roomy.length > 0) this.#wakeAt(Math.min(...roomy.map((queue) => queue.notBeforeMs)));
      return;
    }
    leader.isBusy = true;
    // Two readers of one partition take turns: a request names a partition once.
    const requested =
      alone === undefined ? [...new Map(asked.toReversed().map((queue) => [partitionKey(queue), queue])).values()] : [alone];
    for (const queue of requested) {
      this.#queues.delete(queue);
      this.#queues.add(queue);
    }
    void this.#fetch(cluster, nodeId, requested, isAnyBehind || alone !== undefined ? 0 : waitAtBrokerMs).finally(() => {
      leader.isBusy = false;
      leader.notBeforeMs = this.#connection.clock.nowMs() + trickleMs;
      this.pump();
    });
  }

  async #fetch(cluster: Cluster, nodeId: string, queues: readonly PartitionQueue[], maxWaitTime: number): Promise<void> {
    const offsets = new Map(queues.map((queue) => [partitionKey(queue), { from: queue.fetchOffset, position: queue.position }]));
    const maxBytes = this.limitBytes();
    const topics = [...Map.groupBy(queues, (queue) => queue.topic)].map(([topic, list]) => ({
      topic,
      partitions: list.map(({ partition, fetchOffset }) => ({ partition, fetchOffset: String(fetchOffset), maxBytes })),
    }));
    try {
      const broker = await cluster.findBroker({ nodeId });
      const response: FetchResponse = await broker.fetch({
        maxWaitTime,
        minBytes: 1,
        maxBytes: maxBytesPerRequest,
        isolationLevel: readCommitted,
        topics,
      });
      this.#failures = 0;
      this.#connection.outage.ended();
      this.#countThrottle(response);
      for (const { topicName, partitions } of response.responses) {
        for (const partition of partitions) {
          const queue = queues.find((each) => each.topic === topicName && each.partition === partition.partition);
          if (queue !== undefined) this.#accept(queue, partition, offsets.get(partitionKey(queue)));
        }
      }
    } catch (error) {
      await this.#recover(cluster, error, queues);
    }
  }

  #countThrottle({ throttleTime = 0, clientSideThrottleTime = 0 }: FetchResponse): void {
    const seconds = Math.max(throttleTime, clientSideThrottleTime) / 1_000;
    if (seconds > 0) this.#connection.metrics.count('tidemark_fetch_throttled_seconds_total', {}, seconds);
    if (seconds >= 1) this.#throttling.slow(seconds);
    else this.#throttling.fast();
  }

  #accept(
    queue: PartitionQueue,
    response: PartitionResponse,
    asked: { readonly from: number; readonly position: number } | undefined,
  ): void {
    if (asked === undefined || !this.#queues.has(queue) || queue.position !== asked.position || queue.fetchOffset !== asked.from) return;
    this.#alone.delete(queue);
    this.#connection.leaderless.ended(queue);
    this.#unreadable.ended(queue);
    const fetchOffset = asked.position;
    if (queue.isSuspect && !this.#isVerified(queue, response, asked.from)) return;
    const end = safeOffset(response.lastStableOffset ?? response.highWatermark);
    // Batches that compaction has emptied show nothing of themselves, but what follows them in the response moves the position past them;
    // something always follows, because the segment that is written to is never compacted.
    const fetched = batchOf(queue.topic, response, fetchOffset);
    if (fetched !== null) {
      queue.put(fetched);
      this.#onData();
    }
    queue.isBehind = queue.position < end;
    queue.notBeforeMs = queue.isBehind ? 0 : this.#connection.clock.nowMs() + askAgainMs;
  }

  /** Whether what was read last is still there. Where it is not, or nobody can say yet, nothing is taken of the response. */
  #isVerified(queue: PartitionQueue, { messages }: PartitionResponse, fromOffset: number): boolean {
    const raw = messages.find(({ offset }) => Number(offset) >= fromOffset);
    const verdict = queue.verify(raw && { offset: Number(raw.offset), timestampMs: Number(raw.timestamp), value: raw.value });
    if (verdict === 'same') {
      queue.isSuspect = false;
      return true;
    }
    queue.isBehind = false;
    queue.notBeforeMs = this.#connection.clock.nowMs() + askAgainMs;
    if (verdict === 'other') {
      queue.fail(new LogChangedError(queue, queue.position, `another record stands at ${fromOffset}`));
      this.#onData();
    }
    return false;
  }

  async #recover(cluster: Cluster, error: unknown, queues: readonly PartitionQueue[]): Promise<void> {
    // Another request's failure has ended this connection already.
    if (this.#isClosed || cluster !== this.#cluster) return;
    const nowMs = this.#connection.clock.nowMs();
    // A leader may have moved without all records, or the topic may be another one of the same name.
    for (const queue of queues) queue.isSuspect = true;
    if (protocolErrorOf(error) === 'OFFSET_OUT_OF_RANGE') {
      const { topic, partition } = partitionOf(error);
      const queue = queues.find((each) => each.topic === topic && each.partition === partition);
      if (queue !== undefined) await this.#returnToRange(queue);
      return;
    }
    if (troubleOf(error) === 'transient') this.#connection.outage.began(error);
    else this.#unreadable.failed(error, queues);
    if (protocolErrorOf(error) !== undefined) {
      for (const queue of queues) {
        this.#alone.add(queue);
        if (queues.length === 1) queue.notBeforeMs = nowMs + pauseMs(4);
      }
    }
    // Most errors mean that a leader has moved or a broker is gone: ask anew who leads what.
    this.#failures += 1;
    this.#notBeforeMs = nowMs + pauseMs(this.#failures - 1);
    await this.#disconnect();
  }

  async #returnToRange(queue: PartitionQueue): Promise<void> {
    try {
      await returnToRange(this.#connection, queue, () => this.#queues.has(queue));
      this.#onData();
    } catch (error) {
      this.#unreadable.failed(error, [queue]);
      queue.notBeforeMs = this.#connection.clock.nowMs() + pauseMs(4);
    }
  }

  /** Connects, and learns who leads what. */
  async #prepare(): Promise<void> {
    this.#isPreparing = true;
    try {
      if (this.#cluster === null) this.#cluster = this.#connection.newCluster();
      await this.#cluster.connect();
      for (const topic of new Set([...this.#queues].map((queue) => queue.topic))) await this.#learn(this.#cluster, topic);
      this.#leaderless.clear();
    } catch (error) {
      await this.#beginAnew(error);
    } finally {
      this.#isPreparing = false;
      this.pump();
    }
  }

  /** The brokers did not say who leads what: asks over another connection after a pause. */
  async #beginAnew(error: unknown): Promise<void> {
    if (troubleOf(error) !== 'topic') this.#connection.outage.began(error);
    this.#failures += 1;
    this.#notBeforeMs = this.#connection.clock.nowMs() + pauseMs(this.#failures - 1);
    await this.#disconnect();
  }

  /** One topic that is gone must not hold up the others. */
  async #learn(cluster: Cluster, topic: string): Promise<void> {
    const queues = [...this.#queues].filter((queue) => queue.topic === topic);
    try {
      await cluster.addTargetTopic(topic);
      for (const queue of queues) {
        if (await hasPartition(cluster, queue)) continue;
        queue.fail(new DependencyError(`Partition ${partitionKey(queue)} does not exist`));
        this.#queues.delete(queue);
        this.#onData();
      }
    } catch (error) {
      if (troubleOf(error) === 'transient') throw error;
      this.#unreadable.failed(error, queues);
      for (const queue of queues) {
        this.#alone.add(queue);
        queue.notBeforeMs = this.#connection.clock.nowMs() + pauseMs(5);
      }
    }
  }

  async #disconnect(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = null;
    if (cluster !== null) await quietly(cluster.disconnect());
  }

  /** One timer at a time; an earlier one wakes in time for the later, which is then set again. */
  #wakeAt(timeMs: number): void {
    const nowMs = this.#connection.clock.nowMs();
    if (this.#alarmMs > nowMs && this.#alarmMs <= timeMs) return;
    this.#alarmMs = timeMs;
    void this.#connection.clock.sleep(Math.max(1, timeMs - nowMs)).then(() => {
      if (this.#alarmMs === timeMs) this.#alarmMs = Number.POSITIVE_INFINITY;
      this.pump();
    });
  }
}

/** The partition that an error names. */
function partitionOf(error: unknown): { topic: unknown; partition: unknown } {
  if (!(error instanceof Error)) return { topic: undefined, partition: undefined };
  return { topic: 'topic' in error ? error.topic : undefined, partition: 'partition' in error ? error.partition : undefined };
}
