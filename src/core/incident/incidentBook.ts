/**
 * From evaluations to incidents (docs/design/design.md, section 4, recipe section 6): one incident per (model, kind, segment) that names the series in it,
 * opened after k breaches of a scale in a row, escalated by series that join, recovered when no series shows it any more.
 *
 * One book per model and clock. All timers run on event time; the state is plain JSON and a pure function of what `advance` was given.
 *
 * A series recovers when no scale that has shown it has done so for `recoverAfter` evaluations in a row. The shortest scale alone is not asked, for a weak fault that only long windows can see would recover every
 * night in a short one and open again the next morning (docs/decisions/0009-recovery-asks-every-scale.md).
 */

import { canonicalJson } from '../canonicalJson.ts';
import { dayMs } from '../duration.ts';
import { sha256Hex } from '../hashText.ts';
import { type AlertSettings, stepsPerWindow } from '../settings.ts';
import type { SegmentKey } from '../summarize/messages.ts';
import type { EventSeries, IncidentKind, IncidentStep, Severity } from './event.ts';

/** p at or below which a series is named as "moving too" when an incident opens. */
const movingToo = 0.01;

/** One tested comparison of one series at one scale, as the book needs it. Untested ones (`insufficient`, `learning`) are not given. */
export interface Signal {
  /** Series with its version and segment: unique in the book. */
  readonly key: string;
  readonly name: string;
  readonly version: string | null;
  readonly segment: SegmentKey;
  readonly kind: IncidentKind;
  readonly severity: Severity;
  readonly scaleMs: number;
  readonly p: number;
  readonly alpha: number;
  readonly isBreach: boolean;
  readonly isBelowMinimum: boolean;
  /**
   * Whether the newest third of the window shows at least half of the effect, in its direction: `shows` may open, `over` speaks for recovery,
   * `unknown` (too few rows to say) neither.
   */
  readonly newest: 'shows' | 'over' | 'unknown';
  /** For segments: whether the whole model shows the same series too; such a segment opens nothing of its own. */
  readonly isShownByWhole: boolean;
  /** For people; computed only where an event names the series. `joined` and `since` are set by the book. */
  readonly describe: () => EventSeries;
}

interface SeriesState {
  readonly key: string;
  readonly version: string | null;
  readonly sinceMs: number;
  joined: boolean;
  severity: Severity;
  /** Quiet evaluations in a row of every scale (milliseconds as text) that has shown it: p at most ten times alpha, in the newest third too. */
  readonly quietRuns: Record<string, number>;
  lastBreachMs: number;
  isRecovered: boolean;
  /** As last described, and the scale that was. */
  last: EventSeries;
  lastScaleMs: number;
}

interface IncidentState {
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

interface Run {
  readonly count: number;
  readonly lastMs: number;
}

export interface BookState {
  /** Breaches in a row by `scale|series`, and event time of the newest. */
  readonly runs: Record<string, Run>;
  readonly open: IncidentState[];
  /** Where a chain may go on, by `kind|segment`. */
  readonly closed: Record<string, { readonly chain: string; readonly closedMs: number }>;
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
  readonly scaleMs: number;
  readonly startMs: number;
  readonly versions: readonly string[];
  readonly series: readonly EventSeries[];
  /** Key of the first of the series, and the scale that it was described at: what a picture of the step shows. */
  readonly leading: { readonly key: string; readonly statistic: string; readonly scaleMs: number } | null;
}

const severityRank: Record<Severity, number> = { info: 0, warning: 1, error: 2 };

function worst(severities: Iterable<Severity>): Severity {
  let result: Severity = 'info';
  for (const severity of severities) if (severityRank[severity] > severityRank[result]) result = severity;
  return result;
}

/** Broken data explains drift of the same series, not the other way round: it comes first; the whole comes before segments. */
function comparePlaces(left: Signal, right: Signal): number {
  const rank = ({ kind, segment }: Signal) => (kind === 'quality' ? 0 : 2) + (segment === null ? 0 : 1);
  return rank(left) - rank(right) || (placeOf(left.kind, left.segment) < placeOf(right.kind, right.segment) ? -1 : 1);
}

function placeOf(kind: IncidentKind, segment: SegmentKey): string {
  return JSON.stringify([kind, segment]);
}

export class IncidentBook {
  readonly #group: string;
  readonly #model: string;
  readonly #alerts: AlertSettings;
  #runs = new Map<string, Run>();
  #open = new Map<string, IncidentState>();
  #closed = new Map<string, { chain: string; closedMs: number }>();

