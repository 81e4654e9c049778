/**
 * The member that a worker left behind in its group when it was killed: until its session ends (10 s) the group waits for it, and gives its partitions to nobody. A worker that has a name of its own
 * knows that member by the name, and takes it out of the group as it comes (what Kafka's admin client calls removing a member).
 *
 * Where two workers have one name by mistake, a start takes the other one out; that one notices at its next heartbeat and joins again as a newcomer: a rebalance, no loss. It is done once a start,
 * never at a later join, so two such workers do not go on throwing each other out.
 */
import type { Cluster } from 'kafkajs';
import { type KafkaConnection, quietly } from './connection.ts';
import { instanceOf } from './stickyAssigner.ts';

/** What the coordinator of a group can be asked; kafkajs does not declare it. */
interface Coordinator {
  leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
}

/** Takes members of that name out of the group. What fails costs only the wait for their session. */
export async function endFormerSelf(connection: KafkaConnection, group: string, instance: string): Promise<void> {
  const { logger } = connection;
  const cluster: Cluster = connection.newCluster();
  try {
    // In any state but stable the brokers do not show what members said of themselves: then the group is not waiting for a dead one, or will notice soon.
    const { groups } = await connection.ask(`Looking for former members of group "${group}"`, (admin) => admin.describeGroups([group]));
    const former = (groups[0]?.members ?? []).filter(({ memberMetadata }) => instanceOf(memberMetadata) === instance);
    if (former.length === 0) return;
    await cluster.connect();
    // The edge to kafkajs: its type of a broker lacks the call.
    const coordinator = (await cluster.findGroupCoordinator({ groupId: group })) as unknown as Coordinator;
    for (const { memberId } of former) {
      await coordinator.leaveGroup({ groupId: group, memberId });
      logger.info({ group, instance, memberId }, 'A former member of this name was still in the group: its place is taken at once');
    }
  } catch (error) {
    logger.debug({ group, instance, error: String(error) }, 'Former members of this name were not taken out of the group');
  } finally {
    await quietly(cluster.disconnect());
  }
}
