/** The output contract (docs/design/design.md, section 9): what is written to the events topic, to `events.ndjson` and, as an issue, to Sentry. */
import type { Picture } from './picture.ts';

/** Every kind of incident. */
export const incidentKinds = ['drift', 'performance', 'estimate', 'quality', 'volume'] as const;
export type IncidentKind = (typeof incidentKinds)[number];
export type IncidentStep = 'opened' | 'escalated' | 'reminded' | 'recovered' | 'ended';

/** Whether the step ends its incident. */
export function isEnd(step: IncidentStep): boolean {
  return step === 'recovered' || step === 'ended';
}

export type Severity = 'info' | 'warning' | 'error';

/** A range of source offsets, `[from, to)`, of one partition. */
export interface SourceRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Sizes of one side of a comparison, for people. Keys are names of statistics (`mean`, `p50`, `share`, `accuracy`, `top.NAME`, ...). */
export type Description = Readonly<Record<string, number | string>>;

/** One series named by an incident. */
export interface EventSeries {
  readonly name: string;
  /** ISO time: end of the first window that showed it. */
  readonly since: string;
  /** False for a series that is "moving too" without having breached. */
  readonly joined: boolean;
  /** Which linear statistic decided (`loc`, `cut:3.5`, `miss`, `category:US`, `chi2`, `accuracy`, ...). */
  readonly statistic: string;
  /** Effect sizes by name: `effect` (the deciding one), `ks`, `wasserstein`, `psi`, `js`, `totalVariation`, `newShare`, ... */
  readonly effects: Readonly<Record<string, number>>;
  readonly p: number;
  readonly n: number;
  readonly baselineN: number;
  /** Scale of the window that is described here, where it is not that of the event: the longer ones are asked less often, and the shortest that shows a series is told. */
  readonly scale?: string;
  /** "This series varies phi times more than independent rows would." */
  readonly phi: number;
  readonly current: Description;
  readonly baseline: Description;
  /** Of a categorical series: how many categories the side with more of them has, in a segment the whole model's baseline; where they are not all counted, more than were. */
  readonly categories?: number;
  /** Only on `recovered` and `ended`. */
  readonly worst?: WorstMoment;
}

/** When a series was furthest off while an incident lasted, by the effect of what decided then. */
export interface WorstMoment {
  /** ISO time: end of the window. */
  readonly at: string;
  readonly statistic: string;
  readonly effect: number;
  readonly observed: number;
  readonly expected: number;
}

/** Who ended an incident, and why: `accepted` means that the change is the new normal. */
export interface Closing {
  readonly action: 'accepted';
  readonly by: string;
  readonly reason: string;
}

/** One step of an incident. Times are ISO 8601 with Z. */
export interface EventRecord {
  /** 32 hex digits, a hash of (incident, ordinal): the `event_id` at Sentry. */
  readonly id: string;
  /** 32 hex digits, a hash of (group, model, kind, segment, start). */
  readonly incident: string;
  /** Id of the first incident of the chain of incidents that reopen each other: the Sentry fingerprint. */
  readonly chain: string;
  readonly ordinal: number;
  readonly step: IncidentStep;
  readonly kind: IncidentKind;
  readonly severity: Severity;
  readonly model: string;
  readonly versions: readonly string[];
  readonly segment: Readonly<Record<string, string>> | null;
  /** Scale of the window that the first series is described at, as `1h`. */
  readonly scale: string;
  readonly windowStart: string;
  readonly windowEnd: string;
  /** When the incident opened: event time of the clock that it lives on. */
  readonly start: string;
  readonly exact: boolean;
  /** Why `exact` is false: `idle`, `gap`, `lost-partials`, `new-partition`, `config-change`, `command`. Empty while it is true. */
  readonly inexactReasons: readonly string[];
  /** One line that a person can act on. */
  readonly summary: string;
  readonly series: readonly EventSeries[];
  readonly source: readonly SourceRange[];
  /**
   * Kafka time, ISO: a replay of the source topics from `from` to before `to` under the same configuration comes to this event again, as long as the
   * topics hold it: it begins where the model did, and so its baseline. Left out by older releases.
   */
  readonly replay?: { readonly from: string; readonly to: string };
  readonly owner: string | null;
  /** What its picture shows; on `opened` and `escalated`. */
  readonly picture?: Picture;
  /** Only where a person ended the incident (step `ended`). */
  readonly closing?: Closing;
}

/** End of the first window that showed one of the series, ISO: for performance before `start`, the moment when the labels had come. */
export function sinceOf({ series, start }: Pick<EventRecord, 'series' | 'start'>): string {
  const [earliest = start] = series.flatMap(({ since, joined }) => (joined ? [since] : [])).sort();
  return earliest;
}

export type Verdict = 'ok' | 'drift' | 'insufficient' | 'learning';

/** One line of `evaluations.ndjson`. */
export interface EvaluationRecord {
  readonly model: string;
  readonly version: string | null;
  readonly segment: Readonly<Record<string, string>> | null;
  readonly series: string;
  readonly kind: 'drift' | 'performance';
  readonly scale: string;
  readonly windowStart: string;
  readonly windowEnd: string;
  readonly n: number;
  readonly baselineN: number;
  readonly effects: Readonly<Record<string, number>>;
  /** Null where there is no test (`insufficient`, `learning`). */
  readonly p: number | null;
  /** Smallest effect that this window could have shown; null where there is no test. */
  readonly detectable: number | null;
  readonly verdict: Verdict;
  readonly statistic: string | null;
  readonly coverage?: number;
  readonly interval?: readonly [number, number];
}
