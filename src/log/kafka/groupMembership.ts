/**
 * The group side of a member: joining, heartbeats, rebalances, commits. kafkajs's consumer does it, with all partitions paused: it never
 * fetches a record, so nothing of ours can hold up its heartbeats and no fetch error can put it out of the group.
 */
import type { Consumer } from 'kafkajs';
import { DependencyError } from '../../core/errors.ts';
import { partitionKey } from '../partitionKey.ts';
import type { Assignment, Commit, MemberOptions, OwnedPartition } from '../port.ts';
import { atMost, type KafkaConnection, quietly } from './connection.ts';
import { followCoordinator } from './followCoordinator.ts';
import { endFormerSelf } from './formerSelf.ts';
import { dependencyError, troubleOf } from './kafkaErrors.ts';
import { pauseMs } from './outage.ts';
import { stickyAssigner } from './stickyAssigner.ts';

const commitEvent = 'consumer.commit_offsets';

export class GroupMembership {
  readonly #connection: KafkaConnection;
  readonly #options: MemberOptions;
  readonly #onChange: () => void;
  #consumer: Consumer | null = null;
  #assignment: Assignment = { epoch: 0, partitions: [] };
  #heldSinceMs = 0;
  #memberId = '';
  /** Joins begun since the last one that ended well: more than one means that the group went on without us in between. */
  #joinsBegun = 0;
  #crashes = 0;
  #reportedReason = '';
  #isLeft = false;
  /** Settles the first join. */
  #joined = Promise.withResolvers<void>();

  /** @param onChange called when the assignment has changed */
  constructor(connection: KafkaConnection, options: MemberOptions, onChange: () => void) {
    this.#connection = connection;
    this.#options = options;
    this.#onChange = onChange;
  }

  get assignment(): Assignment {
    return this.#assignment;
  }

