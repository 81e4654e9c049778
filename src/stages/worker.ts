/** The stages of one worker, as its roles say, over one log: what `tidemark worker` and the demo run. */
import { loadBaselines } from '../baseline/loadBaselines.ts';
import type { Config } from '../config/config.ts';
import { requireSink } from '../config/config.ts';
import type { FileBaselines } from '../core/detect/fileBaseline.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import { ensureInternalTopics } from '../log/internalTopics.ts';
import type { Clock, Log, TopicPartition } from '../log/port.ts';
import { DetectStage } from './detect.ts';
import { beat } from './heartbeat.ts';
import { NotifyStage } from './notify.ts';
import { leastOf, type StageProgress } from './progress.ts';
import { type SelfReports, startSelfReports } from './selfReports.ts';
import { startSinks } from './sinks.ts';
import { SummarizeStage } from './summarize.ts';

export const roles = ['summarize', 'detect', 'notify'] as const;
export type Role = (typeof roles)[number];

export interface WorkerOptions {
  readonly config: Config;
  readonly log: Log;
  readonly roles: readonly Role[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Shown by Sentry as the release. */
  readonly release: string;
}

/** Runs the stages of a worker until the signal says stop; a stage that fails takes the others down with it. */
export class Worker {
  readonly #options: WorkerOptions;
  #detect: DetectStage | null = null;
  #summarize: SummarizeStage | null = null;
  /** By role, what tells how far it is; a role that has not begun is not in it. */
  readonly #progress = new Map<Role, () => StageProgress>();
  #fileBaselines: FileBaselines = new Map();

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Partitions of `partials` whose models are not watched, because something in them cannot be read or decided. */
  get stoppedPartitions(): readonly number[] {
    return this.#detect?.stoppedPartitions ?? [];
  }

  /** Source partitions that are not read on because records were lost (`kafka.onGap: stop`). */
  get stoppedSources(): readonly TopicPartition[] {
    return this.#summarize?.stoppedPartitions ?? [];
  }

  /** How far each stage is. */
  get stages(): ReadonlyMap<Role, StageProgress> {
    return new Map(this.#options.roles.map((role) => [role, this.#progress.get(role)?.() ?? { kind: 'starting' }]));
  }

  /**
   * Rejects with `ConfigError` where topics or settings do not fit together, with `InputError` where a baseline file is of no use, with `DependencyError` where something outside refuses, and with
   * whatever a stage ends with; all stages have then stopped and committed what was done.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { config, log } = this.#options;
    if (this.#options.roles.includes('notify')) requireSink(config);
    if (this.#options.roles.includes('detect')) {
      const { baselines, notes } = await loadBaselines(config.core);
      this.#fileBaselines = baselines;
      for (const note of notes) this.#options.logger.info({}, note);
    }
    await ensureInternalTopics(log, config.core.group, config.topics);
    const reports = await startSelfReports(this.#options);
    const stop = new AbortController();
    const onAbort = () => stop.abort();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) stop.abort();
    try {
      const running = this.#options.roles.map(async (role) => {
        try {
          await this.#runRole(role, reports, stop.signal);
        } finally {
          this.#progress.set(role, () => ({ kind: 'stopped' }));
          stop.abort();
        }
      });
      const results = await Promise.allSettled([...running, reports.run(stop.signal)]);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    } catch (error) {
      reports.ended(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await reports.close();
    }
  }

  async #runRole(role: Role, reports: SelfReports, signal: AbortSignal): Promise<void> {
    const { config, log, clock } = this.#options;
    const { logger, metrics } = reports;
    switch (role) {
      case 'summarize': {
        const summarize = new SummarizeStage({
          log,
          settings: config.core,
          start: config.kafka.start,
          onGap: config.kafka.onGap,
          deadLetterShare: config.deadLetters.maxShare,
          clock,
          logger,
          metrics,
        });
        this.#summarize = summarize;
        this.#progress.set(role, () => summarize.progress);
        return summarize.run(signal);
      }
      case 'detect':
        return this.#detectAndWatch(reports, signal);
      case 'notify':
        return this.#notify(reports, signal);
    }
  }

  async #detectAndWatch({ logger, metrics, checkIn, onEvaluations }: SelfReports, signal: AbortSignal): Promise<void> {
    const { config, log, clock } = this.#options;
    const detect = new DetectStage({
      log,
      settings: config.core,
      fileBaselines: this.#fileBaselines,
      clock,
      logger,
      metrics,
      onEvaluations,
    });
    this.#detect = detect;
    this.#progress.set('detect', () => detect.progress);
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const { everyMs, blindAfterMs } = config.sentry.checkIns;
    const watching = beat({ detect, window: config.core.window, everyMs, blindAfterMs, clock, logger, metrics, checkIn }, either);
    const results = await Promise.allSettled([detect.run(either).finally(() => stop.abort()), watching.finally(() => stop.abort())]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** One notify stage per sink; one that fails takes the others down with it. */
  async #notify(reports: SelfReports, signal: AbortSignal): Promise<void> {
    const { config, log, clock, release } = this.#options;
    // That Sentry does not take something is no news for Sentry.
    const { logger } = this.#options;
    const { metrics } = reports;
    const sinks = await startSinks({ config, release, clock, logger, metrics });
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    try {
      const stages = sinks.map(
        (sink) =>
          new NotifyStage({
            log,
            group: config.core.group,
            clock,
            logger: sink.name === 'sentry' ? logger : reports.logger,
            metrics,
            sink,
            ...(sink.name === 'sentry' ? { storm: config.sentry.storm } : {}),
          }),
      );
      this.#progress.set('notify', () => leastOf(stages.map((stage) => stage.progress)));
      const running = stages.map((stage) => stage.run(either).finally(() => stop.abort()));
      const results = await Promise.allSettled(running);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    } finally {
      await Promise.all(sinks.map((sink) => sink.close()));
    }
  }
}
