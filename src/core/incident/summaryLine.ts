/** The one line of an incident that a person can act on: what moved, from what to what, since when, on how many rows. */
import { versionSeries } from '../detect/node.ts';
import { dayMs, formatDuration, hourMs, minuteMs } from '../duration.ts';
import { lateSeries, rateSeries } from '../summarize/seriesNames.ts';
import type { BookStep } from './bookState.ts';
import type { Description, EventSeries } from './event.ts';
import { clockTime, listed, thousands } from './lineText.ts';
import { lossChange, lossLine, lossStatistic } from './lossLine.ts';

/**
 * `amount: median 12.3 -> 15.1 (+0.46 sigma), n = 48,210, since 2026-03-01 09:40Z; also country and 2 more`,
 * `accuracy (plan=free, version 8) 83.1 % (95 % interval 81.4 to 84.6), expected 89.8 %, n = 2,050, since ...`.
 */
export function summaryLine(step: BookStep, nowMs: number): string {
  const lasted = formatRoughly(nowMs - step.sinceMs);
  const joined = step.series.filter((series) => series.joined);
  const first = joined[0] ?? step.series[0];
  const where = whereOf(step, first);
  const isLoss = first?.statistic === lossStatistic;
  if (step.step === 'recovered') {
    if (isLoss) return `Recovered after ${lasted}: no window misses records of ${listed(namesOf(step.series))} any more`;
    const isAgain = step.kind === 'performance' ? 'as expected again' : 'as in the baseline again';
    return `Recovered after ${lasted}: ${listed(namesOf(step.series))}${where} ${isAgain}`;
  }
  if (step.closing !== undefined)
    return `Ended after ${lasted}: accepted as the new normal by ${step.closing.by}${where}: ${step.closing.reason}`;
  if (step.step === 'ended') return `Ended after ${lasted}: no data for a day${where}`;
  if (first === undefined) return '';
  if (isLoss) return lossLine(joined);
  const others = namesOf(joined.slice(1));
  const also = others.length > 0 ? `; also ${listed(others)}` : '';
  const lasting = step.step === 'reminded' ? `, still so after ${lasted}` : '';
  const colon = ownWords.has(first.name) ? '' : ':';
  return `${nameOf(first)}${where}${colon} ${change(first)}, n = ${thousands(first.n)}, since ${clockTime(step.sinceMs)}${lasting}${also}`;
}

/** Series whose name says already what is measured. */
const ownWords: ReadonlyMap<string, string> = new Map([
  ['accuracy', 'accuracy'],
  ['mae', 'mean absolute error'],
  ['invalid', 'bad records'],
  ['late', 'late records'],
]);

function nameOf({ name }: EventSeries): string {
  return ownWords.get(name) ?? name;
}

/** ` (country=DE, version 8)`: where it is, if not everywhere. */
function whereOf({ kind, segment, versions }: BookStep, first: EventSeries | undefined): string {
  const parts: string[] = [];
  if (segment !== null) parts.push(`${segment[0]}=${segment[1]}`);
  const isOfVersion = kind === 'performance' || (first !== undefined && versionSeries.has(first.name));
  const named = isOfVersion ? versions.filter((version) => version !== '') : [];
  if (named.length > 0) parts.push(`${named.length === 1 ? 'version' : 'versions'} ${listed(named)}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** What changed in one series, in words that follow its name. */
export function change(series: EventSeries): string {
  const { statistic, current, baseline, effects } = series;
  if (statistic === lossStatistic) return lossChange(series);
  const observed = number(current.observed);
  const expected = number(baseline.expected);
  if (statistic === 'accuracy')
    return `${percent(observed)}${interval(current, (share) => percent(share).slice(0, -2))}, expected ${percent(expected)}`;
  if (statistic === 'mae') return `${short(observed)}${interval(current, short)}, expected ${short(expected)}`;
  if (statistic === 'miss')
    return `${rateSeries.has(series.name) ? '' : 'missing '}${percent(observed)}${series.name === lateSeries ? ', counted in no window (does a clock run ahead?)' : ''}, expected ${percent(expected)}`;
  if (statistic === 'loc') {
    const sigma = `${signed(number(effects.effect))} sigma`;
    return 'p50' in current && 'p50' in baseline
      ? `median ${short(number(baseline.p50))} -> ${short(number(current.p50))} (${sigma})`
      : `location ${sigma}`;
  }
  if (statistic === 'spread') return `spread ${signed(number(effects.effect))} sigma`;
  if (statistic === 'chi2') return `distribution over categories moved, total variation ${short(number(effects.effect))}`;
  if (statistic === 'above') return `${percent(observed)} above the baseline's maximum`;
  if (statistic === 'below') return `${percent(observed)} below the baseline's minimum`;
  if (statistic === 'zero') return `zeros ${percent(observed)}, expected ${percent(expected)}`;
  if (statistic === '(new)') return `categories never seen before in ${percent(observed)}, expected ${percent(expected)}`;
  if (statistic === '(other)') return `rare categories ${percent(observed)}, expected ${percent(expected)}`;
  // Without its value, which must not be told (`sentry/privacy.ts`).
  if (statistic === 'category') return `share of a category (name withheld) ${percent(observed)}, expected ${percent(expected)}`;
  if (statistic === 'cut') return `share below one value ${percent(observed)}, expected ${percent(expected)}`;
  if (statistic.startsWith('category:'))
    return `share of ${statistic.slice('category:'.length)} ${percent(observed)}, expected ${percent(expected)}`;
  if (statistic.startsWith('cut:'))
    return `${percent(observed)} at most ${short(Number(statistic.slice('cut:'.length)))}, expected ${percent(expected)}`;
  return `${statistic} ${short(observed)}, expected ${short(expected)}`;
}

function interval(current: Description, text: (value: number) => string): string {
  if (typeof current.low !== 'number' || typeof current.high !== 'number') return '';
  return ` (95 % interval ${text(current.low)} to ${text(current.high)})`;
}

/** Names of the series that breached, each once: several versions of a score are one name. */
function namesOf(series: readonly EventSeries[]): string[] {
  return [...new Set(series.filter((one) => one.joined).map(nameOf))];
}

function number(value: number | string | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function percent(share: number): string {
  const value = share * 100;
  return `${value !== 0 && Math.abs(value) < 1 ? value.toPrecision(2) : value.toFixed(1)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`;
}

/** Four significant digits, whole numbers and what is before the point in full, without an exponent for sizes that people read. */
function short(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(2);
  return Number.isInteger(value) || size < 1_000
    ? String(Number.isInteger(value) ? value : Number(value.toPrecision(4)))
    : String(Math.round(value));
}

/** A duration in the largest unit that gives at least two of it. */
function formatRoughly(milliseconds: number): string {
  const unit = [dayMs, hourMs, minuteMs].find((size) => milliseconds >= 2 * size) ?? minuteMs;
  return formatDuration(Math.max(1, Math.round(milliseconds / unit)) * unit);
}
