export type { BacktestSummary } from '../report/summary.ts';
