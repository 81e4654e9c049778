/** One window of a series against its baseline, statistic by statistic, and the ways in which the series could differ (recipe, section 5). */
import type { AlertSettings } from '../../settings.ts';
import { nuOfWindow } from './dispersion.ts';
import { fUpperQuantile, fUpperTail } from './distributions.ts';
import { newCategories } from './scores.ts';
import { slotOf } from './slots.ts';
import type { Comparison, StatisticWindow } from './statistic.ts';
import { clearedOfLocation, compareStatistic, detectableEffect, isComputed } from './statistic.ts';
import type { SeriesBaseline, WindowSums } from './types.ts';

type MinimumEffect = AlertSettings['minimumEffect'];

/** Groups of numeric statistics: location, spread, distribution, missing. They share the level equally. */
const numericGroups = 4;

/** One way in which the series could differ: a statistic, or all categories together. */
export interface Candidate {
  readonly statistic: string;
  readonly effect: number;
  readonly minimum: number;
  /** After the adjustment over the statistics and the minimum effect, at most 1. */
  readonly p: number;
  readonly comparison: Comparison;
  /** Effect at which p would be alpha; computed for the winner alone. */
  readonly detectable: (alpha: number) => number;
}

/** A statistic that was computed, with what it compared. */
export interface Compared {
  readonly name: string;
  readonly comparison: Comparison;
  readonly window: StatisticWindow;
  readonly place: number;
}

/** Compares every statistic that is computed, in the order in which ties are decided. */
export function compareAll(baseline: SeriesBaseline, window: WindowSums, windowMs: number): Compared[] {
  const { scores, models, lenders, slots } = baseline;
  const valueRows = new Float64Array(slots.slots);
  const allRows = new Float64Array(slots.slots);
  for (const { unit, rows, n } of window.units) {
    const slot = slotOf(slots, unit);
    valueRows[slot]! += n;
    allRows[slot]! += rows;
  }
  const { rows, n, x } = window.sums;
  const compared: Compared[] = [];
  for (let place = 0; place < models.length; place += 1) {
    const name = scores.statistics[place]!;
    const model = models[place]!;
    if (!isComputed(model)) continue;
    let sums: StatisticWindow =
      name === 'miss' ? { n: rows, x: x[place] ?? 0, slotRows: allRows } : { n, x: x[place] ?? 0, slotRows: valueRows };
    if (name === 'spread') sums = clearedOfLocation(sums, x[0] ?? 0, models[0]!.rates);
    let maxNu = Number.POSITIVE_INFINITY;
    for (const lender of lenders[place]!) maxNu = Math.min(maxNu, nuOfWindow(models[lender]!.dispersion, windowMs));
    compared.push({ name, place, window: sums, comparison: compareStatistic(model, sums, windowMs, maxNu) });
  }
  return compared;
}

/** All ways in which the series could differ, in the order in which ties are decided. At least one. */
export function candidatesOf(baseline: SeriesBaseline, compared: readonly Compared[], minimumEffect: MinimumEffect): Candidate[] {
  switch (baseline.scores.kind) {
    case 'numeric':
      return numericCandidates(baseline, compared, minimumEffect);
    case 'categorical':
      return categoricalCandidates(baseline, compared, minimumEffect);
    case 'rate':
      return compared.map((each) => candidateOf(baseline, each, minimumEffect.share, 1));
  }
}

function numericCandidates(baseline: SeriesBaseline, compared: readonly Compared[], minimumEffect: MinimumEffect): Candidate[] {
  const inDistribution = compared.filter(({ name }) => name !== 'loc' && name !== 'spread' && name !== 'miss').length;
  return compared.map((each) => {
    const isAlone = each.name === 'loc' || each.name === 'spread' || each.name === 'miss';
    const minimum = each.name === 'loc' ? minimumEffect.location : each.name === 'spread' ? minimumEffect.spread : minimumEffect.share;
    return candidateOf(baseline, each, minimum, numericGroups * (isAlone ? 1 : inDistribution));
  });
}

/** A single statistic as a candidate; `factor` adjusts its p over the statistics of the series. */
function candidateOf(baseline: SeriesBaseline, each: Compared, minimum: number, factor: number): Candidate {
  const { comparison, window } = each;
  const p = Math.abs(comparison.effect) < minimum ? 1 : Math.min(1, comparison.p * factor);
  return {
    statistic: each.name,
    effect: comparison.effect,
    minimum,
    p,
    comparison,
    detectable: (alpha) => detectableEffect(baseline.models[each.place]!, window, comparison, alpha / factor),
  };
}

/**
 * One moved category shows in the largest single deviation, many small moves only in their sum of squares: both are asked. Missing
 * values are a third part where there are any, in the baseline or in the window.
 */
function categoricalCandidates(baseline: SeriesBaseline, compared: readonly Compared[], minimumEffect: MinimumEffect): Candidate[] {
  const categories = compared.filter(({ name }) => name !== 'miss');
  const miss = compared.filter(({ name, place, window }) => name === 'miss' && (baseline.models[place]!.rates.mean > 0 || window.x > 0));
  const parts = 2 + miss.length;
  return [
    ...categories.map((each) => candidateOf(baseline, each, minimumEffect.share, categories.length * parts)),
    ...miss.map((each) => candidateOf(baseline, each, minimumEffect.share, parts)),
    chiSquareCandidate(baseline, categories, minimumEffect.totalVariation, parts),
  ];
}

function chiSquareCandidate(baseline: SeriesBaseline, categories: readonly Compared[], minimum: number, factor: number): Candidate {
  let square = 0;
  let free = 0;
  let dispersion = 0;
  let nu = Number.POSITIVE_INFINITY;
  for (const { name, place, comparison } of categories) {
    if (name === newCategories) continue;
    const weight = 1 - baseline.models[place]!.rates.mean;
    square += weight * comparison.z * comparison.z;
    free += weight;
    dispersion += weight * comparison.phi;
    nu = Math.min(nu, comparison.nu);
  }
  // A single category with the whole baseline leaves nothing to vary.
  const ratio = free > 0 ? square / free : 0;
  const effect = totalVariation(categories);
  const p = effect < minimum || free <= 0 ? 1 : Math.min(1, fUpperTail(ratio, free, nu) * factor);
  return {
    statistic: 'chi2',
    effect,
    minimum,
    p,
    comparison: { effect, z: Math.sqrt(ratio), p, phi: free > 0 ? dispersion / free : 1, nu, expected: 0, observed: effect },
    // The same move, scaled until its sum of squares is just enough.
    detectable: (alpha) => (ratio > 0 ? effect * Math.sqrt(fUpperQuantile(Math.min(1, alpha / factor), free, nu) / ratio) : 1),
  };
}

/** Half the sum of the differences of all shares. */
export function totalVariation(categories: readonly Compared[]): number {
  let sum = 0;
  for (const { comparison } of categories) sum += Math.abs(comparison.effect);
  return sum / 2;
}
