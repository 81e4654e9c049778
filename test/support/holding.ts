import { DependencyError } from '../../src/core/errors.ts';
import type { Log, Member, TopicPartition } from '../../src/log/port.ts';

/** A log whose members get nothing of some partitions for the time being, as by a fetch that hangs. */
export function holding(isHeld: (at: TopicPartition) => boolean): (log: Log) => Log {
  return withMembers((member) => ({ take: (partition) => (isHeld(partition) ? null : member.take(partition)) }));
}

/** What becomes of a question for the offsets of a partition whose broker is away: it is refused at once, or nobody answers. */
export type Silence = 'refused' | 'unanswered';

/** A partition whose broker is away while a test wants it: nothing comes of it, and what is asked about it has no answer. */
export class Away {
  readonly #at: TopicPartition;
  readonly #silence: Silence;
  #back: PromiseWithResolvers<void> | null = null;

  constructor(at: TopicPartition, silence: Silence) {
    this.#at = at;
    this.#silence = silence;
  }

  goes(): void {
    this.#back = Promise.withResolvers();
  }

  comesBack(): void {
    this.#back?.resolve();
    this.#back = null;
  }

  readonly wrap = (log: Log): Log => {
    const isHeld = ({ topic, partition }: TopicPartition) =>
      this.#back !== null && topic === this.#at.topic && partition === this.#at.partition;
    const asked = async (at: TopicPartition) => {
      if (this.#back === null || !isHeld(at)) return;
      if (this.#silence === 'refused') throw new DependencyError(`${at.topic}/${at.partition} has no leader`);
      await this.#back.promise;
    };
    return {
      ...holding(isHeld)(log),
      offsets: async (at) => {
        await asked(at);
        return log.offsets(at);
      },
    };
  };
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
