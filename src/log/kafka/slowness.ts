import type { Logger } from '../../core/logger.ts';
import type { Clock } from '../port.ts';

/** So long nothing may have been slow before it is said to be over: what is throttled is fast in between. */
const calmMs = 10_000;

/** Says that brokers answer slowly (a quota, a slow network, slow disks): one line when that begins, one when it has been over for a while. */
export class Slowness {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #facts: Readonly<Record<string, unknown>>;
  readonly #words: { readonly began: string; readonly ended: string };
  #sinceMs: number | null = null;
  #lastMs = 0;

  constructor(
    clock: Clock,
    logger: Logger,
    facts: Readonly<Record<string, unknown>>,
    words: { readonly began: string; readonly ended: string },
  ) {
    this.#clock = clock;
    this.#logger = logger;
    this.#facts = facts;
    this.#words = words;
  }

  slow(seconds: number): void {
    this.#lastMs = this.#clock.nowMs();
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#lastMs;
    this.#logger.warn({ ...this.#facts, seconds }, this.#words.began);
  }

  fast(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#sinceMs === null || nowMs - this.#lastMs < calmMs) return;
    this.#logger.info({ ...this.#facts, seconds: Math.round((nowMs - this.#sinceMs) / 100) / 10 }, this.#words.ended);
    this.#sinceMs = null;
  }
}
