import type { Admin, Cluster, Kafka } from 'kafkajs';
import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Clock } from '../port.ts';
import { createCluster, createKafka } from './kafkaClient.ts';
import type { ResolvedKafkaOptions } from './options.ts';
import { Outage } from './outage.ts';

/** How long the end of one connection may take. */
const endLimitMs = 2_000;

/** What all parts of one Kafka log share: settings, the outage, and one connection for questions (metadata, offsets, topics). */
export class KafkaConnection {
  readonly options: ResolvedKafkaOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly outage: Outage;
  readonly #kafka: Kafka;
  #admin: Admin;
  #cluster: Cluster;

  constructor(options: ResolvedKafkaOptions, clock: Clock, logger: Logger, metrics: Metrics) {
    this.options = options;
    this.clock = clock;
    this.logger = logger;
    this.metrics = metrics;
    this.outage = new Outage(clock, logger, options.brokers);
    this.#kafka = createKafka(options, logger);
    this.#admin = this.#kafka.admin();
    this.#cluster = createCluster(this.#kafka);
  }

  /** A kafkajs client of its own, with caches of its own: for a producer or a member. */
  newClient(clientId = this.options.clientId): Kafka {
    return createKafka({ ...this.options, clientId }, this.logger);
  }

  newCluster(): Cluster {
    return createCluster(this.#kafka);
  }

  /** Asks as an administrator. */
  async ask<T>(what: string, question: (admin: Admin) => Promise<T>, patienceMs = this.options.patienceMs): Promise<T> {
    return this.outage.through(
      what,
      patienceMs,
      async () => {
        await this.#admin.connect();
        return question(this.#admin);
      },
      async () => {
        await quietly(this.#admin.disconnect());
        this.#admin = this.#kafka.admin();
      },
    );
  }

  /** Asks the brokers that lead the partitions of a topic. */
  async askLeaders<T>(what: string, topic: string, question: (cluster: Cluster) => Promise<T>): Promise<T> {
    const renew = async () => {
      await quietly(this.#cluster.disconnect());
      this.#cluster = createCluster(this.#kafka);
    };
    return this.outage.through(
      what,
      this.options.patienceMs,
      async () => {
        try {
          await this.#cluster.connect();
          await this.#cluster.addTargetTopic(topic);
          return await question(this.#cluster);
        } catch (error) {
          // A topic that was deleted stays among the cluster's topics and fails every later question.
          await renew();
          throw error;
        }
      },
      async () => {},
    );
  }

  async close(): Promise<void> {
    await Promise.all([atMost(endLimitMs, this.#admin.disconnect()), atMost(endLimitMs, this.#cluster.disconnect())]);
  }
}

/** Waits for something whose failure changes nothing: the end of a connection that may be gone already. */
export async function quietly(ending: Promise<unknown>): Promise<void> {
  await ending.catch(() => undefined);
}

/** The same, but no longer than a limit: a broker that hangs must not hold up the end. */
export async function atMost(limitMs: number, ending: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([quietly(ending), promise]);
  clearTimeout(timer);
}
