/** One incident as a section of the page: what happened, when, in which series, and a picture of each of the first of them. */
import { lineChart } from '../chart/lineChart.ts';
import { escaped } from '../chart/svg.ts';
import type { EventRecord, EventSeries } from '../core/incident/event.ts';
import { type Aggregate, segmentText, type TimelinePoint, timelineKey } from './aggregate.ts';
import {
  code,
  effectText,
  kindNames,
  placeText,
  probabilityText,
  rankedSeries,
  statisticText,
  table,
  timeText,
  valueText,
  whole,
} from './words.ts';

/** Series with a picture, and series in the table, per incident. */
const picturedSeries = 3;
const listedSeries = 25;

/** All events of one incident, by ordinal. */
export interface Incident {
  readonly id: string;
  readonly events: readonly [EventRecord, ...EventRecord[]];
}

/** Groups events by incident, in the order of their first event. */
export function incidentsOf(events: readonly EventRecord[]): readonly Incident[] {
  const groups = new Map<string, [EventRecord, ...EventRecord[]]>();
  for (const event of events) {
    const group = groups.get(event.incident);
    if (group === undefined) groups.set(event.incident, [event]);
    else group.push(event);
  }
  return [...groups].map(([id, group]) => ({ id, events: group }));
}

export function incidentSection({ id, events }: Incident, evaluated: Aggregate): string {
  const [first] = events;
  const series = rankedSeries(seriesOf(events));
  const [leading] = series;
  const title = leading === undefined ? '' : ` / ${leading.name}${series.length > 1 ? ` and ${series.length - 1} more` : ''}`;
  return `<section class="incident ${first.severity}" id="incident-${escaped(id)}">
<h3><span class="badge">${escaped(first.severity)}</span> ${escaped(`${kindNames[first.kind]}: ${placeText(first, segmentText(first.segment))}${title}`)}</h3>
<p class="summary">${escaped(first.summary)}</p>
<ol class="steps">${events.map(step).join('')}</ol>
${series
  .slice(0, picturedSeries)
  .map((one) => pictureOf(one, events, evaluated))
  .join('')}
${seriesTable(series)}
<details><summary>Values before and now, source, ids</summary>
${series.slice(0, picturedSeries).map(beforeAndNow).join('')}
${sourceTable(first)}
<p class="muted">incident ${code(id)}, first event ${code(first.id)}, version ${escaped(first.versions.join(', ') || 'none')}${first.owner === null ? '' : `, owner ${escaped(first.owner)}`}${
    first.exact ? '' : `; not exact: ${escaped(first.inexactReasons.join(', '))}`
  }</p></details>
</section>`;
}

/** Every series that some event of the incident names, as the first event that named it has it. */
function seriesOf(events: readonly EventRecord[]): readonly EventSeries[] {
  const named = new Map<string, EventSeries>();
  for (const event of events) {
    for (const series of event.series) {
      const known = named.get(series.name);
      if (known === undefined || (series.joined && !known.joined)) named.set(series.name, series);
    }
  }
  return [...named.values()];
}

function step(event: EventRecord): string {
  return `<li><b>${escaped(event.step)}</b> ${timeText(event.windowEnd)} <span class="muted">(window of ${escaped(event.scale)})</span></li>`;
}

function pictureOf(series: EventSeries, events: readonly EventRecord[], evaluated: Aggregate): string {
  const [first] = events;
  if (first === undefined) return '';
  const points = evaluated.timelines.get(timelineKey({ ...first, series: series.name })) ?? [];
  if (points.length < 2) return '';
  const markers = events
    .filter(({ step }) => step !== 'reminded')
    .map((event) => ({ timeMs: Date.parse(event.windowEnd), text: event.step }));
  const isMeasured = points.some((point) => point.observed !== null);
  return `<figure>${
    isMeasured
      ? lineChart(
          { points: points.map(measuredPoint), markers },
          { title: `${series.name} with its 95 % interval, windows of ${first.scale}` },
        )
      : lineChart(
          { points: points.map(({ timeMs, p, isDrift }) => ({ timeMs, value: p, isAlarm: isDrift })), markers, axis: 'probability' },
          { title: `${series.name}: how likely by chance alone (p), windows of ${first.scale}` },
        )
  }</figure>\n`;
}

function measuredPoint({ timeMs, observed, interval, isDrift }: TimelinePoint) {
  return { timeMs, value: observed, isAlarm: isDrift, ...(interval === null ? {} : { band: interval }) };
}

function seriesTable(series: readonly EventSeries[]): string {
  const rows = series
    .slice(0, listedSeries)
    .map((one) => [
      escaped(one.name),
      one.joined ? '' : 'moving too',
      escaped(statisticText(one.statistic, one.name)),
      effectText(one.statistic, one.effects.effect ?? null),
      probabilityText(one.p),
      whole(one.n),
      whole(one.baselineN),
      valueText(one.phi),
      one.since === '' ? '' : timeText(one.since),
    ]);
  const head = ['series', '', 'what moved', 'effect', 'p', 'rows', 'baseline rows', 'phi', 'since'];
  const left = series.length - listedSeries;
  return table(head, rows, [3, 4, 5, 6, 7]) + (left > 0 ? `<p class="muted">and ${whole(left)} more series</p>` : '');
}

/** What the event says of both sides: one column a figure. */
function beforeAndNow(series: EventSeries): string {
  const names = [...new Set([...Object.keys(series.baseline), ...Object.keys(series.current)])].filter(
    (name) => name !== 'observed' && name !== 'expected',
  );
  if (names.length === 0) return '';
  const row = (title: string, side: EventSeries['current']) => [title, ...names.map((name) => escaped(valueText(side[name])))];
  const columns = names.map((_name, index) => index + 1);
  return table([escaped(series.name), ...names.map(escaped)], [row('baseline', series.baseline), row('now', series.current)], columns);
}

function sourceTable(event: EventRecord): string {
  if (event.source.length === 0) return '';
  const rows = event.source.map(({ topic, partition, from, to }) => [escaped(topic), String(partition), whole(from), whole(to)]);
  return table(['source topic', 'partition', 'from offset', 'up to'], rows, [1, 2, 3]);
}
