/** The metrics of the demo's worker: the registry behind /metrics, and the few counts that the demo shows. */
import type { CounterName, MetricLabels } from '../core/metricNames.ts';
import type { Metrics } from '../core/metrics.ts';

export interface DemoCounts {
  /** Records that the summarize stage has read. */
  readonly read: number;
  /** Comparisons of a window with the baseline that could tell something: neither learning nor too little data. */
  readonly comparisons: number;
  readonly eventsWritten: number;
  readonly eventsDelivered: number;
}

export interface CountingMetrics {
  readonly metrics: Metrics;
  readonly counts: DemoCounts;
  /** Resolves once the summarize stage of the group has partitions. */
  readonly assigned: Promise<void>;
}

/** Metrics that pass everything on and count on the side. */
export function countingMetrics(registry: Metrics, group: string): CountingMetrics {
  const { promise: assigned, resolve } = Promise.withResolvers<void>();
  const counts = { read: 0, comparisons: 0, eventsWritten: 0, eventsDelivered: 0 };
  const metrics: Metrics = {
    count<Name extends CounterName>(name: Name, labels: MetricLabels<Name>, amount = 1) {
      registry.count(name, labels, amount);
      if (name === 'tidemark_records_read_total') counts.read += amount;
      if (name === 'tidemark_events_written_total') counts.eventsWritten += amount;
      if (name === 'tidemark_events_delivered_total') counts.eventsDelivered += amount;
      if (name === 'tidemark_evaluations_total' && 'verdict' in labels && (labels.verdict === 'ok' || labels.verdict === 'drift'))
        counts.comparisons += amount;
    },
    set(name, labels, value) {
      registry.set(name, labels, value);
      if (name === 'tidemark_partitions_assigned' && 'group' in labels && labels.group === group && value > 0) resolve();
    },
    observe: (name, labels, value) => registry.observe(name, labels, value),
  };
  return { metrics, counts, assigned };
}
