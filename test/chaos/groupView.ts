/** What the cluster says of a consumer group and of leaders, asked as an operator would. */
import { type Admin, Kafka, logLevel } from 'kafkajs';

export class GroupView {
  readonly #admin: Admin;

  private constructor(admin: Admin) {
    this.#admin = admin;
  }

  static async open(brokers: readonly string[]): Promise<GroupView> {
    const retry = { retries: 30, initialRetryTime: 200, maxRetryTime: 1_000 };
    const admin = new Kafka({ clientId: 'chaos-view', brokers: [...brokers], logLevel: logLevel.NOTHING, retry }).admin();
    await admin.connect();
    return new GroupView(admin);
  }

  /** Names of the clients that are members of the group. */
  async members(group: string): Promise<ReadonlySet<string>> {
    const { groups } = await this.#admin.describeGroups([group]);
    return new Set(groups.flatMap(({ members }) => members.map(({ clientId }) => clientId)));
  }

  /** The leader of every partition of these topics, by topic and partition. */
  async leaders(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = await this.#admin.fetchTopicMetadata({ topics: [...topics] });
    return new Map(
      found.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionId, leader }) => [`${name}/${partitionId}`, leader] as const),
      ),
    );
  }

  close(): Promise<void> {
    return this.#admin.disconnect();
  }
}
