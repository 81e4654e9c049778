/** Sends the summary of what the cap on new issues has suppressed: soon after a storm begins, then every few minutes while it grows. */
import { type DeliveryAnswer, retryDelayMs } from '../core/incident/delivery.ts';
import type { IssueCap, StormSummary } from '../core/incident/storm.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';

/** How long the first suppressed incidents of a storm are gathered. */
const gatherMs = 10_000;
/** Shortest time between two summaries. */
const everyMs = 300_000;

export interface StormSummariesOptions {
  readonly cap: IssueCap;
  readonly group: string;
  readonly send: (summary: StormSummary) => Promise<DeliveryAnswer>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly jitter: () => number;
}

export class StormSummaries {
  readonly #options: StormSummariesOptions;
  /** Not before this time; null while nothing is owed. */
  #dueMs: number | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;
  #attempts = 0;
  #sending: Promise<void> | null = null;
  #answered: { readonly summary: StormSummary; readonly answer: DeliveryAnswer } | null = null;

  constructor(options: StormSummariesOptions) {
    this.#options = options;
  }

  /** Incidents were suppressed, or a partition came that may owe a summary. */
  notice(nowMs: number): void {
    this.#dueMs ??= Math.max(nowMs + gatherMs, this.#lastMs + everyMs);
  }

  /** Starts a summary that is due; `wake` is called when its answer has come. */
  send(nowMs: number, wake: () => void): void {
    const { cap, group, send, logger } = this.#options;
    if (this.#sending !== null || this.#answered !== null || this.#dueMs === null || nowMs < this.#dueMs) return;
    const summary = cap.owed(group);
    if (summary === null) {
      this.#dueMs = null;
      return;
    }
    this.#sending = send(summary)
      .catch((error: unknown): DeliveryAnswer => {
        logger.error({ error }, 'The summary of suppressed incidents failed in an unexpected way');
        return { outcome: 'retry' };
      })
      .then((answer) => {
        this.#sending = null;
        this.#answered = { summary, answer };
        wake();
      });
  }

  /** What was told since the last call, to be noted in `deliveries`; null where nothing was. */
  settle(nowMs: number): StormSummary | null {
    if (this.#answered === null) return null;
    const { logger, metrics, jitter } = this.#options;
    const { summary, answer } = this.#answered;
    const { outcome, status, retryAfterMs = 0 } = answer;
    this.#answered = null;
    const about = { incidents: summary.incidents, severity: summary.severity, outcome, ...(status === undefined ? {} : { status }) };
    if (outcome === 'accepted' || outcome === 'poison' || outcome === 'too-large') {
      this.#attempts = 0;
      this.#lastMs = nowMs;
      this.#dueMs = nowMs + everyMs;
      if (outcome === 'accepted') logger.warn(about, 'More incidents opened than get issues of their own: one issue tells of the others');
      else
        logger.error(
          about,
          'The summary of suppressed incidents was refused for good: only this log, the metrics and the events topic tell of them',
        );
      return summary;
    }
    metrics.count('tidemark_delivery_failures_total', { sink: 'sentry', reason: outcome });
    this.#attempts += 1;
    this.#dueMs = nowMs + Math.max(retryAfterMs, retryDelayMs(this.#attempts, jitter()));
    logger.debug({ ...about, attempts: this.#attempts }, 'The summary of suppressed incidents was not taken: tried again');
    return null;
  }
}
