/** One pass over the evaluations: what the page shows of them, in bounded memory however many there are. */
import type { EvaluationRecord, EventRecord, Verdict } from '../core/incident/event.ts';

/** All evaluations of one series of a model, over its scales. */
export interface SeriesRow {
  readonly model: string;
  readonly version: string | null;
  readonly segment: string;
  readonly series: string;
  readonly kind: EvaluationRecord['kind'];
  readonly verdicts: Record<Verdict, number>;
  smallestP: number | null;
  /** Deciding effect of the evaluation with the smallest p. */
  effectThen: number | null;
  statisticThen: string | null;
  /** Smallest effect that could have been told from chance, at its best. */
  detectable: number | null;
}

/** One evaluation of a series that an incident names. */
export interface TimelinePoint {
  readonly timeMs: number;
  readonly p: number | null;
  readonly observed: number | null;
  readonly interval: readonly [number, number] | null;
  readonly isDrift: boolean;
}

export interface Aggregate {
  readonly rows: readonly SeriesRow[];
  /** By `timelineKey`, ascending by time. */
  readonly timelines: ReadonlyMap<string, readonly TimelinePoint[]>;
  /** First and last moment at which a window was evaluated; null without evaluations. */
  readonly span: { readonly fromMs: number; readonly toMs: number } | null;
}

/** More points than this are more than a picture has pixels for: every second one is then left out. */
const mostPoints = 800;
/** Series after these are counted only in `summary.json`. */
const mostSeries = 20_000;

/** Which timeline shows a series of an incident: that of the scale that decided. */
export function timelineKey(of: {
  readonly model: string;
  readonly segment: EventRecord['segment'];
  readonly series: string;
  readonly scale: string;
}): string {
  return JSON.stringify([of.model, segmentText(of.segment), of.series, of.scale]);
}

/** `country = DE`, or nothing for the whole. */
export function segmentText(segment: EventRecord['segment']): string {
  return Object.entries(segment ?? {})
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');
}

/** Reads all evaluations once. */
export function aggregate(evaluations: Iterable<EvaluationRecord>, events: readonly EventRecord[]): Aggregate {
  const rows = new Map<string, SeriesRow>();
  const timelines = new Map<string, Timeline>();
  for (const event of events) {
    for (const { name } of event.series) timelines.set(timelineKey({ ...event, series: name }), new Timeline());
  }
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = Number.NEGATIVE_INFINITY;
  for (const evaluation of evaluations) {
    const endMs = Date.parse(evaluation.windowEnd);
    fromMs = Math.min(fromMs, endMs);
    toMs = Math.max(toMs, endMs);
    addToRow(rows, evaluation);
    timelines.get(timelineKey(evaluation))?.add({
      timeMs: endMs,
      p: evaluation.p,
      observed: evaluation.effects.observed ?? null,
      interval: evaluation.interval ?? null,
      isDrift: evaluation.verdict === 'drift',
    });
  }
  return {
    rows: [...rows.values()].sort(bySmallestP),
    timelines: new Map([...timelines].map(([key, timeline]) => [key, timeline.points()])),
    span: fromMs <= toMs ? { fromMs, toMs } : null,
  };
}

function addToRow(rows: Map<string, SeriesRow>, evaluation: EvaluationRecord): void {
  const { model, version, series, kind, p, detectable } = evaluation;
  const segment = segmentText(evaluation.segment);
  const key = JSON.stringify([model, version, segment, series, kind]);
  let row = rows.get(key);
  if (row === undefined) {
    if (rows.size >= mostSeries) return;
    const verdicts = { ok: 0, drift: 0, insufficient: 0, learning: 0 };
    row = { model, version, segment, series, kind, verdicts, smallestP: null, effectThen: null, statisticThen: null, detectable: null };
    rows.set(key, row);
  }
  row.verdicts[evaluation.verdict] += 1;
  if (p !== null && (row.smallestP === null || p < row.smallestP)) {
    row.smallestP = p;
    row.effectThen = evaluation.effects.effect ?? null;
    row.statisticThen = evaluation.statistic;
  }
  if (detectable !== null && (row.detectable === null || Math.abs(detectable) < Math.abs(row.detectable))) row.detectable = detectable;
}

function bySmallestP(left: SeriesRow, right: SeriesRow): number {
  const order = (left.smallestP ?? 2) - (right.smallestP ?? 2);
  return order || (nameOf(left) < nameOf(right) ? -1 : 1);
}

function nameOf(row: SeriesRow): string {
  return JSON.stringify([row.model, row.segment, row.series, row.version]);
}

/** Points in the order of time, thinned out evenly when they become too many; a drift verdict is never thinned away by a quiet one. */
class Timeline {
  #points: TimelinePoint[] = [];
  #stride = 1;
  #waiting: TimelinePoint[] = [];

  add(point: TimelinePoint): void {
    this.#waiting.push(point);
    if (this.#waiting.length < this.#stride) return;
    this.#points.push(mostTelling(this.#waiting));
    this.#waiting = [];
    if (this.#points.length < mostPoints) return;
    const pairs = this.#points;
    this.#points = [];
    for (let index = 0; index < pairs.length; index += 2) this.#points.push(mostTelling(pairs.slice(index, index + 2)));
    this.#stride *= 2;
  }

  points(): readonly TimelinePoint[] {
    const rest = this.#waiting.length === 0 ? [] : [mostTelling(this.#waiting)];
    return [...this.#points, ...rest].sort((left, right) => left.timeMs - right.timeMs);
  }
}

function mostTelling(points: readonly [TimelinePoint, ...TimelinePoint[]] | readonly TimelinePoint[]): TimelinePoint {
  return points.reduce((best, point) => (rank(point) < rank(best) ? point : best));
}

function rank(point: TimelinePoint): number {
  return (point.isDrift ? 0 : 2) + (point.p ?? 1.5);
}
