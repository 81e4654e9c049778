/**
 * A series against its baseline: fits all its statistics, and makes one p of them for a window (recipe, sections 2 to 5). What is
 * fitted is plain data of finite numbers, so that a baseline is a fact: its JSON behaves as the object did.
 */
import { dayMs } from '../../duration.ts';
import type { AlertSettings } from '../../settings.ts';
import { mergeSeries } from '../../sketch/merge.ts';
import type { DigestSettings, SeriesSummary } from '../../sketch/types.ts';
import { candidatesOf, compareAll, totalVariation } from './candidates.ts';
import type { UnitSums } from './fitSums.ts';
import { fitSums } from './fitSums.ts';
import type { SummaryScores } from './scores.ts';
import { fitScores, newCategories, scoreSeries } from './scores.ts';
import { oneSlot } from './slots.ts';
import { type Comparison, slotRates } from './statistic.ts';
import type { SeriesBaseline, SeriesEvaluation, SeriesSums, WindowSums } from './types.ts';

export type { SeriesBaseline } from './types.ts';

/** One unit of the baseline: `floor(time / unitMs)`, its rows of the model, its summary (null where the series had none). */
export interface SeriesUnit {
  readonly unit: number;
  readonly rows: number;
  readonly summary: SeriesSummary | null;
}

export interface SeriesOptions {
  readonly unitMs: number;
  readonly digest: DigestSettings;
  readonly categoryCap: number;
  /** Left out: what the majority of the baseline's values are. */
  readonly kind?: SummaryScores['kind'];
}

/**
 * Fits the baseline of a series from its units.
 *
 * @param units all units of the baseline in order, those without rows included. A day that was left out may be missing between two.
 * @returns null where the series had no value, or the baseline has fewer than five units.
 */
export function fitSeries(units: readonly SeriesUnit[], options: SeriesOptions): SeriesBaseline | null {
  const summaries = units.flatMap(({ summary }) => (summary === null ? [] : [summary]));
  if (summaries.length === 0) return null;
  const days = (units.length * options.unitMs) / dayMs;
  const scores = fitScores(mergeSeries(summaries, options.digest, options.categoryCap), {
    ...(options.kind === undefined ? {} : { kind: options.kind }),
    canExpectNew: days >= 2,
  });
  if (scores === null) return null;
  const sums = units.map(({ unit, rows, summary }) => ({ unit, sums: scoreSeries(scores, summary, rows) }));
  return fitSums(scores, sums, options.unitMs, scores.statistics.includes(newCategories) ? unseenElsewhere(units, options.unitMs) : []);
}

/**
 * Rows per unit that stand for `(new)`: (D - 1) / D times those whose category occurs on no other day of the baseline. Right for high
 * cardinality, where some categories are always new.
 */
function unseenElsewhere(units: readonly SeriesUnit[], unitMs: number): number[] {
  const unitsPerDay = dayMs / unitMs;
  const severalDays = -1;
  const dayOfCategory = new Map<string, number>();
  units.forEach(({ summary }, index) => {
    const day = Math.floor(index / unitsPerDay);
    for (const { value } of summary?.categories?.entries ?? []) {
      const seen = dayOfCategory.get(value);
      if (seen === undefined) dayOfCategory.set(value, day);
      else if (seen !== day) dayOfCategory.set(value, severalDays);
    }
  });
  const days = units.length / unitsPerDay;
  return units.map(({ summary }) => {
    let count = 0;
    for (const entry of summary?.categories?.entries ?? []) if (dayOfCategory.get(entry.value) !== severalDays) count += entry.count;
    return ((days - 1) / days) * count;
  });
}

/**
 * Fits a file baseline: scores and rates from the file (one slot, A = 1/N), the variation from the first live days around their own
 * mean, for a training file has none (recipe, section 8; docs/design/protocol.md, File baseline). `(new)` is expected as often as a category of the
 * file occurs once (Good and Turing; Good 1953).
 *
 * @param fileSummary merged summary of the file, of `fileRows` rows
 * @param liveUnits all units of the first live days in order, scored by `fitScores(fileSummary, options)`
 * @returns null where the file has no value, or the live days have none or fewer than five units
 */
