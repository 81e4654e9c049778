import type { Message, Producer } from 'kafkajs';
import { DependencyError, InvariantError } from '../../core/errors.ts';
import { partitionKey } from '../partitionKey.ts';
import type { OutgoingRecord } from '../port.ts';
import { atMost, type KafkaConnection, quietly } from './connection.ts';
import { safeOffset } from './fetchResponse.ts';
import { dependencyError, protocolErrorOf, troubleOf, UnansweredError } from './kafkaErrors.ts';
import { pauseMs } from './outage.ts';

/** One call of `produce`. */
interface Job {
  readonly records: readonly OutgoingRecord[];
  readonly sizes: readonly number[];
  readonly offsets: number[];
  readonly handedOverMs: number;
  /** Records that are acknowledged so far. */
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
/** A new topic is not known to every broker at once. */
const unknownTopicPatienceMs = 2_000;

/**
 * Writes with acks of all in-sync replicas. One request is under way at a time and takes along what has been handed over meanwhile: order
 * per partition holds through every retry, and many small writes cost few requests.
 */
export class KafkaProducer {
  readonly #connection: KafkaConnection;
  readonly #jobs: Job[] = [];
  readonly #maxMessageBytes = new Map<string, number>();
  #producer: Producer | null = null;
  #isRunning = false;
  #isClosed = false;

  constructor(connection: KafkaConnection) {
    this.#connection = connection;
  }

  send(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    if (records.length === 0) return Promise.resolve([]);
    if (this.#isClosed) return Promise.reject(new DependencyError('Writing refused: the log is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    const handedOverMs = this.#connection.clock.nowMs();
    this.#jobs.push({ records, sizes: records.map(sizeOf), offsets: [], handedOverMs, done: 0, settle: { resolve, reject } });
    if (!this.#isRunning) void this.#run();
    return promise;
  }

  /** Ends the connection; what is not acknowledged yet rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#jobs.splice(0)) job.settle.reject(new DependencyError('Writing given up: the log was closed'));
    await atMost(3_000, this.#disconnect());
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // Calls made in the same turn go out together.
    await Promise.resolve();
    while (this.#jobs.length > 0) {
      const head = this.#jobs[0];
      try {
        await this.#learnLimits();
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
        this.#jobs.splice(this.#jobs.indexOf(head), 1);
        head.settle.reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#isRunning = false;
  }

  /** Sends portions until they are acknowledged. `split` where they must be sent in smaller requests. */
  async #deliver(portions: readonly Portion[]): Promise<'done' | 'split'> {
    const { clock, outage, options } = this.#connection;
    const startMs = clock.nowMs();
    const handedOverMs = portions[0]?.job.handedOverMs ?? startMs;
    const isSingle = portions.length === 1 && portions.every(({ from, to }) => to - from === 1);
    for (let failures = 0; ; failures += 1) {
      try {
        await this.#sendOnce(portions);
        outage.ended();
        return 'done';
      } catch (error) {
        // A topic that was deleted after a write fails all later writes of a producer, to any topic: begin with a new one.
        await this.#disconnect();
        const trouble = troubleOf(error);
        const isLate = (sinceMs: number, limitMs: number) => this.#isClosed || clock.nowMs() - sinceMs >= limitMs;
        if (trouble !== 'transient' && (portions.length > 1 || (trouble === 'too-large' && !isSingle))) return 'split';
        const mayPass =
          trouble === 'transient'
            ? !isLate(handedOverMs, options.patienceMs)
            : trouble === 'topic' && !isLate(startMs, unknownTopicPatienceMs);
        if (!mayPass) throw dependencyError(`Writing to ${topicsOf(portions)}`, options.brokers, error);
        if (trouble === 'transient') outage.began(error);
        await clock.sleep(pauseMs(failures));
      }
    }
  }

  async #sendOnce(portions: readonly Portion[]): Promise<void> {
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
    const messages = new Map<string, Message[]>();
    const places = new Map<string, Array<{ job: Job; index: number }>>();
    for (const { job, from, to } of portions) {
      for (let index = from; index < to; index += 1) {
        const record = job.records[index];
        if (record === undefined) throw new InvariantError('A portion reaches beyond its records');
        append(messages, record.topic, messageOf(record, nowMs));
        append(places, partitionKey(record), { job, index });
      }
    }
    const answer = await producer.sendBatch({
      acks: -1,
      timeout: 30_000,
      topicMessages: [...messages].map(([topic, list]) => ({ topic, messages: list })),
    });
    const silent = new Set(places.keys());
    for (const { topicName, partition, baseOffset } of answer) {
      silent.delete(partitionKey({ topic: topicName, partition }));
      const base = safeOffset(baseOffset ?? '');
      for (const [index, place] of (places.get(partitionKey({ topic: topicName, partition })) ?? []).entries()) {
        place.job.offsets[place.index] = base + index;
      }
    }
    if (silent.size > 0) throw new UnansweredError([...silent]);
    for (const { job, to } of portions) {
      job.done = to;
      if (to < job.records.length) continue;
      const at = this.#jobs.indexOf(job);
      if (at >= 0) this.#jobs.splice(at, 1);
      job.settle.resolve(job.offsets);
    }
  }

  /** What fits into one request, in order. A record that is too large for its topic goes alone: the broker decides. */
  #nextPortions(maxRecords: number): Portion[] {
    const portions: Portion[] = [];
    const bytes = new Map<string, number>();
    const counts = new Map<string, number>();
    let total = 0;
    let records = 0;
    for (const job of this.#jobs) {
      let to = job.done;
      for (; to < job.records.length; to += 1) {
        const record = job.records[to];
        const size = job.sizes[to];
        if (record === undefined || size === undefined) break;
        const key = partitionKey(record);
        const partitionBytes = (bytes.get(key) ?? batchOverhead) + size;
        const count = (counts.get(key) ?? 0) + 1;
        const limit = this.#maxMessageBytes.get(record.topic) ?? defaultMaxMessageBytes;
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

  /** The size limit of each topic, asked once. */
  async #learnLimits(): Promise<void> {
    const topics = new Set(this.#jobs.flatMap((job) => job.records.map((record) => record.topic)));
    for (const topic of topics) {
      if (this.#maxMessageBytes.has(topic)) continue;
      this.#maxMessageBytes.set(topic, await this.#limitOf(topic));
    }
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

function append<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function topicsOf(portions: readonly Portion[]): string {
  const topics = new Set(portions.flatMap(({ job, from, to }) => job.records.slice(from, to).map(({ topic }) => topic)));
  return [...topics].map((topic) => `"${topic}"`).join(', ');
}
