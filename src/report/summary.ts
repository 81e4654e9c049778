import type { IncidentKind } from '../core/incident/event.ts';

/** What a backtest writes as `summary.json` (docs/design/protocol.md): how much was read, what became of it, and what was found. */
export interface BacktestSummary {
  /** Records read: topic, then partition (of files: its place on the command line), then the number. */
  readonly records: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Records whose pane was closed already: counted, not added. */
  readonly late: number;
  /** Records that could not be used, by reason. */
  readonly invalid: Readonly<Record<string, number>>;
  readonly deadLettered: number;
  readonly recordsPerSecond: number;
  readonly evaluations: number;
  readonly events: number;
  /** Incidents that opened, by kind. */
  readonly incidents: Readonly<Partial<Record<IncidentKind, number>>>;
  /** sha256 of `events.ndjson`, hexadecimal. */
  readonly eventsSha256: string;
}
