/** What an incident book remembers (plain JSON, it stands in facts), and the steps that come out of it. */
import type { SegmentKey } from '../summarize/messages.ts';
import type { Closing, EventSeries, IncidentKind, IncidentStep, Severity, WorstMoment } from './event.ts';
import type { Mute } from './mutes.ts';

/** One series of an incident. */
export interface SeriesState {
  readonly key: string;
  readonly version: string | null;
  readonly sinceMs: number;
  joined: boolean;
  severity: Severity;
  /** Quiet evaluations in a row of every scale (milliseconds as text) that has shown it: p at most ten times alpha, in the newest third too. */
  readonly quietRuns: Record<string, number>;
  lastBreachMs: number;
  isRecovered: boolean;
  /** As last described, at which scale, and the end of that window (absent in states of releases that did not know). */
  last: EventSeries;
  lastScaleMs: number;
  lastEndMs?: number;
  /** Absent in states of releases that kept none. */
  worst?: WorstMoment;
}

/** An open incident. */
export interface IncidentState {
  readonly id: string;
  readonly chain: string;
  readonly kind: IncidentKind;
  readonly segment: SegmentKey;
  readonly startMs: number;
  readonly scaleMs: number;
  ordinal: number;
  severity: Severity;
  lastNewsMs: number;
  lastStepMs: number;
  isEscalationDue: boolean;
  readonly series: SeriesState[];
}

/** Breaches in a row, and event time of the newest. */
export interface Run {
  readonly count: number;
  readonly lastMs: number;
}

export interface BookState {
  /** Breaches in a row by `scale|series`, and event time of the newest. */
  readonly runs: Record<string, Run>;
  readonly open: IncidentState[];
  /** Where a chain may go on, by `kind|segment`. */
  readonly closed: Record<string, { readonly chain: string; readonly closedMs: number }>;
  /** Absent in states of releases that knew no commands. */
  readonly mutes?: readonly Mute[];
  /** Whether a command ever took effect: what follows is no function of the source log alone. */
  readonly isCommanded?: boolean;
}

/** One step of an incident, before the detector adds windows, offsets and the line for people. */
export interface BookStep {
  readonly step: IncidentStep;
  readonly incident: string;
  readonly chain: string;
  readonly ordinal: number;
  readonly kind: IncidentKind;
  readonly segment: SegmentKey;
  readonly severity: Severity;
  /** That of the first series. */
  readonly scaleMs: number;
  readonly startMs: number;
  /** End of the first window that showed one of the series. */
  readonly sinceMs: number;
  readonly versions: readonly string[];
  readonly series: readonly EventSeries[];
  /** Key of the first of the series, and the window that it was described at: what a picture of the step shows. */
  readonly leading: {
    readonly key: string;
    readonly statistic: string;
    readonly scaleMs: number;
    readonly windowEndMs: number | null;
  } | null;
  /** Only where a person ended the incident. */
  readonly closing?: Closing;
}
