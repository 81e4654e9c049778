import type { Detector, DetectorCounts } from '../core/detect/detector.ts';
import { modelsPerPartition } from '../core/detect/modelPlaces.ts';
import { hourMs } from '../core/duration.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock, TopicPartition } from '../log/port.ts';

/** While names find no place it is said again so often, for every pane has such. */
const againMs = hourMs;

/** Turns what the detector of a partition of `partials` has counted into metrics, and says where models find no place. */
export class CountsWatch {
  readonly #at: TopicPartition;
  readonly #detector: Detector;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #known: DetectorCounts;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(
    at: TopicPartition,
    detector: Detector,
    { metrics, logger, clock }: { readonly metrics: Metrics; readonly logger: Logger; readonly clock: Clock },
  ) {
    this.#at = at;
    this.#detector = detector;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#clock = clock;
    this.#known = { ...detector.counts };
  }

  /** To be called after every batch. */
  look(): void {
    const before = this.#known;
    const now = { ...this.#detector.counts };
    this.#known = now;
    this.#metrics.count('tidemark_partials_after_decision_total', {}, now.latePartials - before.latePartials);
    this.#metrics.count('tidemark_panes_config_changed_total', {}, now.changedPanes - before.changedPanes);
    const refusedRows = now.refusedRows - before.refusedRows;
    if (refusedRows === 0) return;
    this.#metrics.count('tidemark_model_rows_refused_total', { partition: this.#at.partition }, refusedRows);
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#saidMs < againMs) return;
    this.#saidMs = nowMs;
    const { topic, partition } = this.#at;
    this.#logger.warn(
      { topic, partition, limit: modelsPerPartition, rows: refusedRows, example: this.#detector.refusedModel },
      `${topic}, partition ${partition}: all places for models are taken, and rows of other names are not watched. Are ids in the place of model names? ` +
        'Correct the producer, or name the real models under "models" in the configuration: those always have a place',
    );
  }
}
