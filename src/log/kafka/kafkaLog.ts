/** The log on Apache Kafka. */
import { DependencyError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { type Metrics, noMetrics } from '../../core/metrics.ts';
import { partitionKey } from '../partitionKey.ts';
import type {
  Clock,
  Log,
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
import { KafkaConnection } from './connection.ts';
import { Fetcher } from './fetcher.ts';
import { safeOffset } from './fetchResponse.ts';
import { hasLeader, hasPartition } from './kafkaClient.ts';
import { protocolErrorOf } from './kafkaErrors.ts';
import { KafkaMember } from './kafkaMember.ts';
import { KafkaProducer } from './kafkaProducer.ts';
import { KafkaReader } from './kafkaReader.ts';
import { defaultKafkaOptions, type KafkaOptions } from './options.ts';
import { pauseMs } from './outage.ts';

/** The first question of a log is not repeated for minutes: a wrong address should show at once. */
const firstPatienceMs = 5_000;

/** A partition without a leader is waited for a share of the patience: it has a leader within a moment, or when somebody has started a broker. */
const leaderlessShare = 12;
const leaderlessPauseMs = 500;

export class KafkaLog implements Log {
  readonly #connection: KafkaConnection;
  readonly #producer: KafkaProducer;
  readonly #fetched = new Signal();
  readonly #fetcher: Fetcher;
  readonly #members = new Set<KafkaMember>();

  private constructor(connection: KafkaConnection) {
    this.#connection = connection;
    this.#producer = new KafkaProducer(connection);
    this.#fetcher = new Fetcher(connection, () => this.#fetched.raise());
  }

  /**
   * Connects.
   * @throws DependencyError with what to do, within seconds, where no broker answers or the credentials are refused
   */
  static async open(options: KafkaOptions, logger: Logger, clock: Clock = systemClock, metrics: Metrics = noMetrics): Promise<KafkaLog> {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const connection = new KafkaConnection({ ...defaultKafkaOptions, ...options, ...given }, clock, logger, metrics);
    try {
      await connection.ask('Connecting', (admin) => admin.describeCluster(), firstPatienceMs);
    } catch (error) {
      await connection.close();
      throw error;
    }
    return new KafkaLog(connection);
  }

  async partitionCount(topic: string): Promise<number> {
    const { topics } = await this.#connection.ask(`Looking for topic "${topic}"`, (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    const count = topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
    if (count === 0) throw new DependencyError(`Topic "${topic}" does not exist: create it, or correct its name in the config`);
    return count;
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    // One by one: of several topics in one request, one that exists already makes the outcome of the others unknown.
    for (const { topic, partitions, replicationFactor = -1, configs } of specs) {
      await this.#connection.ask(`Creating topic "${topic}"`, (admin) =>
        admin.createTopics({
          // Kafkajs waits by asking one broker, which may not have heard of the topic yet, and then gives up.
          waitForLeaders: false,
          topics: [
            {
              topic,
              numPartitions: partitions,
              replicationFactor,
              configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
            },
          ],
        }),
      );
      await this.#untilLed(topic);
    }
  }

  /** Waits until the brokers know a topic that was just made, with a leader for every partition. */
  async #untilLed(topic: string): Promise<void> {
    const { clock, options } = this.#connection;
    const endMs = clock.nowMs() + options.patienceMs;
    for (let tries = 0; ; tries++) {
      const isLed = await this.#connection.ask(`Waiting for topic "${topic}"`, async (admin) => {
        try {
          const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
          const partitions = topics.find(({ name }) => name === topic)?.partitions ?? [];
          return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
        } catch (error) {
          if (protocolErrorOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
          return false;
        }
      });
      if (isLed) return;
      if (clock.nowMs() >= endMs)
        throw new DependencyError(`Topic "${topic}" was created, but has no leader yet: look at the brokers' logs and start again`);
      await clock.sleep(pauseMs(tries));
    }
  }

  async offsets(partition: TopicPartition): Promise<OffsetRange> {
    const [low, high] = await Promise.all([
      this.#offset(partition, { fromBeginning: true }),
      this.#offset(partition, { fromBeginning: false }),
    ]);
    return { low: low ?? 0, high: high ?? 0 };
  }

  async offsetAtTime(partition: TopicPartition, timestampMs: number): Promise<number> {
    const found = await this.#offset(partition, { fromTimestamp: timestampMs });
    return found ?? (await this.#offset(partition, { fromBeginning: false })) ?? 0;
  }

  produce(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    return this.#producer.send(records);
  }

  async join(options: MemberOptions): Promise<Member> {
    for (const topic of options.topics) await this.partitionCount(topic);
    const member = new KafkaMember(this.#connection, options);
    this.#members.add(member);
    await member.join();
    return member;
  }

  async read(partition: TopicPartition, fromOffset: number): Promise<PartitionReader> {
    return new KafkaReader(this.#fetcher, this.#fetched, this.#connection.clock, partition, fromOffset);
  }

  /** Leaves all groups and closes all connections. Nothing is committed by itself. */
  async close(): Promise<void> {
    this.#connection.outage.close();
    await Promise.all([...[...this.#members].map((member) => member.leave()), this.#producer.close(), this.#fetcher.close()]);
    await this.#connection.close();
  }

  /** An offset that the leader of the partition knows, as a read-committed reader sees it; null where there is none (-1). */
  async #offset(at: TopicPartition, where: { fromBeginning: boolean } | { fromTimestamp: number }): Promise<number | null> {
    const { topic, partition } = at;
    const { clock, options } = this.#connection;
    const ask = () =>
      this.#connection.askLeaders(`Reading the offsets of ${partitionKey(at)}`, topic, async (cluster) => {
        if ((await hasPartition(cluster, at)) && !(await hasLeader(cluster, at))) return null;
        return cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], ...where }]);
      });
    const endMs = clock.nowMs() + options.patienceMs / leaderlessShare;
    let answer = await ask();
    for (; answer === null; answer = await ask()) {
      if (clock.nowMs() >= endMs) {
        throw new DependencyError(
          `${partitionKey(at)} has no leader: every broker that holds a replica of it is away, so its offsets cannot be asked for. Start one of them again`,
        );
      }
      await clock.sleep(leaderlessPauseMs);
    }
    const found = answer.find((each) => each.topic === topic)?.partitions.find((each) => each.partition === partition);
    if (found === undefined) throw new DependencyError(`Partition ${partitionKey(at)} does not exist`);
    const offset = safeOffset(found.offset);
    return offset < 0 ? null : offset;
  }
}
