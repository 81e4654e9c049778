import type { Logger } from '../../core/logger.ts';
import type { Clock } from '../port.ts';
import { dependencyError, troubleOf } from './kafkaErrors.ts';

/** An outage that begins so soon after another one ended is the same one, as with a broker of several that is away while the others answer: no line is worth it. */
const sameMs = 60_000;
/** Unless it lasts so long. */
const worthSayingMs = 10_000;

/**
 * How every part of the Kafka log goes through times without brokers: it repeats with growing pauses, and says so in one line when they
 * begin and one when they end. Shared by all parts of one log, so that an outage is reported once.
 */
export class Outage {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #brokers: readonly string[];
  #sinceMs: number | null = null;
  #isSaid = false;
  #endedMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(clock: Clock, logger: Logger, brokers: readonly string[]) {
    this.#clock = clock;
    this.#logger = logger;
    this.#brokers = brokers;
  }

  /** Nothing is repeated any more: the log is being closed. */
  close(): void {
    this.#isClosed = true;
  }

  /** Something failed that may pass. Logged the first time only. */
  began(error: unknown): void {
    if (this.#isSaid || this.#isClosed) return;
    const nowMs = this.#clock.nowMs();
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#endedMs < sameMs && nowMs - this.#sinceMs < worthSayingMs) return;
    this.#isSaid = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#logger.warn({ brokers: this.#brokers, reason }, 'Kafka does not answer; trying again until it does');
  }

  /** Something worked. */
  ended(): void {
    if (this.#sinceMs === null) return;
    const seconds = Math.round((this.#clock.nowMs() - this.#sinceMs) / 100) / 10;
    if (this.#isSaid) this.#logger.info({ brokers: this.#brokers, seconds }, 'Kafka answers again');
    this.#sinceMs = null;
    this.#isSaid = false;
    this.#endedMs = this.#clock.nowMs();
  }

  /**
   * Repeats what fails for a reason that may pass, until it works or `patienceMs` is over.
   * @throws DependencyError that says what to do, where it does not pass
   */
  async through<T>(what: string, patienceMs: number, attempt: () => Promise<T>): Promise<T> {
    const endMs = this.#clock.nowMs() + patienceMs;
    for (let failures = 0; ; failures += 1) {
      try {
        const result = await attempt();
        this.ended();
        return result;
      } catch (error) {
        if (this.#isClosed || troubleOf(error) !== 'transient' || this.#clock.nowMs() >= endMs)
          throw dependencyError(what, this.#brokers, error);
        this.began(error);
        await this.#clock.sleep(pauseMs(failures));
      }
    }
  }
}

/** Pause after so many failures in a row: 100 ms, doubling, at most 2 s. */
export function pauseMs(failures: number): number {
  return Math.min(2_000, 100 * 2 ** Math.min(failures, 10));
}