export function fitFileSeries(
  fileSummary: SeriesSummary,
  fileRows: number,
  liveUnits: readonly UnitSums[],
  options: { readonly unitMs: number; readonly kind?: SummaryScores['kind'] },
): SeriesBaseline | null {
  const scores = fitScores(fileSummary, options.kind === undefined ? {} : { kind: options.kind });
  if (scores === null) return null;
  const newPlace = scores.statistics.indexOf(newCategories);
  const unseen = liveUnits.map(({ sums }) => sums.x[newPlace] ?? 0);
  const live = fitSums(scores, liveUnits, options.unitMs, unseen, oneSlot);
  if (live === null) return null;
  const file = scoreSeries(scores, fileSummary, fileRows);
  const singles = fileSummary.categories?.entries.filter(({ count }) => count === 1).length ?? 0;
  const models = live.models.map(({ rates, dispersion }, place) => {
    const name = scores.statistics[place]!;
    const n = name === 'miss' ? file.rows : file.n;
    const x = name === 'above' || name === 'below' ? 1 : place === newPlace ? singles : file.x[place]!;
    return { rates: slotRates(rates.kind, [n], [x], [file.ss[place]!]), dispersion };
  });
  return { ...live, rows: file.rows, n: file.n, models };
}

/** One unit of a rate: x of n records. */
export interface RateUnit {
  readonly unit: number;
  readonly n: number;
  readonly x: number;
}

/**
 * Fits a rate that is no summary's: `invalid`, the bad records of all records. Compared like `miss`, on its own.
 *
 * @param units all units of the baseline in order, those without records included
 * @returns null where there was no record, or the baseline has fewer than five units
 */
export function fitRate(units: readonly RateUnit[], options: { readonly unitMs: number }): SeriesBaseline | null {
  const sums = units.map(({ unit, n, x }) => ({ unit, sums: rateSums(n, x) }));
  return fitSums({ kind: 'rate', statistics: ['miss'] }, sums, options.unitMs, []);
}

/** Sums of a span for a rate: x of n records. */
export function rateSums(n: number, x: number): SeriesSums {
  return { rows: n, n, x: [x], ss: [0] };
}

/**
 * Evaluates one window.
 *
 * @param windowMs nominal length of the scale
 * @param alpha level that `detectable` is told for
 */
export function evaluateSeries(
  baseline: SeriesBaseline,
  window: WindowSums,
  windowMs: number,
  minimumEffect: AlertSettings['minimumEffect'],
  alpha: number,
): SeriesEvaluation {
  const compared = compareAll(baseline, window, windowMs);
  const candidates = candidatesOf(baseline, compared, minimumEffect);
  let winner = candidates[0]!;
  for (const candidate of candidates) if (candidate.p < winner.p) winner = candidate;
  const isMiss = winner.statistic === 'miss';
  return {
    p: winner.p,
    statistic: winner.statistic,
    effect: winner.effect,
    n: isMiss ? window.sums.rows : window.sums.n,
    baselineN: isMiss ? baseline.rows : baseline.n,
    expected: winner.comparison.expected,
    observed: winner.comparison.observed,
    phi: winner.comparison.phi,
    z: winner.comparison.z,
    detectable: Math.max(winner.minimum, winner.detectable(alpha)),
    belowMinimum: Math.abs(winner.effect) < winner.minimum,
  };
}

/** What one statistic saw in a span, whatever its significance. */
export type Sighting = Pick<Comparison, 'effect' | 'expected' | 'observed'>;

/** Signed effect of one statistic (for `chi2` the total variation, never negative), with what was expected and seen. Zeros for an empty span. */
export function sightingOf(baseline: SeriesBaseline, window: WindowSums, statistic: string): Sighting {
  // The effect does not depend on the length of the window; phi and nu, which do, are not read.
  const compared = compareAll(baseline, window, baseline.models[0]!.dispersion.unitMs);
  if (statistic === 'chi2') {
    const effect = totalVariation(compared.filter(({ name }) => name !== 'miss'));
    return { effect, expected: 0, observed: effect };
  }
  return compared.find(({ name }) => name === statistic)?.comparison ?? { effect: 0, expected: 0, observed: 0 };
}

/** The effect of `sightingOf` alone: what the newest third of a window is asked for. */
export function effectOf(baseline: SeriesBaseline, window: WindowSums, statistic: string): number {
  return sightingOf(baseline, window, statistic).effect;
}
