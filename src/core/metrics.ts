import type { CounterName, GaugeName, HistogramName, MetricLabels } from './metricNames.ts';

/** What the stages count with; `src/http/registry.ts` shows it at `/metrics`. Names, labels and meaning stand in `metricNames.ts`. */
export interface Metrics {
  /** Adds `amount` (default 1) to a counter. */
  count<Name extends CounterName>(name: Name, labels: MetricLabels<Name>, amount?: number): void;
  set<Name extends GaugeName>(name: Name, labels: MetricLabels<Name>, value: number): void;
  /** One observation of a histogram, in the unit of its name. */
  observe<Name extends HistogramName>(name: Name, labels: MetricLabels<Name>, value: number): void;
}

/** Counts nothing: for backtests of files, tests and simulation. */
export const noMetrics: Metrics = { count() {}, set() {}, observe() {} };
