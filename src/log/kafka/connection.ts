import type { Admin, Cluster, Kafka } from 'kafkajs';
import { DependencyError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Clock } from '../port.ts';
import { createCluster, createKafka } from './kafkaClient.ts';
import { troubleOf } from './kafkaErrors.ts';
import { Leaderless } from './leaderless.ts';
import type { ResolvedKafkaOptions } from './options.ts';
import { Outage } from './outage.ts';
import { Renewable } from './renewable.ts';

/** How long the end of one connection may take. */
const endLimitMs = 2_000;

/** What all parts of one Kafka log share: settings, the outage, and one connection for questions (metadata, offsets, topics). */
export class KafkaConnection {
  readonly options: ResolvedKafkaOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly outage: Outage;
  readonly leaderless: Leaderless;
  readonly #kafka: Kafka;
  readonly #admin: Renewable<Admin>;
  readonly #cluster: Renewable<Cluster>;

  constructor(options: ResolvedKafkaOptions, clock: Clock, logger: Logger, metrics: Metrics) {
    this.options = options;
    this.clock = clock;
    this.logger = logger;
    this.metrics = metrics;
    this.outage = new Outage(clock, logger, options.brokers);
    this.leaderless = new Leaderless(clock, logger);
    this.#kafka = createKafka(options, logger);
    this.#admin = new Renewable(() => this.#kafka.admin());
    this.#cluster = new Renewable(() => createCluster(this.#kafka));
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
    // A topic that was deleted stays among those of the client and fails every question, whatever it is about.
    const isBroken = (error: unknown) => ['transient', 'topic'].includes(troubleOf(error));
    const attempt = () => this.#admin.use(question, isBroken);
    return this.outage.through(what, patienceMs, async () => {
      try {
        return await attempt();
      } catch (error) {
        if (troubleOf(error) !== 'topic') throw error;
        return attempt();
      }
    });
  }

  /** Asks the brokers that lead the partitions of a topic. */
  async askLeaders<T>(what: string, topic: string, question: (cluster: Cluster) => Promise<T>): Promise<T> {
    const ofTopic = async (cluster: Cluster) => {
      await cluster.addTargetTopic(topic);
      return question(cluster);
    };
    // Whatever the brokers said: a topic that was deleted stays among the cluster's topics and fails every later question.
    const isBroken = (error: unknown) => !(error instanceof DependencyError);
    return this.outage.through(what, this.options.patienceMs, () => this.#cluster.use(ofTopic, isBroken));
  }

  async close(): Promise<void> {
    await Promise.all([atMost(endLimitMs, this.#admin.close()), atMost(endLimitMs, this.#cluster.close())]);
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
