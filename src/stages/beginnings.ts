/** Where the source partitions begin that a worker was given: asked for each by itself, so that one whose broker is away holds up no other. */
import { DependencyError, InvariantError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { CoreSettings, TopicSource } from '../core/settings.ts';
import { type SourceRole, sourceKey } from '../core/summarize/messages.ts';
import type { Clock, Commit, Log, Member, OwnedPartition } from '../log/port.ts';
import { type KnownSource, knownSources } from './knownSources.ts';
import { answerKey, Questions } from './questions.ts';
import { Setback } from './setback.ts';
import { type FirstStart, findStart, type StartAnswer } from './summarizerStart.ts';

export interface Source {
  readonly role: SourceRole;
  readonly source: TopicSource;
}

/** Where a partition begins, and what that was found by. */
export interface Beginning extends Source, StartAnswer {
  /** Of its topic. */
  readonly partitions: number;
  /** What the group has committed for each of them. */
  readonly commits: readonly (Commit | null)[];
}

export interface Found {
  /** Number of partitions by topic, of those topics that it is known of. */
  readonly counts: ReadonlyMap<string, number>;
  /** Of those partitions of which it is known. */
  readonly found: ReadonlyMap<OwnedPartition, Beginning>;
}

interface BeginningsOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: CoreSettings;
  readonly firstStart: FirstStart;
  readonly configHash: string;
  /** Name of the topic. */
  readonly partials: string;
  /** By topic. */
  readonly sources: ReadonlyMap<string, Source>;
}

type Surroundings = Omit<Beginning, keyof StartAnswer>;
type Known = () => Promise<ReadonlyMap<string, KnownSource>>;

export class Beginnings {
  readonly #options: BeginningsOptions;
  readonly #looking: Setback;
  readonly #starts: Questions<Beginning>;

  constructor(options: BeginningsOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#looking = new Setback(clock, logger);
    this.#starts = new Questions(
      clock,
      logger,
      'A newly assigned partition could not be taken up: trying again, others are read meanwhile',
    );
  }

  /** @param leftAt where the log of a partition was found to be another one while it was read */
  async find(
    member: Member,
    topics: ReadonlySet<string>,
    added: readonly OwnedPartition[],
    leftAt: (at: OwnedPartition) => number | null,
  ): Promise<Found> {
    const { log, partials } = this.#options;
    const counts = new Map<string, number>();
    const surroundings = new Map<string, Surroundings>();
    for (const topic of topics) {
      try {
        const partitions = await log.partitionCount(topic);
        if (added.some((own) => own.topic === topic)) surroundings.set(topic, await this.#lookAt(member, topic, partitions));
        counts.set(topic, partitions);
        this.#looking.passed(topic, 'Questions about source topics are answered again');
      } catch (error) {
        if (!(error instanceof DependencyError)) throw error;
        const words = 'What was assigned of a topic could not be taken up: trying again, other topics are read meanwhile';
        this.#looking.failed(topic, { topic, error }, words);
      }
    }
    let known: ReturnType<Known> | null = null;
    const ask: Known = () => {
      known ??= knownSources(log, partials);
      return known;
    };
    const asked = added.filter(({ topic }) => surroundings.has(topic));
    const answers = await this.#starts.ask(asked, (at) => this.#beginningOf(at, surroundings.get(at.topic), ask, leftAt(at)));
    const found = new Map<OwnedPartition, Beginning>();
    for (const at of asked) {
      const answer = answers.get(answerKey(at));
      if (answer !== undefined) found.set(at, answer);
    }
    return { counts, found };
  }

  async #lookAt(member: Member, topic: string, partitions: number): Promise<Surroundings> {
    const source = this.#options.sources.get(topic);
    if (source === undefined) throw new InvariantError(`Topic "${topic}" was assigned and is no source`);
    const commits = await member.committed(Array.from({ length: partitions }, (_, partition) => ({ topic, partition })));
    return { ...source, partitions, commits };
  }

  async #beginningOf(at: OwnedPartition, around: Surroundings | undefined, known: Known, leftAt: number | null): Promise<Beginning> {
    if (around === undefined) throw new InvariantError(`Nothing is known of topic "${at.topic}"`);
    const { log, logger, settings, firstStart, configHash } = this.#options;
    const { topic, partition } = at;
    const answer = await findStart({
      log,
      logger,
      at: { topic, partition },
      role: around.role,
      firstStart,
      commits: around.commits,
      settings,
      configHash,
      known: async () => (await known()).get(sourceKey({ role: around.role, topic, partition })) ?? null,
      leftAt,
    });
    return { ...around, ...answer };
  }
}
