/** The words of an issue: what it is called and the one line under it. Pure text of an event; `privacy.ts` has the say over values. */

import { type EventRecord, type EventSeries, sinceOf } from '../core/incident/event.ts';
import { lossStatistic } from '../core/incident/lossLine.ts';
import { change } from '../core/incident/summaryLine.ts';
import { rateSeries } from '../core/summarize/seriesNames.ts';
import { isPrivate, type Sensitive, withoutValue } from './privacy.ts';

/** Longest title and value line, in characters. */
export const titleLength = 120;
export const lineLength = 300;

const kindTitles: Readonly<Record<EventRecord['kind'], string>> = {
  drift: 'Data drift',
  performance: 'Performance drop',
  estimate: 'Estimated performance drop',
  quality: 'Data quality',
  volume: 'Volume change',
};

/** Titles of performance incidents by the reserved series that dropped (or, for an error, rose). */
const performanceTitles = new Map([
  ['accuracy', 'Accuracy drop'],
  ['auc', 'AUC drop'],
  ['mae', 'Error rise'],
]);

/** What is wrong with a series of a quality incident, by its deciding statistic. */
const qualityFaults = new Map([
  ['miss', 'missing'],
  ['missing', 'missing'],
  ['nonFinite', 'not finite'],
  ['typeChange', 'changed type'],
  ['outOfRange', 'out of range'],
]);

/** The series of an event, most telling first: those that breached before those that only move too, then by p, effect and name. */
export function ranked(series: readonly EventSeries[]): readonly EventSeries[] {
  return [...series].sort(
    (left, right) =>
      Number(right.joined) - Number(left.joined) ||
      left.p - right.p ||
      Math.abs(right.effects.effect ?? 0) - Math.abs(left.effects.effect ?? 0) ||
      (left.name < right.name ? -1 : 1),
  );
}

/** `Accuracy drop: fraud`, `Data drift: fraud / amount and 7 more`, `Data quality: fraud / amount missing`, with the segment in brackets. */
export function issueTitle(event: EventRecord, sensitive: Sensitive): string {
  const [first] = ranked(event.series);
  if (first?.statistic === lossStatistic) return cut(oneLine(lossTitle(event)), titleLength);
  const performance = event.kind === 'performance' ? performanceTitles.get(first?.name ?? '') : undefined;
  const subject = event.kind === 'performance' || event.kind === 'estimate' || event.kind === 'volume' ? null : seriesText(event);
  const segment = Object.entries(event.segment ?? {}).map(
    ([name, value]) => `${name} ${isPrivate(name, sensitive) ? '(withheld)' : value}`,
  );
  const title = [
    `${performance ?? kindTitles[event.kind]}: ${event.model}`,
    ...(subject === null ? [] : [` / ${subject}`]),
    ...(segment.length === 0 ? [] : [` [${segment.join(', ')}]`]),
  ].join('');
  return cut(oneLine(title), titleLength);
}

/** `Records lost: predictions, partition 3 and 2 more`. */
function lossTitle({ series }: EventRecord): string {
  const [first, ...more] = ranked(series).filter(({ statistic }) => statistic === lossStatistic);
  return `Records lost: ${first?.current.topic}, partition ${first?.current.partition}${more.length === 0 ? '' : ` and ${more.length} more`}`;
}

function seriesText(event: EventRecord): string | null {
  const series = ranked(event.series).filter(({ joined }, _index, all) => joined || all.every((one) => !one.joined));
  const [first, ...more] = series;
  if (first === undefined) return null;
  const isRate = event.kind === 'quality' && rateSeries.has(first.name);
  const fault = event.kind === 'quality' && !isRate ? qualityFaults.get(first.statistic) : undefined;
  const name = isRate ? `${first.name} records` : first.name;
  return `${cut(name, 60)}${fault === undefined ? '' : ` ${fault}`}${more.length === 0 ? '' : ` and ${more.length} more`}`;
}

/**
 * The one line that a person can act on: the event's own summary; where a sensitive feature or segment is part of the event, a line
 * made of what may leave (the summary may name a category).
 */
export function issueLine(event: EventRecord, sensitive: Sensitive): string {
  const names = [...event.series.map(({ name }) => name), ...Object.keys(event.segment ?? {})];
  if (!names.some((name) => isPrivate(name, sensitive))) return cut(oneLine(event.summary), lineLength);
  const [first] = ranked(event.series);
  if (first === undefined) return `since ${minuteTime(sinceOf(event))}`;
  return cut(
    oneLine(`${first.name}: ${changeText(first, sensitive)}, n = ${count(first.n)}, since ${minuteTime(first.since)}`),
    lineLength,
  );
}

/** What comes before the line of a step whose incident has ended by the time that it is told. */
export function overText(event: EventRecord, end: EventRecord): string {
  return `Over since ${minuteTime(end.windowEnd)}, after ${duration(Date.parse(end.windowEnd) - Date.parse(sinceOf(event)))}: `;
}

/** What moved, from what to what: as in the summary, but for a sensitive series without the value that its statistic names. */
export function changeText(series: EventSeries, sensitive: Sensitive): string {
  return isPrivate(series.name, sensitive) ? change({ ...series, statistic: withoutValue(series.statistic) }) : change(series);
}

/** `effect 0.31, PSI 0.28, KS 0.12`, without what is not there at all. */
export function effectsText(series: EventSeries): string {
  return Object.entries(series.effects)
    .filter(([, value]) => value !== 0)
    .map(([name, value]) => `${effectNames.get(name) ?? name} ${size(value)}`)
    .join(', ');
}

const effectNames = new Map([
  ['ks', 'KS'],
  ['psi', 'PSI'],
  ['js', 'JS'],
  ['wasserstein', 'Wasserstein / IQR'],
  ['totalVariation', 'total variation'],
  ['newShare', 'new categories'],
]);

/** A number for people: three significant digits, thousands grouped. */
export function size(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e9)) return value.toExponential(1);
  return Math.abs(value) >= 1_000 ? count(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** A whole number with its thousands grouped by commas. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `3 h 20 min`, `2 d 4 h`: the two largest units. */
export function duration(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  const units: readonly (readonly [number, string])[] = [
    [Math.floor(minutes / 1_440), 'd'],
    [Math.floor(minutes / 60) % 24, 'h'],
    [minutes % 60, 'min'],
  ];
  const first = units.findIndex(([size]) => size > 0);
  if (first < 0) return 'less than a minute';
  return units
    .slice(first, first + 2)
    .filter(([size]) => size > 0)
    .map(([size, unit]) => `${size} ${unit}`)
    .join(' ');
}

/** `2026-03-01 09:40Z` of an ISO time. */
export function minuteTime(time: string): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** One line: every run of white space and control characters becomes a space. */
export function oneLine(value: string): string {
  return value.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** At most `length` UTF-16 units, the last of which says that something was cut. Never cuts a character in two. */
export function cut(value: string, length: number): string {
  if (value.length <= length) return value;
  return `${value.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
