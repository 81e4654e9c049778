import type { Log, Member, TopicPartition } from '../../src/log/port.ts';

/** A log whose members get nothing of some partitions for the time being, as by a fetch that hangs. */
export function holding(isHeld: (at: TopicPartition) => boolean): (log: Log) => Log {
  return withMembers((member) => ({ take: (partition) => (isHeld(partition) ? null : member.take(partition)) }));
}

/** A log that refuses the commits of its members for the time being, as Kafka does where a member has lost its group without knowing. */
export function refusingCommits(isRefused: () => boolean): (log: Log) => Log {
  return withMembers((member) => ({
    commit: async (commits) => {
      if (isRefused()) throw new Error('UNKNOWN_MEMBER_ID');
      await member.commit(commits);
    },
  }));
}

function withMembers(changed: (member: Member) => Partial<Member>): (log: Log) => Log {
  return (log) => ({
    ...log,
    join: async (options) => {
      const member = await log.join(options);
      return {
        assignment: () => member.assignment(),
        committed: (partitions) => member.committed(partitions),
        start: (partition, offset) => member.start(partition, offset),
        take: (partition) => member.take(partition),
        wait: (timeoutMs) => member.wait(timeoutMs),
        commit: (commits) => member.commit(commits),
        leave: () => member.leave(),
        ...changed(member),
      };
    },
  });
}
