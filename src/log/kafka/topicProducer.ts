import type { Message, Producer } from 'kafkajs';
import { DependencyError, InvariantError } from '../../core/errors.ts';
import { partitionKey } from '../partitionKey.ts';
import type { OutgoingRecord } from '../port.ts';
import { atMost, type KafkaConnection, quietly } from './connection.ts';
import { safeOffset } from './fetchResponse.ts';
import { dependencyError, protocolErrorOf, troubleOf, UnansweredError } from './kafkaErrors.ts';
import { pauseMs } from './outage.ts';
import { Refusal } from './refusal.ts';
import { Slowness } from './slowness.ts';

/** One call of `produce`. */
interface Job {
  readonly records: readonly OutgoingRecord[];
  readonly sizes: readonly number[];
  /** Of the records that are acknowledged. */
  readonly offsets: (number | undefined)[];
  readonly handedOverMs: number;
  /** The first so many records are acknowledged. */
  done: number;
  readonly settle: { resolve(offsets: readonly number[]): void; reject(error: Error): void };
}

/** A run of records of one job that goes into the next request. */
interface Portion {
  readonly job: Job;
  readonly from: number;
  readonly to: number;
}

/** Bytes and records of one partition in one request. kafkajs copies its list at every record of a partition, hence the second limit. */
const recordsPerPartition = 500;
const bytesPerRequest = 4 * 1024 * 1024;
/** What a record costs beside key and value, at most; and a batch. */
const recordOverhead = 40;
const batchOverhead = 100;
/** Kafka's default of `max.message.bytes`, where a topic's own may not be read. */
const defaultMaxMessageBytes = 1_048_588;
/** An acknowledgement that takes so long is worth a line. */
const slowMs = 5_000;
/** A new topic is not known to every broker at once. */
const unknownTopicPatienceMs = 2_000;

/**
 * Writes to one topic with acks of all in-sync replicas. One request is under way at a time and takes along what has been handed over meanwhile: order
 * per partition holds through every retry, and many small writes cost few requests. Each topic has a producer of its own: one that refuses writes holds up no other.
 *
 * Nothing is bounded here: who writes waits for the acknowledgement before it reads on, and so holds the little that it has handed over. How much that is, `tidemark_writes_waiting_bytes` says.
 */
export class TopicProducer {
  readonly #topic: string;
  readonly #connection: KafkaConnection;
  readonly #refusal: Refusal;
  readonly #slowness: Slowness;
  /** When the request under way was sent; null while there is none. */
  #askedMs: number | null = null;
  readonly #jobs: Job[] = [];
  #waitingBytes = 0;
  /** Null until it is asked for, and again after the broker has found something too large. */
  #maxMessageBytes: number | null = null;
  #producer: Producer | null = null;
  #isRunning = false;
  #isWatched = false;
  #isClosed = false;

