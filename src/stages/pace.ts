/**
 * Keeps a worker from reading far ahead of partitions that others read. A worker reads on from its own slowest partition; how far others are it sees in their
 * commits, whose metadata say how far they have come in event time. Without it, a start on weeks of history would fill the memory of detect: it holds what
 * one partition has sent until all have come to the same time.
 */
import { DependencyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { WindowSettings } from '../core/settings.ts';
import { parseResumeState } from '../core/summarize/resumeState.ts';
import { partitionKey } from '../log/partitionKey.ts';
import type { Clock, Log, Member, TopicPartition } from '../log/port.ts';
import { answerKey, Questions } from './questions.ts';
import type { SummarizeTask } from './summarizeTask.ts';

/** Shortest lead: rounds of asking cost about a second each. */
const shortestLeadMs = 6 * 3_600_000;
/** Time between two looks at the commits of others. */
const askEveryMs = 250;
/** Waiting for longer than this is said. */
const longMs = 60_000;

export interface PaceOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly window: WindowSettings;
  readonly predictionTopics: readonly string[];
}

/** A prediction partition that has unread records, and the event time it has come to. */
interface Reached {
  readonly at: TopicPartition;
  readonly timeMs: number;
}

export class Pace {
  readonly #options: PaceOptions;
  readonly #leadMs: number;
  readonly #ends: Questions<number>;
  /** Event time up to which nothing has to be asked. */
  #horizonMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** Where this worker was when it first asked for a partition that had not told its event time: what is taken for that partition's place until it does. */
  readonly #untold = new Map<string, number>();
  #heldSinceMs: number | null = null;
  #isTold = false;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#leadMs = leadOf(options.window);
    this.#ends = new Questions(
      options.clock,
      options.logger,
      'The end of a partition could not be asked for: others are read at most some hours ahead of it',
    );
  }

  /** Whether this partition, the slowest of the worker's own, may be read on now. Asks the group where that is not known. */
  async allows(member: Member, task: SummarizeTask, own: ReadonlyMap<string, SummarizeTask>): Promise<boolean> {
    const { watermarkMs } = task.summarizer;
    if (watermarkMs === null || watermarkMs < this.#horizonMs) return this.#note(null);
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#askedAtMs < askEveryMs) return false;
    this.#askedAtMs = nowMs;
    try {
      const slowest = await this.#slowest(member, watermarkMs, own);
      this.#horizonMs = Math.min(watermarkMs, slowest?.timeMs ?? watermarkMs) + this.#leadMs;
      return this.#note(watermarkMs < this.#horizonMs ? null : slowest);
    } catch (error) {
      if (!(error instanceof DependencyError)) throw error;
      this.#options.logger.debug({ error: String(error) }, 'How far the other partitions are could not be asked: trying again');
      return false;
    }
  }

  async #slowest(member: Member, watermarkMs: number, own: ReadonlyMap<string, SummarizeTask>): Promise<Reached | null> {
    const { log, predictionTopics } = this.#options;
    let slowest: Reached | null = null;
    for (const topic of predictionTopics) {
      const count = await log.partitionCount(topic);
      const places = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
      const commits = await member.committed(places);
      const ends = await this.#ends.ask(places, async (at) => (await log.offsets(at)).high);
      for (const [index, at] of places.entries()) {
        // Where nobody says: what was read to its end before has got nothing new, for nobody takes writes.
        const high = ends.get(answerKey(at)) ?? 0;
        const task = own.get(partitionKey(at));
        const state = parseResumeState(commits[index]?.metadata ?? '');
        // Read to its end, and detect knows: before it was told so it waits for the partition.
        if (state !== null && state.idle !== null && state.idle.position >= high) continue;
        const reachedMs = task === undefined ? (state?.maxTimeMs ?? null) : task.summarizer.watermarkMs;
        const timeMs = reachedMs ?? this.#placeOf(partitionKey(at), watermarkMs);
        if (reachedMs !== null) this.#untold.delete(partitionKey(at));
        if (slowest === null || timeMs < slowest.timeMs) slowest = { at, timeMs };
      }
    }
    return slowest;
  }

  #placeOf(key: string, watermarkMs: number): number {
    const placeMs = this.#untold.get(key) ?? watermarkMs;
    this.#untold.set(key, placeMs);
    return placeMs;
  }

  /** Says for whom is waited where that lasts; true where for nobody. */
  #note(slowest: Reached | null): boolean {
    const { clock, logger, metrics } = this.#options;
    const isHeld = slowest !== null;
    if (isHeld !== (this.#heldSinceMs !== null)) metrics.set('tidemark_summarize_waiting', {}, isHeld ? 1 : 0);
    if (!isHeld) {
      this.#heldSinceMs = null;
      this.#isTold = false;
      return true;
    }
    this.#heldSinceMs ??= clock.nowMs();
    if (!this.#isTold && clock.nowMs() - this.#heldSinceMs > longMs) {
      this.#isTold = true;
      logger.warn(
        { waitsFor: partitionKey(slowest.at), at: new Date(slowest.timeMs).toISOString() },
        'Reading waits for a partition that is hours behind in event time: is it read?',
      );
    }
    return false;
  }
}

/** How far ahead of the slowest partition others may be read: well beyond what commits lag behind because of open panes. */
export function leadOf({ hopMs, latenessMs, maxAheadMs }: WindowSettings): number {
  return Math.max(shortestLeadMs, 2 * (hopMs + latenessMs + maxAheadMs));
}
