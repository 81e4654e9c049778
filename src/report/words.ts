/** Names and numbers of the page, for people. */
import { numberText, shareText } from '../chart/axes.ts';
import { escaped } from '../chart/svg.ts';
import type { EventRecord, EventSeries, IncidentKind } from '../core/incident/event.ts';
import { rateSeries } from '../core/summarize/seriesNames.ts';

export const kindNames: Readonly<Record<IncidentKind, string>> = {
  drift: 'Data drift',
  performance: 'Performance',
  estimate: 'Estimated performance',
  quality: 'Data quality',
  volume: 'Volume',
};

/** `1 incident`, `2 incidents`, thousands grouped. */
export function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function whole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `2001-02-10 06:00` of an ISO time; all times of the page are UTC, which it says once. */
export function timeText(time: string | number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ');
}

/** What the deciding statistic of a series looks at. */
export function statisticText(statistic: string, series: string): string {
  // Of these series a record that is invalid, or late, is what a missing value is of a feature.
  if (statistic === 'miss' && rateSeries.has(series)) return `share ${series}`;
  const colon = statistic.indexOf(':');
  const [name, detail] = colon === -1 ? [statistic, ''] : [statistic.slice(0, colon), statistic.slice(colon + 1)];
  if (name === 'cut') return `share of values up to ${Number.isFinite(Number(detail)) ? numberText(Number(detail)) : detail}`;
  if (name === 'category') return `share of "${detail}"`;
  return statisticNames[name] ?? statistic;
}

const statisticNames: Readonly<Record<string, string>> = {
  loc: 'location',
  spread: 'spread',
  zero: 'share of zeros',
  above: 'share above the largest baseline value',
  below: 'share below the smallest baseline value',
  miss: 'share missing',
  '(new)': 'share of categories never seen before',
  '(other)': 'share of the rare categories',
  chi2: 'mix of categories',
  mae: 'mean absolute error',
};

/** The deciding effect in its unit: standard deviations for location and spread, percentage points for shares, else the number. */
export function effectText(statistic: string | null, effect: number | null): string {
  if (effect === null) return '';
  const sign = effect > 0 ? '+' : effect < 0 ? '−' : '';
  const size = Math.abs(effect);
  if (statistic === 'loc' || statistic === 'spread') return `${sign}${numberText(size)} sd`;
  if (statistic === 'mae') return `${sign}${shareText(size)}`;
  return `${sign}${numberText(size * 100)} points`;
}

/** A number of a description: six digits at most, whole thousands grouped. */
export function valueText(value: number | string | undefined): string {
  return typeof value === 'number' ? numberText(value) : (value ?? '');
}

export function probabilityText(p: number | null): string {
  if (p === null) return '';
  if (p === 0) return 'below 1e-300';
  return p < 0.001 ? p.toExponential(1) : String(Number(p.toPrecision(2)));
}

/** Series that breached first, then those that only move too, by falling significance. */
export function rankedSeries(series: readonly EventSeries[]): readonly EventSeries[] {
  return [...series].sort(
    (left, right) => Number(right.joined) - Number(left.joined) || left.p - right.p || (left.name < right.name ? -1 : 1),
  );
}

/** An HTML table; cells are HTML already. Columns named in `numeric` are set right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numeric: readonly number[] = []): string {
  const cell = (tag: string) => (content: string, index: number) =>
    `<${tag}${numeric.includes(index) ? ' class="number"' : ''}>${content}</${tag}>`;
  const body = rows.map((row) => `<tr>${row.map(cell('td')).join('')}</tr>`).join('\n');
  return `<div class="wide"><table><thead><tr>${head.map(cell('th')).join('')}</tr></thead>\n<tbody>${body}</tbody></table></div>`;
}

export function code(content: string): string {
  return `<code>${escaped(content)}</code>`;
}

/** Where an incident is: its model, versions and segment. */
export function placeText(event: EventRecord, segment: string): string {
  return [event.model, ...(segment === '' ? [] : [segment])].join(', ');
}
