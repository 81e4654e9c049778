/** What a worker tells Sentry of itself, as the configuration has it: check-ins, gauges, its own errors. */
import type { Config } from '../config/config.ts';
import { ConfigError, InputError } from '../core/errors.ts';
import type { EvaluationRecord } from '../core/incident/event.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock } from '../log/port.ts';
import { type SentryReporter, startReporter } from '../sentry/reporter.ts';
import { selfIssueOf } from '../sentry/selfIssue.ts';
import { monitorOf } from './heartbeat.ts';
import { SelfErrors } from './selfErrors.ts';
import { SentryGauges } from './sentryGauges.ts';

/** How often gauges are sent. */
const gaugesEveryMs = 60_000;
/** How long the end of a worker waits for what it still has to tell. */
const farewellMs = 2_000;

export interface SelfReportOptions {
  readonly config: Config;
  readonly release: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface SelfReports {
  /** To be used instead of those given: errors and gauges are read along. */
  readonly logger: Logger;
  readonly metrics: Metrics;
  onEvaluations(evaluations: readonly EvaluationRecord[]): void;
  /** Null where check-ins are off. */
  readonly checkIn: ((status: 'ok' | 'error') => void) | null;
  /** What the worker ended with. */
  ended(error: unknown): void;
  /** Sends gauges until the signal says stop. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Starts what the configuration wants; nothing where there is no DSN. */
export async function startSelfReports(options: SelfReportOptions): Promise<SelfReports> {
  const { config, clock } = options;
  const { dsn, checkIns, self } = config.sentry;
  const isSending = dsn !== '' && (checkIns.enabled || config.sentry.metrics);
  const reporter = isSending ? await open(options, dsn) : null;
  const selfDsn = self.dsn === '' ? dsn : self.dsn;
  const isSame = reporter !== null && selfDsn === dsn;
  const errorReporter = !self.errors || selfDsn === '' ? null : isSame ? reporter : await open(options, selfDsn);
  const gauges = reporter !== null && config.sentry.metrics ? new SentryGauges() : null;
  const errors =
    errorReporter === null
      ? null
      : new SelfErrors(
          () => clock.nowMs(),
          (error) => errorReporter.error(selfIssueOf(error, config.core.group)),
        );
  const reporters = [...new Set([reporter, errorReporter])].filter((one) => one !== null);

  function sendGauges(): void {
    for (const { name, value, attributes, unit } of gauges?.take() ?? []) reporter?.gauge(name, value, attributes, unit);
  }

  return {
    logger: errors?.logger(options.logger) ?? options.logger,
    metrics: gauges?.metrics(options.metrics) ?? options.metrics,
    onEvaluations: (evaluations) => gauges?.evaluations(evaluations),
    checkIn:
      reporter === null || !checkIns.enabled
        ? null
        : (status) =>
            reporter.checkIn({ monitor: monitorOf(config.core.group), status, everyMinutes: Math.round(checkIns.everyMs / 60_000) }),
    ended(error) {
      // What the configuration or a file does wrong is said to whoever starts the worker.
      if (error instanceof ConfigError || error instanceof InputError) return;
      errors?.take({ text: 'A worker ended with an error', facts: {}, error });
    },
    async run(signal) {
      if (gauges === null) return;
      for (let dueMs = clock.nowMs() + gaugesEveryMs; !signal.aborted; await clock.sleep(1_000)) {
        if (clock.nowMs() < dueMs) continue;
        sendGauges();
        dueMs = clock.nowMs() + gaugesEveryMs;
      }
    },
    async close() {
      sendGauges();
      await Promise.all(reporters.map((one) => one.flush(farewellMs)));
      await Promise.all(reporters.map((one) => one.close()));
    },
  };
}

function open({ config, release, logger, metrics }: SelfReportOptions, dsn: string): Promise<SentryReporter> {
  let isFailing = false;
  return startReporter({
    dsn,
    environment: config.sentry.environment,
    release,
    onAnswer(kind, status) {
      const isTaken = status !== null && status >= 200 && status < 300;
      if (!isTaken) metrics.count('tidemark_self_reports_failed_total', { kind });
      if (!isTaken && !isFailing)
        logger.warn({ kind, status }, 'Sentry does not take what Tidemark says of itself; incidents are another matter');
      isFailing = !isTaken;
    },
  });
}
