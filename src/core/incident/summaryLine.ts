/** The one line of an incident that a person can act on: what moved, from what to what, since when, on how many rows. */
import { formatDuration } from '../duration.ts';
import type { EventSeries } from './event.ts';
import type { BookStep } from './incidentBook.ts';

/** `amount: median 12.3 -> 15.1 (+0.46 sigma), n = 48,210, since 2026-03-01 09:40Z; and 3 more series`. */
export function summaryLine(step: BookStep, nowMs: number): string {
  const lasted = formatRoughly(nowMs - step.startMs);
  if (step.step === 'recovered') return `Recovered after ${lasted}: ${names(step.series)} as in the baseline again`;
  if (step.step === 'ended') return `Ended after ${lasted}: no data for a day`;
  const joined = step.series.filter((series) => series.joined);
  const first = joined[0] ?? step.series[0];
  if (first === undefined) return '';
  const others = joined.length - 1;
  const more = others > 0 ? `; and ${others} more series` : '';
  const lasting = step.step === 'reminded' ? `, still so after ${lasted}` : '';
  return `${first.name}: ${change(first)}, n = ${thousands(first.n)}, since ${clockTime(step.startMs)}${lasting}${more}`;
}

/** What changed in one series, in words. */
export function change(series: EventSeries): string {
  const { statistic, current, baseline, effects } = series;
  const observed = number(current.observed);
  const expected = number(baseline.expected);
  if (statistic === 'accuracy') return `accuracy ${percent(observed)}, expected ${percent(expected)}`;
  if (statistic === 'mae') return `mean absolute error ${short(observed)}, expected ${short(expected)}`;
  if (statistic === 'miss')
    return `${series.name === 'invalid' ? 'bad records' : 'missing'} ${percent(observed)}, expected ${percent(expected)}`;
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
  if (statistic.startsWith('category:'))
    return `share of ${statistic.slice('category:'.length)} ${percent(observed)}, expected ${percent(expected)}`;
  if (statistic.startsWith('cut:'))
    return `${percent(observed)} at most ${short(Number(statistic.slice('cut:'.length)))}, expected ${percent(expected)}`;
  return `${statistic} ${short(observed)}, expected ${short(expected)}`;
}

function names(series: readonly EventSeries[]): string {
  const joined = series.filter((one) => one.joined).map((one) => one.name);
  const listed = joined.slice(0, 3).join(', ');
  return joined.length > 3 ? `${listed} and ${joined.length - 3} more` : listed;
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

/** Four significant digits, without an exponent for sizes that people read. */
function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e9 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

function thousands(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function clockTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** A duration in the largest unit that gives at least two of it. */
function formatRoughly(milliseconds: number): string {
  const unit = [86_400_000, 3_600_000, 60_000].find((size) => milliseconds >= 2 * size) ?? 60_000;
  return formatDuration(Math.max(1, Math.round(milliseconds / unit)) * unit);
}
