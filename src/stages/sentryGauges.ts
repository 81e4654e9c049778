/** Gauges for Sentry: the newest value of each, sent once a minute. What was not set since is not sent again. */
import type { EvaluationRecord } from '../core/incident/event.ts';
import type { GaugeName } from '../core/metricNames.ts';
import type { Metrics } from '../core/metrics.ts';

export interface GaugeValue {
  readonly name: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly unit?: string;
}

/** Prometheus gauges that go to Sentry too, and what they are called there. */
const forwarded = new Map<GaugeName, { readonly name: string; readonly unit?: string }>([
  ['tidemark_incidents_open', { name: 'tidemark.incidents_open' }],
  ['tidemark_watermark_lag_seconds', { name: 'tidemark.watermark_lag', unit: 'second' }],
]);

export class SentryGauges {
  #values = new Map<string, GaugeValue>();

  /** Metrics that are read along. */
  metrics(metrics: Metrics): Metrics {
    return {
      count: (name, labels, amount) => metrics.count(name, labels, amount),
      observe: (name, labels, value) => metrics.observe(name, labels, value),
      set: (name, labels, value) => {
        metrics.set(name, labels, value);
        const known = forwarded.get(name);
        if (known !== undefined) this.#set({ ...known, value, attributes: textsOf(labels) });
      },
    };
  }

  /**
   * Drift score (the effect that decides, in the unit of its statistic) and rows of every comparison of a whole model; segments would be too many
   * series. Names of features, not their values.
   */
  evaluations(evaluations: readonly EvaluationRecord[]): void {
    for (const { model, version, segment, series, kind, scale, n, effects } of evaluations) {
      if (segment !== null) continue;
      const attributes = { model, series, kind, scale, ...(version === null ? {} : { version }) };
      this.#set({ name: 'tidemark.rows', value: n, attributes });
      if (effects.effect !== undefined) this.#set({ name: 'tidemark.drift_score', value: effects.effect, attributes });
    }
  }

  /** Takes out what was set since the last time, in the order in which each came first. */
  take(): readonly GaugeValue[] {
    const values = [...this.#values.values()];
    this.#values = new Map();
    return values;
  }

  #set(value: GaugeValue): void {
    this.#values.set(JSON.stringify([value.name, value.attributes]), value);
  }
}

function textsOf(labels: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}