  constructor(group: string, model: string, alerts: AlertSettings) {
    this.#group = group;
    this.#model = model;
    this.#alerts = alerts;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Kind of every open incident. */
  get openKinds(): IncidentKind[] {
    return [...this.#open.values()].map((incident) => incident.kind);
  }

  /** True where an open incident of any kind names this series of the whole model. */
  names(key: string): boolean {
    for (const incident of this.#open.values())
      if (incident.series.some((series) => series.key === key && !series.isRecovered)) return true;
    return false;
  }

  /**
   * Takes the tested comparisons of one decision at event time `nowMs` and gives the steps that follow, in order. `others` gives the newest
   * comparisons at scales that were not due now: it is asked when an incident opens, for the series that are moving too.
   */
  advance(nowMs: number, signals: readonly Signal[], others: () => readonly Signal[] = () => []): BookStep[] {
    const steps: BookStep[] = [];
    const ready = new Map<string, Signal[]>();
    for (const signal of signals) {
      const run = this.#count(nowMs, signal);
      this.#follow(nowMs, signal);
      if (run < this.#alerts.openAfter || signal.newest !== 'shows' || signal.isShownByWhole) continue;
      const place = placeOf(signal.kind, signal.segment);
      const list = ready.get(place);
      if (list === undefined) ready.set(place, [signal]);
      else list.push(signal);
    }
    for (const [place, found] of [...ready].sort(([, [left]], [, [right]]) => comparePlaces(left as Signal, right as Signal))) {
      const causes = found.filter((signal) => !this.#isExplained(signal));
      const incident = this.#open.get(place);
      if (incident !== undefined) this.#join(nowMs, incident, causes);
      else if (causes.length > 0) steps.push(this.#openIncident(nowMs, place, causes, [...signals, ...others()]));
    }
    for (const place of [...this.#open.keys()].sort()) {
      const step = this.#settle(nowMs, place, this.#open.get(place) as IncidentState);
      if (step !== null) steps.push(step);
    }
    for (const [place, closed] of this.#closed) if (nowMs - closed.closedMs > this.#alerts.reopenWithinMs) this.#closed.delete(place);
    for (const [key, { lastMs }] of this.#runs) if (nowMs - lastMs > Math.max(dayMs, scaleOf(key))) this.#runs.delete(key);
    return steps;
  }

  /** Ends incidents whose series all belong to versions (null: to the model) that have had no data for a day. */
  end(nowMs: number, isGone: (version: string | null) => boolean): BookStep[] {
    const steps: BookStep[] = [];
    for (const place of [...this.#open.keys()].sort()) {
      const incident = this.#open.get(place) as IncidentState;
      for (const series of incident.series) if (isGone(series.version)) series.isRecovered = true;
      if (incident.series.some((series) => series.joined && !isGone(series.version))) continue;
      steps.push(this.#close(nowMs, place, incident, 'ended'));
    }
    return steps;
  }

  snapshot(): BookState {
    return {
      runs: Object.fromEntries([...this.#runs].sort(([a], [b]) => (a < b ? -1 : 1))),
      open: [...this.#open.keys()].sort().map((place) => structuredClone(this.#open.get(place) as IncidentState)),
      closed: Object.fromEntries([...this.#closed].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  restore(state: BookState): void {
    this.#runs = new Map(Object.entries(state.runs));
    this.#open = new Map(state.open.map((incident) => [placeOf(incident.kind, incident.segment), structuredClone(incident)]));
    this.#closed = new Map(Object.entries(state.closed));
  }

  /** Breaches of this scale in a row, this one included. */
  #count(nowMs: number, signal: Signal): number {
    const key = `${signal.scaleMs}|${signal.key}`;
    if (!signal.isBreach) {
      this.#runs.delete(key);
      return 0;
    }
    const count = (this.#runs.get(key)?.count ?? 0) + 1;
    this.#runs.set(key, { count, lastMs: nowMs });
    return count;
  }

  /** Whether an open incident of broken data names the series: while it does, its drift opens nothing of its own. */
  #isExplained(signal: Signal): boolean {
    if (signal.kind !== 'drift') return false;
    const quality = this.#open.get(placeOf('quality', signal.segment));
    return quality?.series.some((series) => series.key === signal.key && series.joined && !series.isRecovered) === true;
  }

  /** Brings the series of an open incident up to date with what was just seen of it, whichever of its statistics won. */
  #follow(nowMs: number, signal: Signal): void {
    for (const incident of this.#open.values()) {
      const series = incident.series.find((one) => one.key === signal.key);
      if (series === undefined) continue;
      const scale = String(signal.scaleMs);
      const isQuiet = signal.p > 10 * signal.alpha || signal.isBelowMinimum || signal.newest === 'over';
      if (isQuiet) {
        if (scale in series.quietRuns) series.quietRuns[scale] = (series.quietRuns[scale] ?? 0) + 1;
      } else if (signal.isBreach || signal.newest === 'shows') series.quietRuns[scale] = 0;
      if (signal.isBreach && !isQuiet) series.lastBreachMs = nowMs;
      if (!signal.isBreach || signal.kind !== incident.kind) continue;
      series.last = { ...signal.describe(), since: series.last.since, joined: series.joined };
      series.lastScaleMs = signal.scaleMs;
    }
  }

  /** Whether nothing shows the series any more, or nothing has for a day (a step, where that of its longest scale is longer). */
  #isQuiet(nowMs: number, series: SeriesState): boolean {
    const longestScaleMs = Math.max(0, ...Object.keys(series.quietRuns).map(Number));
    if (nowMs - series.lastBreachMs >= Math.max(dayMs, longestScaleMs / stepsPerWindow)) return true;
    return Object.values(series.quietRuns).every((run) => run >= this.#alerts.recoverAfter);
  }

  #openIncident(nowMs: number, place: string, causes: readonly Signal[], signals: readonly Signal[]): BookStep {
    const first = causes[0] as Signal;
    const id = sha256Hex(canonicalJson([this.#group, this.#model, first.kind, first.segment, nowMs])).slice(0, 32);
    const closed = this.#closed.get(place);
    const isReopened = closed !== undefined && nowMs - closed.closedMs <= this.#alerts.reopenWithinMs;
    const incident: IncidentState = {
      id,
      chain: isReopened ? closed.chain : id,
      kind: first.kind,
      segment: first.segment,
      startMs: nowMs,
      scaleMs: Math.min(...causes.map((cause) => cause.scaleMs)),
      ordinal: 0,
      severity: worst(causes.map((cause) => cause.severity)),
      lastNewsMs: nowMs,
      lastStepMs: nowMs,
      isEscalationDue: false,
      series: [],
    };
    for (const cause of causes) this.#add(nowMs, incident, cause, true);
    for (const signal of signals) {
      const isSamePlace = placeOf(signal.kind, signal.segment) === place;
      if (isSamePlace && signal.p <= movingToo && !incident.series.some((one) => one.key === signal.key))
        this.#add(nowMs, incident, signal, false);
    }
    this.#closed.delete(place);
    this.#open.set(place, incident);
    return this.#step(incident, 'opened');
  }

  #add(nowMs: number, incident: IncidentState, signal: Signal, joined: boolean): void {
    const known = incident.series.find((one) => one.key === signal.key);
    if (known !== undefined) {
      if (joined) known.quietRuns[String(signal.scaleMs)] ??= 0;
      return;
    }
    incident.series.push({
      key: signal.key,
      version: signal.version,
      sinceMs: nowMs,
      joined,
      severity: signal.severity,
      quietRuns: joined ? { [signal.scaleMs]: 0 } : {},
      lastBreachMs: nowMs,
      isRecovered: !joined,
      last: { ...signal.describe(), since: new Date(nowMs).toISOString(), joined },
      lastScaleMs: signal.scaleMs,
    });
  }

  /** Series that breach later join; news is told at most once per cooldown. */
  #join(nowMs: number, incident: IncidentState, causes: readonly Signal[]): void {
    for (const cause of causes) {
      const known = incident.series.find((one) => one.key === cause.key);
      if (known === undefined) {
        this.#add(nowMs, incident, cause, true);
        incident.isEscalationDue = true;
      } else {
        if (!known.joined) incident.isEscalationDue = true;
        known.joined = true;
        known.isRecovered = false;
        known.last = { ...known.last, joined: true };
      }
    }
    const severity = worst([incident.severity, ...causes.map((cause) => cause.severity)]);
    if (severity !== incident.severity) {
      incident.severity = severity;
      incident.isEscalationDue = true;
    }
  }

  #settle(nowMs: number, place: string, incident: IncidentState): BookStep | null {
    if (incident.startMs === nowMs) return null;
    for (const series of incident.series) if (series.joined && this.#isQuiet(nowMs, series)) series.isRecovered = true;
    if (incident.series.every((series) => series.isRecovered || !series.joined)) return this.#close(nowMs, place, incident, 'recovered');
    if (incident.isEscalationDue && nowMs - incident.lastNewsMs >= this.#alerts.cooldownMs) {
      incident.isEscalationDue = false;
      incident.lastNewsMs = nowMs;
      incident.lastStepMs = nowMs;
      incident.ordinal++;
      return this.#step(incident, 'escalated');
    }
    if (nowMs - incident.lastStepMs >= this.#alerts.remindEveryMs) {
      incident.lastStepMs = nowMs;
      incident.ordinal++;
      return this.#step(incident, 'reminded');
    }
    return null;
  }

  #close(nowMs: number, place: string, incident: IncidentState, step: 'recovered' | 'ended'): BookStep {
    incident.ordinal++;
    this.#open.delete(place);
    this.#closed.set(place, { chain: incident.chain, closedMs: nowMs });
    return this.#step(incident, step);
  }

  #step(incident: IncidentState, step: IncidentStep): BookStep {
    const versions = new Set(incident.series.flatMap((series) => (series.version === null ? [] : [series.version])));
    const series = [...incident.series].sort(compareSeries);
    const [first] = series;
    return {
      step,
      incident: incident.id,
      chain: incident.chain,
      ordinal: incident.ordinal,
      kind: incident.kind,
      segment: incident.segment,
      severity: incident.severity,
      scaleMs: incident.scaleMs,
      startMs: incident.startMs,
      versions: [...versions].sort(),
      series: series.map(({ last }) => last),
      leading: first === undefined ? null : { key: first.key, statistic: first.last.statistic, scaleMs: first.lastScaleMs },
    };
  }
}

/** Those that decided first, then the most significant; where p cannot tell them apart (it ends at 0), the largest effect. */
function compareSeries(left: SeriesState, right: SeriesState): number {
  const size = ({ last }: SeriesState) => Math.abs(last.effects.effect ?? 0);
  return (
    Number(right.joined) - Number(left.joined) || left.last.p - right.last.p || size(right) - size(left) || (left.key < right.key ? -1 : 1)
  );
}

/** Scale of a key of `runs`. */
function scaleOf(runKey: string): number {
  return Number(runKey.slice(0, runKey.indexOf('|')));
}
