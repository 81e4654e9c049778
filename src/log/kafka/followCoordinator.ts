/**
 * kafkajs asks who coordinates its group when it joins, and speaks to that broker until it joins again. Where the broker dies and stays away, Kafka gives the group
 * to another one within seconds; kafkajs does not look for it: heartbeats and commits go to the dead one, the session ends, and the member stands still until that
 * very broker is back. Here what is said to the coordinator goes to the broker that is it now, as with Kafka's own clients: the membership goes on, with its
 * generation, and no partition moves.
 */
import type { Broker, Cluster } from 'kafkajs';
import { troubleOf } from './kafkaErrors.ts';

const requests = ['joinGroup', 'syncGroup', 'heartbeat', 'offsetFetch', 'offsetCommit', 'leaveGroup'] as const;

/** What kafkajs's consumer uses of the broker that coordinates its group. */
type Coordinator = Record<(typeof requests)[number], (request: unknown) => Promise<unknown>>;

/** Has the consumer whose cluster this is follow the coordinator of its group. */
export function followCoordinator(cluster: Cluster): void {
  const find = cluster.findGroupCoordinator.bind(cluster);
  cluster.findGroupCoordinator = async (group) => following(await find(group), () => find(group));
}

function following(found: Broker, find: () => Promise<Broker>): Broker {
  // The edges to kafkajs: its type of a broker lacks what a member asks it, and of a coordinator it uses no more than this.
  let current = found as unknown as Coordinator;
  const ask = async (request: (typeof requests)[number], payload: unknown): Promise<unknown> => {
    const asked = current;
    try {
      return await asked[request](payload);
    } catch (error) {
      // Who asked repeats it; nothing but the broker that it goes to has changed by then.
      if (troubleOf(error) === 'transient' && current === asked) current = await other(asked);
      throw error;
    }
  };
  const other = async (asked: Coordinator): Promise<Coordinator> => {
    try {
      return (await find()) as unknown as Coordinator;
    } catch {
      return asked;
    }
  };
  return {
    // Where it is not, the next request connects it, or finds another.
    isConnected: () => true,
    ...Object.fromEntries(requests.map((request) => [request, (payload: unknown) => ask(request, payload)])),
  } as unknown as Broker;
}
