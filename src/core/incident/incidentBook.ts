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
import { dayMs, formatDuration } from '../duration.ts';
import { sha256Hex } from '../hashText.ts';
import { type AlertSettings, stepsPerWindow } from '../settings.ts';
import type { CommandRecord, SegmentKey } from '../summarize/messages.ts';
import type { BookState, BookStep, IncidentState, Run, SeriesState } from './bookState.ts';
import { type EventSeries, type IncidentKind, type IncidentStep, isEnd, type Severity, type WorstMoment } from './event.ts';
import { isMuted, isWithin, type Mute } from './mutes.ts';
import { isSame, placeOf } from './place.ts';
import type { Signal } from './signal.ts';

/** p at or below which a series is named as "moving too" when an incident opens. */
const movingToo = 0.01;

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

export class IncidentBook {
  readonly #group: string;
  readonly #model: string;
  readonly #alerts: AlertSettings;
  #runs = new Map<string, Run>();
  #open = new Map<string, IncidentState>();
  #closed = new Map<string, { chain: string; closedMs: number }>();
  #mutes: readonly Mute[] = [];
  #isCommanded = false;

  constructor(group: string, model: string, alerts: AlertSettings) {
    this.#group = group;
    this.#model = model;
    this.#alerts = alerts;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Whether nothing is open and nothing muted: then time alone changes nothing. */
  get isIdle(): boolean {
    return this.#open.size === 0 && this.#mutes.length === 0;
  }

  /** To be called where nothing is left that a command has touched. */
  forgetCommands(): void {
    this.#isCommanded = false;
  }

  /** Why steps from now on are not exact: people have taken a hand. */
  get inexact(): readonly string[] {
    return this.#isCommanded ? ['command'] : [];
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
    this.#mutes = this.#mutes.filter((mute) => mute.untilMs >= nowMs);
    const steps: BookStep[] = [];
    const ready = new Map<string, Signal[]>();
    for (const signal of signals) {
      const run = this.#count(nowMs, signal);
      this.#follow(nowMs, signal);
      if ((run < this.#alerts.openAfter && signal.isCertain !== true) || run === 0 || signal.newest !== 'shows' || signal.isShownByWhole)
        continue;
      if (isMuted(this.#mutes, signal.kind, signal.segment, signal.name)) continue;
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

  /**
   * Takes what a person said. `accept` ends the open incidents of the segment (null: all of them) and what was about to open there; their chain
   * ends too, so that a later incident is a new issue. Whoever calls learns the baselines anew.
   */
  command(nowMs: number, command: CommandRecord): BookStep[] {
    this.#isCommanded = true;
    const { kind, segment, series, untilMs, by, reason } = command;
    switch (command.action) {
      case 'mute':
        this.#mutes = [...this.#mutes, { kind, segment, series, untilMs: untilMs ?? nowMs, by, reason }];
        return [];
      case 'unmute':
        this.#mutes = this.#mutes.filter((mute) => !isWithin(mute, command));
        return [];
      case 'accept':
        return this.#accept(nowMs, command);
    }
  }

  #accept(nowMs: number, { segment, by, reason }: CommandRecord): BookStep[] {
    const isMeant = (place: SegmentKey) => segment === null || isSame(segment, place);
    for (const key of this.#runs.keys()) if (isMeant(segmentOfRun(key))) this.#runs.delete(key);
    const steps: BookStep[] = [];
    for (const place of [...this.#open.keys()].sort()) {
      const incident = this.#open.get(place) as IncidentState;
      if (!isMeant(incident.segment)) continue;
      steps.push({ ...this.#close(nowMs, place, incident, 'ended'), closing: { action: 'accepted', by, reason } });
    }
    for (const place of this.#closed.keys()) if (isMeant(JSON.parse(place)[1])) this.#closed.delete(place);
    return steps;
  }

  /** Nothing is told of an incident while all that is still in it is muted. */
  #isIncidentMuted({ kind, segment, series }: IncidentState): boolean {
    return series.every((one) => !one.joined || one.isRecovered || isMuted(this.#mutes, kind, segment, one.last.name));
  }

  snapshot(): BookState {
    return {
      runs: Object.fromEntries([...this.#runs].sort(([a], [b]) => (a < b ? -1 : 1))),
      open: [...this.#open.keys()].sort().map((place) => structuredClone(this.#open.get(place) as IncidentState)),
      closed: Object.fromEntries([...this.#closed].sort(([a], [b]) => (a < b ? -1 : 1))),
      mutes: this.#mutes,
      isCommanded: this.#isCommanded,
    };
  }

  restore(state: BookState): void {
    this.#runs = new Map(Object.entries(state.runs));
    this.#open = new Map(state.open.map((incident) => [placeOf(incident.kind, incident.segment), structuredClone(incident)]));
    this.#closed = new Map(Object.entries(state.closed));
    this.#mutes = state.mutes ?? [];
    this.#isCommanded = state.isCommanded ?? false;
  }

  /** Breaches of this scale in a row, this one included. */
  #count(nowMs: number, signal: Signal): number {
    const key = runKey(signal.scaleMs, signal.key);
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
      const seen = { ...signal.describe(), since: series.last.since, joined: series.joined };
      series.worst = worse(series.worst, seen, signal.windowEndMs);
      // The shortest scale that shows it tells how it is now: longer windows hold more of what was before.
      if (signal.scaleMs > series.lastScaleMs && this.#runs.has(runKey(series.lastScaleMs, series.key))) continue;
      series.last = seen;
      series.lastScaleMs = signal.scaleMs;
      series.lastEndMs = signal.windowEndMs;
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
      if (isMuted(this.#mutes, signal.kind, signal.segment, signal.name)) continue;
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
    const last = { ...signal.describe(), since: new Date(signal.windowEndMs).toISOString(), joined };
    incident.series.push({
      key: signal.key,
      version: signal.version,
      sinceMs: nowMs,
      joined,
      severity: signal.severity,
      quietRuns: joined ? { [signal.scaleMs]: 0 } : {},
      lastBreachMs: nowMs,
      isRecovered: !joined,
      last,
      lastScaleMs: signal.scaleMs,
      lastEndMs: signal.windowEndMs,
      ...(joined ? { worst: worse(undefined, last, signal.windowEndMs) } : {}),
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
    if (this.#isIncidentMuted(incident)) return null;
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
    const scaleMs = first?.lastScaleMs ?? incident.scaleMs;
    return {
      step,
      incident: incident.id,
      chain: incident.chain,
      ordinal: incident.ordinal,
      kind: incident.kind,
      segment: incident.segment,
      severity: incident.severity,
      scaleMs,
      startMs: incident.startMs,
      sinceMs: Math.min(...series.map(({ last, joined }) => (joined ? Date.parse(last.since) : Number.POSITIVE_INFINITY))),
      versions: [...versions].sort(),
      series: series.map(({ last, lastScaleMs, worst }) => ({
        ...last,
        ...(lastScaleMs === scaleMs ? {} : { scale: formatDuration(lastScaleMs) }),
        ...(isEnd(step) && worst !== undefined ? { worst } : {}),
      })),
      leading:
        first === undefined ? null : { key: first.key, statistic: first.last.statistic, scaleMs, windowEndMs: first.lastEndMs ?? null },
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

/** The worse of what is known and what was just described. */
function worse(known: WorstMoment | undefined, { statistic, effects, current, baseline }: EventSeries, endMs: number): WorstMoment {
  const effect = effects.effect ?? 0;
  if (known !== undefined && Math.abs(known.effect) >= Math.abs(effect)) return known;
  const size = (value: number | string | undefined) => (typeof value === 'number' ? value : 0);
  return { at: new Date(endMs).toISOString(), statistic, effect, observed: size(current.observed), expected: size(baseline.expected) };
}

/** Key of `runs` of a scale and a series (`seriesKey`). */
function runKey(scaleMs: number, key: string): string {
  return `${scaleMs}|${key}`;
}

/** Scale of a key of `runs`. */
function scaleOf(runKey: string): number {
  return Number(runKey.slice(0, runKey.indexOf('|')));
}

/** Segment of a key of `runs`, whose second part is the key of a series (`seriesKey`). */
function segmentOfRun(runKey: string): SegmentKey {
  return JSON.parse(runKey.slice(runKey.indexOf('|') + 1))[2];
}