  /** Resolves when the group has taken the member in; rejects where credentials, permissions or topics do not allow it. */
  async join(): Promise<void> {
    const { instance } = this.#connection.options;
    if (instance !== undefined) await endFormerSelf(this.#connection, this.#options.group, instance);
    if (!this.#isLeft) void this.#run();
    await this.#joined.promise;
  }

  owns(partition: { topic: string; partition: number }): boolean {
    return this.#assignment.partitions.some((each) => each.topic === partition.topic && each.partition === partition.partition);
  }

  async commit(commits: readonly Commit[]): Promise<void> {
    if (commits.length === 0) return;
    const consumer = this.#consumer;
    if (this.#isLeft || consumer === null) throw new DependencyError('Commit refused: the member is not in its group');
    this.#checkOwned(commits);
    // kafkajs resolves without a word where its consumer is just stopping, so that only its event tells that the commit was made.
    const missing = new Set(commits.map(commitKey));
    const stop = consumer.on(commitEvent, ({ payload }) => {
      for (const { topic, partitions } of payload.topics) {
        for (const made of partitions) missing.delete(commitKey({ topic, metadata: '', ...made }));
      }
    });
    try {
      await consumer.commitOffsets(
        commits.map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset: String(offset), metadata })),
      );
    } catch (error) {
      throw dependencyError(`Committing for group "${this.#options.group}"`, this.#connection.options.brokers, error);
    } finally {
      stop();
    }
    if (missing.size > 0) throw new DependencyError('Commit refused: the member was just leaving its group');
    this.#checkOwned(commits);
  }

  /** Leaves the group, so that the others need not wait for the session timeout. At most about a second where brokers answer. */
  async leave(): Promise<void> {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#joined.reject(new DependencyError(`Joining group "${this.#options.group}" was given up`));
    this.#assignment = { epoch: this.#assignment.epoch + 1, partitions: [] };
    this.#onChange();
    const consumer = this.#consumer;
    this.#consumer = null;
    if (consumer !== null) await atMost(5_000, consumer.disconnect());
  }

  /** Runs a consumer, and after a crash that kafkajs does not repair, another one. */
  async #run(): Promise<void> {
    const consumer = this.#newConsumer();
    this.#consumer = consumer;
    consumer.on('consumer.group_join', ({ payload }) => this.#onJoin(consumer, payload.memberId, payload.memberAssignment));
    consumer.on('consumer.crash', ({ payload }) => this.#onTrouble(consumer, payload.error, !payload.restart));
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...this.#options.topics] });
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => {} });
    } catch (error) {
      this.#onTrouble(consumer, error, true);
    }
  }

  /** What does not pass ends the first join; a member that was in its group once tries until it is again, and says why, once. */
  #onTrouble(consumer: Consumer, error: unknown, isOver: boolean): void {
    if (this.#consumer !== consumer) return;
    const { options, outage, logger } = this.#connection;
    const { group } = this.#options;
    if (troubleOf(error) === 'transient') outage.began(error);
    else if (this.#assignment.epoch === 0) {
      this.#joined.reject(dependencyError(`Joining group "${group}"`, options.brokers, error));
      return;
    } else {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#reportedReason) logger.warn({ group, reason }, 'The group cannot be joined; trying again');
      this.#reportedReason = reason;
    }
    if (isOver) void this.#restart(consumer);
  }

  async #restart(consumer: Consumer): Promise<void> {
    this.#consumer = null;
    await quietly(consumer.disconnect());
    await this.#connection.clock.sleep(pauseMs(this.#crashes));
    this.#crashes += 1;
    if (!this.#isLeft) await this.#run();
  }

  #newConsumer(): Consumer {
    const { sessionTimeoutMs, metadataMaxAgeMs, instance } = this.#connection.options;
    return this.#connection.newClient(this.#options.clientId).consumer({
      groupId: this.#options.group,
      allowAutoTopicCreation: false,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(1_000, Math.floor(sessionTimeoutMs / 4)),
      maxWaitTimeInMs: 250,
      metadataMaxAge: metadataMaxAgeMs,
      // Patience without end keeps the membership through a broker's restart; a crash would begin a new one and re-read everything.
      retry: { retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 100, maxRetryTime: 1_000 },
      partitionAssigners: [
        ({ cluster }) => {
          followCoordinator(cluster);
          return stickyAssigner(cluster, () => {
            this.#joinsBegun += 1;
            return {
              partitions: this.#assignment.partitions.map(({ topic, partition }) => ({ topic, partition })),
              sinceMs: this.#heldSinceMs,
              ...(instance === undefined ? {} : { instance }),
            };
          });
        },
      ],
    });
  }

  /** Runs inside kafkajs's join, before its next fetch: nothing may be awaited here. */
  #onJoin(consumer: Consumer, memberId: string, assigned: Record<string, number[]>): void {
    if (this.#consumer !== consumer || this.#isLeft) return;
    // Pauses survive a rebalance, but not for partitions that are new.
    consumer.pause(Object.entries(assigned).map(([topic, partitions]) => ({ topic, partitions })));
    const isContinuous = memberId === this.#memberId && this.#joinsBegun === 1;
    const epoch = this.#assignment.epoch + 1;
    const before = new Map(isContinuous ? this.#assignment.partitions.map((each) => [partitionKey(each), each.since]) : []);
    const partitions = Object.entries(assigned).flatMap(([topic, numbers]) =>
      numbers
        .toSorted((left, right) => left - right)
        .map((partition): OwnedPartition => ({ topic, partition, since: before.get(partitionKey({ topic, partition })) ?? epoch })),
    );
    this.#assignment = { epoch, partitions };
    this.#memberId = memberId;
    this.#joinsBegun = 0;
    this.#crashes = 0;
    this.#reportedReason = '';
    this.#heldSinceMs = this.#connection.clock.nowMs();
    this.#connection.outage.ended();
    this.#joined.resolve();
    this.#onChange();
  }

  #checkOwned(commits: readonly Commit[]): void {
    const foreign = commits.find((commit) => !this.owns(commit));
    if (foreign !== undefined) throw new DependencyError(`Commit refused: ${partitionKey(foreign)} is not assigned to this member`);
  }
}

function commitKey(commit: { topic: string; partition: number; offset: unknown; metadata: string }): string {
  return JSON.stringify([commit.topic, commit.partition, String(commit.offset), commit.metadata]);
}
