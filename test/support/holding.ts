import type { Log, TopicPartition } from '../../src/log/port.ts';

/** A log whose members get nothing of some partitions for the time being, as by a fetch that hangs. */
export function holding(isHeld: (at: TopicPartition) => boolean): (log: Log) => Log {
  return (log) => ({
    ...log,
    join: async (options) => {
      const member = await log.join(options);
      return {
        assignment: () => member.assignment(),
        committed: (partitions) => member.committed(partitions),
        start: (partition, offset) => member.start(partition, offset),
        take: (partition) => (isHeld(partition) ? null : member.take(partition)),
        wait: (timeoutMs) => member.wait(timeoutMs),
        commit: (commits) => member.commit(commits),
        leave: () => member.leave(),
      };
    },
  });
}
