/** The log's errors as errors at Sentry: the same line once in ten minutes, and at most twenty an hour. */
import type { Logger } from '../core/logger.ts';
import { kindOfSelfError, type SelfError } from '../sentry/selfIssue.ts';

const repeatAfterMs = 600_000;
const hourMs = 3_600_000;
const mostPerHour = 20;

/** Decides which errors are told. What is not is in the log. */
export class SelfErrors {
  readonly #nowMs: () => number;
  readonly #tell: (error: SelfError) => void;
  readonly #toldMs = new Map<string, number>();

  constructor(nowMs: () => number, tell: (error: SelfError) => void) {
    this.#nowMs = nowMs;
    this.#tell = tell;
  }

  take(error: SelfError): void {
    const nowMs = this.#nowMs();
    for (const [kind, toldMs] of this.#toldMs) if (nowMs - toldMs >= hourMs) this.#toldMs.delete(kind);
    const kind = kindOfSelfError(error.text);
    const toldMs = this.#toldMs.get(kind);
    if ((toldMs !== undefined && nowMs - toldMs < repeatAfterMs) || (toldMs === undefined && this.#toldMs.size >= mostPerHour)) return;
    this.#toldMs.set(kind, nowMs);
    this.#tell(error);
  }

  /** A logger whose errors are taken too. */
  logger(logger: Logger): Logger {
    return {
      warn: (facts, text) => logger.warn(facts, text),
      info: (facts, text) => logger.info(facts, text),
      debug: (facts, text) => logger.debug(facts, text),
      error: (facts, text) => {
        logger.error(facts, text);
        this.take({ text, facts, error: facts.error ?? facts.err });
      },
    };
  }
}
