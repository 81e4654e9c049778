import kafkajs, { type Assigner, type Cluster, type GroupMember } from 'kafkajs';
import { partitionKey } from '../partitionKey.ts';
import type { TopicPartition } from '../port.ts';
import { assignSticky, type Claim } from '../stickyAssignment.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const version = 1;

/** What a member says of itself when it joins; travels in the group protocol's user data. */
export interface Held {
  readonly partitions: readonly TopicPartition[];
  readonly sinceMs: number;
  /** Name that no other running member has; left out where it has none. */
  readonly instance?: string;
}

/**
 * `assignSticky` as a kafkajs assigner: kafkajs itself has only a round robin that moves everything at every join.
 * @param held asked before each join
 */
export function stickyAssigner(cluster: Cluster, held: () => Held): Assigner {
  const name = 'tidemark-sticky';
  return {
    name,
    version,
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version, topics, userData: Buffer.from(JSON.stringify(held())) }),
    }),
    assign: async ({ members, topics }) => {
      const claims = members.map((member) => claimOf(member, topics));
      const subscribed = [...new Set(claims.flatMap((claim) => claim.topics))];
      await cluster.addMultipleTargetTopics(subscribed);
      const counts = new Map(subscribed.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]));
      return [...assignSticky(claims, counts)].map(([memberId, partitions]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({ version, assignment: byTopic(partitions), userData: Buffer.alloc(0) }),
      }));
    },
  };
}

/** Another program's member (or another release) may say anything: what is no claim of ours is none. */
function claimOf({ memberId, memberMetadata }: GroupMember, fallbackTopics: readonly string[]): Claim {
  const metadata = MemberMetadata.decode(memberMetadata);
  const { partitions, sinceMs } = heldOf(metadata?.userData);
  return { member: memberId, topics: metadata?.topics ?? fallbackTopics, held: partitions, heldSince: sinceMs };
}

/** The name that a member gave itself when it joined; null where it has none, or is no member of ours. */
export function instanceOf(memberMetadata: Buffer): string | null {
  if (memberMetadata.length === 0) return null;
  return heldOf(MemberMetadata.decode(memberMetadata)?.userData).instance ?? null;
}

function heldOf(userData: Buffer | undefined): Held {
  const nothing: Held = { partitions: [], sinceMs: 0 };
  if (userData === undefined || userData.length === 0) return nothing;
  try {
    const said: unknown = JSON.parse(userData.toString('utf8'));
    if (typeof said !== 'object' || said === null || !('partitions' in said) || !Array.isArray(said.partitions)) return nothing;
    const sinceMs = 'sinceMs' in said && typeof said.sinceMs === 'number' ? said.sinceMs : 0;
    const named = 'instance' in said && typeof said.instance === 'string' ? { instance: said.instance } : {};
    return { partitions: said.partitions.filter(isTopicPartition), sinceMs, ...named };
  } catch {
    return nothing;
  }
}

function isTopicPartition(value: unknown): value is TopicPartition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'topic' in value &&
    typeof value.topic === 'string' &&
    'partition' in value &&
    typeof value.partition === 'number'
  );
}

function byTopic(partitions: readonly TopicPartition[]): Record<string, number[]> {
  const assignment: Record<string, number[]> = {};
  const sorted = [...partitions].sort((left, right) => (partitionKey(left) < partitionKey(right) ? -1 : 1));
  for (const { topic, partition } of sorted) assignment[topic] = [...(assignment[topic] ?? []), partition];
  return assignment;
}