  constructor(topic: string, connection: KafkaConnection) {
    this.#topic = topic;
    this.#connection = connection;
    this.#refusal = new Refusal(topic, connection.clock, connection.logger);
    this.#slowness = new Slowness(
      connection.clock,
      connection.logger,
      { topic },
      {
        began:
          'Kafka is slow to take writes to the topic (a quota, the network, its disks): waiting for it; nothing that depends on them is read on meanwhile',
        ended: 'Kafka takes writes to the topic in good time again',
      },
    );
  }

  send(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    if (records.length === 0) return Promise.resolve([]);
    if (this.#isClosed) return Promise.reject(new DependencyError('Writing refused: the log is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    const handedOverMs = this.#connection.clock.nowMs();
    const job = { records, sizes: records.map(sizeOf), offsets: [], handedOverMs, done: 0, settle: { resolve, reject } };
    this.#jobs.push(job);
    this.#countWaiting(job, 1);
    if (!this.#isRunning) void this.#run();
    return promise;
  }

  /** Looks at the request under way once a second: one that hangs is told of while it does. */
  async #watch(): Promise<void> {
    const { clock } = this.#connection;
    for (; this.#isRunning && !this.#isClosed; await clock.sleep(1_000)) this.#judgeSpeed();
    this.#isWatched = false;
  }

  #judgeSpeed(): void {
    const tookMs = this.#askedMs === null ? 0 : this.#connection.clock.nowMs() - this.#askedMs;
    if (tookMs >= slowMs) this.#slowness.slow(tookMs / 1_000);
    else this.#slowness.fast();
  }

  #countWaiting({ sizes }: Job, sign: 1 | -1): void {
    this.#waitingBytes += sign * sizes.reduce((sum, size) => sum + size, 0);
    this.#connection.metrics.set('tidemark_writes_waiting_bytes', { topic: this.#topic }, this.#waitingBytes);
  }

  #forget(job: Job): void {
    const at = this.#jobs.indexOf(job);
    if (at < 0) return;
    this.#jobs.splice(at, 1);
    this.#countWaiting(job, -1);
  }

  /** Ends the connection; what is not acknowledged yet rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#jobs.splice(0)) job.settle.reject(new DependencyError('Writing given up: the log was closed'));
    await atMost(3_000, this.#disconnect());
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    if (!this.#isWatched) {
      this.#isWatched = true;
      void this.#watch();
    }
    // Calls made in the same turn go out together.
    await Promise.resolve();
    while (this.#jobs.length > 0) {
      const head = this.#jobs[0];
      try {
        this.#maxMessageBytes ??= await this.#limitOf(this.#topic);
        const portions = this.#nextPortions(Number.POSITIVE_INFINITY);
        const result = await this.#deliver(portions);
        if (result !== 'split') continue;
        // One bad job must not fail the others of its request: the first one goes alone.
        for (let size = (portions[0]?.to ?? 0) - (portions[0]?.from ?? 0); ; size = Math.ceil(size / 2)) {
          const alone = this.#nextPortions(size).slice(0, 1);
          if ((await this.#deliver(alone)) !== 'split') break;
          if (size === 1) throw new InvariantError('A request of one record cannot be split');
        }
      } catch (error) {
        if (head === undefined || !this.#jobs.includes(head)) continue;
        this.#forget(head);
        head.settle.reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#isRunning = false;
  }

  /** Sends portions until they are acknowledged. `split` where they must be sent in smaller requests. */
  async #deliver(portions: readonly Portion[]): Promise<'done' | 'split'> {
    const { clock, outage, options, metrics } = this.#connection;
    const startMs = clock.nowMs();
    const handedOverMs = portions[0]?.job.handedOverMs ?? startMs;
    const isSingle = portions.length === 1 && portions.every(({ from, to }) => to - from === 1);
    let isApart = false;
    for (let failures = 0; ; failures += 1) {
      try {
        for (const partition of isApart ? partitionsOf(portions) : [null]) await this.#sendOnce(portions, partition);
        outage.ended();
        this.#refusal.ended();
        return 'done';
      } catch (error) {
        // A topic that was deleted after a write fails all later writes of a producer: begin with a new one.
        await this.#disconnect();
        const trouble = troubleOf(error);
        const answer = protocolErrorOf(error);
        metrics.count('tidemark_write_failures_total', { topic: this.#topic, reason: answer ?? 'NO_ANSWER' });
        if (trouble === 'too-large') this.#maxMessageBytes = null;
        const isLate = (sinceMs: number, limitMs: number) => this.#isClosed || clock.nowMs() - sinceMs >= limitMs;
        if (trouble !== 'transient' && (portions.length > 1 || (trouble === 'too-large' && !isSingle))) return 'split';
        const mayPass =
          trouble === 'transient'
            ? !isLate(handedOverMs, options.patienceMs)
            : trouble === 'topic' && !isLate(startMs, unknownTopicPatienceMs);
        if (answer !== undefined) this.#refusal.began(error);
        if (!mayPass) throw dependencyError(`Writing to "${this.#topic}"`, options.brokers, error);
        if (trouble === 'transient' && answer === undefined) outage.began(error);
        // The broker takes what other partitions hold, and would take it again at every repetition: what one partition refuses must not fill the others.
        isApart = answer !== undefined;
        await clock.sleep(pauseMs(failures));
      }
    }
  }

  /** One request with the records that are not acknowledged yet, of one partition where it is named. */
  async #sendOnce(portions: readonly Portion[], only: number | null): Promise<void> {
    if (this.#producer === null) {
      this.#producer = this.#connection.newClient().producer({
        allowAutoTopicCreation: false,
        createPartitioner:
          () =>
          ({ message }) =>
            message.partition ?? 0,
        // Never again inside kafkajs: after a leader has moved to a broker that had answered already, it leaves the records of that partition out
        // and calls the whole request done (sendMessages.js asks only brokers without an answer). `#deliver` repeats with a new producer.
        retry: { retries: 0 },
      });
    }
    const producer = this.#producer;
    await producer.connect();
    const nowMs = this.#connection.clock.nowMs();
    const messages: Message[] = [];
    const places = new Map<number, Array<{ job: Job; index: number }>>();
    for (const { job, from, to } of portions) {
      for (let index = from; index < to; index += 1) {
        const record = job.records[index];
        if (record === undefined) throw new InvariantError('A portion reaches beyond its records');
        if (job.offsets[index] !== undefined || (only !== null && record.partition !== only)) continue;
        messages.push(messageOf(record, nowMs));
        const list = places.get(record.partition);
        if (list === undefined) places.set(record.partition, [{ job, index }]);
        else list.push({ job, index });
      }
    }
    if (messages.length > 0) await this.#request(producer, messages, places);
    for (const { job, to } of portions) {
      while (job.done < to && job.offsets[job.done] !== undefined) job.done += 1;
      if (job.done < job.records.length) continue;
      this.#forget(job);
      job.settle.resolve(job.offsets.map((offset) => offset ?? -1));
    }
  }

  async #request(
    producer: Producer,
    messages: Message[],
    places: ReadonlyMap<number, readonly { job: Job; index: number }[]>,
  ): Promise<void> {
    this.#askedMs = this.#connection.clock.nowMs();
    const answer = await producer
      .sendBatch({ acks: -1, timeout: 30_000, topicMessages: [{ topic: this.#topic, messages }] })
      .finally(() => {
        this.#judgeSpeed();
        this.#askedMs = null;
      });
    const silent = new Set(places.keys());
    for (const { partition, baseOffset } of answer) {
      silent.delete(partition);
      const base = safeOffset(baseOffset ?? '');
      for (const [index, place] of (places.get(partition) ?? []).entries()) place.job.offsets[place.index] = base + index;
    }
    if (silent.size > 0) throw new UnansweredError([...silent].map((partition) => partitionKey({ topic: this.#topic, partition })));
  }

  /** What fits into one request, in order. A record that is too large for its topic goes alone: the broker decides. */
  #nextPortions(maxRecords: number): Portion[] {
    const portions: Portion[] = [];
    const bytes = new Map<number, number>();
    const counts = new Map<number, number>();
    const limit = this.#maxMessageBytes ?? defaultMaxMessageBytes;
    let total = 0;
    let records = 0;
    for (const job of this.#jobs) {
      let to = job.done;
      for (; to < job.records.length; to += 1) {
        const record = job.records[to];
        const size = job.sizes[to];
        if (record === undefined || size === undefined) break;
        const key = record.partition;
        const partitionBytes = (bytes.get(key) ?? batchOverhead) + size;
        const count = (counts.get(key) ?? 0) + 1;
        const isFull = partitionBytes > limit || count > recordsPerPartition || total + size > bytesPerRequest || records >= maxRecords;
        if (isFull && records > 0) break;
        bytes.set(key, partitionBytes);
        counts.set(key, count);
        total += size;
        records += 1;
      }
      if (to > job.done) portions.push({ job, from: job.done, to });
      if (to < job.records.length) break;
    }
    return portions;
  }

  async #limitOf(topic: string): Promise<number> {
    try {
      const answer = await this.#connection.ask(`Reading the settings of topic "${topic}"`, (admin) =>
        admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic, configNames: ['max.message.bytes'] }] }),
      );
      const value = Number(answer.resources[0]?.configEntries[0]?.configValue);
      return Number.isSafeInteger(value) && value > 0 ? value : defaultMaxMessageBytes;
    } catch (error) {
      // Reading settings may be forbidden; a topic that does not exist shows when it is written to.
      if (protocolErrorOf(error) === undefined && !(error instanceof DependencyError)) throw error;
      return defaultMaxMessageBytes;
    }
  }

  async #disconnect(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    if (producer !== null) await quietly(producer.disconnect());
  }
}

function messageOf({ partition, key, value, timestampMs }: OutgoingRecord, nowMs: number): Message {
  return { partition, key: bytesOf(key), value: bytesOf(value), timestamp: String(timestampMs ?? nowMs) };
}

function bytesOf(value: Uint8Array | string | null): Buffer | string | null {
  if (value === null || typeof value === 'string' || value instanceof Buffer) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function sizeOf({ key, value }: OutgoingRecord): number {
  return recordOverhead + lengthOf(key) + lengthOf(value);
}

function lengthOf(value: Uint8Array | string | null): number {
  if (value === null) return 0;
  return typeof value === 'string' ? Buffer.byteLength(value) : value.byteLength;
}

function partitionsOf(portions: readonly Portion[]): number[] {
  return [...new Set(portions.flatMap(({ job, from, to }) => job.records.slice(from, to).map(({ partition }) => partition)))];
}
