/** The metrics of `core/metricNames.ts` as Prometheus text. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { metrics as definitions, type MetricDefinition } from '../core/metricNames.ts';
import type { Metrics } from '../core/metrics.ts';

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

export interface PrometheusMetrics extends Metrics {
  /** What `/metrics` answers. */
  expose(): Promise<Exposition>;
}

/** Metrics that begin at zero, with those of the process (`process_*`, `nodejs_*`). A registry of its own: two workers in one process do not meet. */
export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, { kind, help, labels, buckets }] of Object.entries<MetricDefinition>(definitions)) {
    const common = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'counter') counters.set(name, new Counter(common));
    else if (kind === 'gauge') gauges.set(name, new Gauge(common));
    else histograms.set(name, new Histogram({ ...common, ...(buckets === undefined ? {} : { buckets: [...buckets] }) }));
  }
  return {
    count: (name, labels, amount = 1) => counters.get(name)?.inc({ ...labels }, amount),
    set: (name, labels, value) => gauges.get(name)?.set({ ...labels }, value),
    observe: (name, labels, value) => histograms.get(name)?.observe({ ...labels }, value),
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
