import type { Logger } from '../core/logger.ts';
import type { Clock } from '../log/port.ts';

/** While it lasts it is said again so often: whoever looks at the last minutes of a log must find it. */
const againMs = 300_000;

/**
 * What a stage cannot do for now and tries again: one line when it begins, one when it is over, one every five minutes in between, however many attempts and partitions it concerns.
 */
export class Setback {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #concerned = new Set<string>();
  #sinceMs = 0;
  #saidMs = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @param what what cannot be done, such as a partition: the setback lasts until all that failed has gone well */
  failed(what: string, fields: Readonly<Record<string, unknown>>, message: string): void {
    const nowMs = this.#clock.nowMs();
    if (this.#concerned.size === 0) {
      this.#sinceMs = nowMs;
      this.#saidMs = Number.NEGATIVE_INFINITY;
    }
    this.#concerned.add(what);
    if (nowMs - this.#saidMs < againMs) {
      this.#logger.debug(fields, message);
      return;
    }
    this.#saidMs = nowMs;
    this.#logger.warn(fields, message);
  }

  /** It went well, or is no longer ours to do. */
  passed(what: string, message: string): void {
    if (!this.#concerned.delete(what) || this.#concerned.size > 0) return;
    this.#logger.info({ seconds: Math.round((this.#clock.nowMs() - this.#sinceMs) / 100) / 10 }, message);
  }
}
