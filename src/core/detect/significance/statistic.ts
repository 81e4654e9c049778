/**
 * One linear statistic: a sum x of a fixed score over n rows, compared with what the same slots of the baseline lead one to expect,
 * by a standard error that the baseline's own variation has corrected (recipe, sections 3 and 4). Slots are hours of the day for
 * drift and delays of the label for performance.
 */
import type { Dispersion } from './dispersion.ts';
import { fitDispersion, nuOfWindow, phiOfWindow, spreadOfShift } from './dispersion.ts';
import { studentTwoSided, studentTwoSidedQuantile } from './distributions.ts';

/** Relative error of a sum of squares less its mean part. */
const roundingError = 1e-12;

/** `mean`: any score, its variance measured. `count`: a score of 0 or 1, compared by the likelihood ratio. */
export type StatisticKind = 'mean' | 'count';

/** Rows and mean score per slot of the baseline, and the variance of one row's score within slots. */
export interface SlotRates {
  readonly kind: StatisticKind;
  /** N_h. */
  readonly rows: readonly number[];
  /** M_h; 0 where the slot has no row. */
  readonly means: readonly number[];
  readonly s2: number;
  /** Sum of N_h. */
  readonly totalRows: number;
  /** Mean score over the whole baseline. */
  readonly mean: number;
}

/** A statistic of a baseline, ready to compare windows with. Plain data of finite numbers. */
export interface StatisticModel {
  readonly rates: SlotRates;
  readonly dispersion: Dispersion;
}

/** Sums of the baseline's units, in order; hours without rows have n = 0. */
export interface StatisticBaseline {
  readonly kind: StatisticKind;
  readonly unitMs: number;
  readonly n: ArrayLike<number>;
  readonly x: ArrayLike<number>;
  /** Sums of squares; needed for `mean`. */
  readonly ss?: ArrayLike<number>;
  /** Slot of the i-th unit, in [0, slots). */
  readonly slotOfUnit: (index: number) => number;
  readonly slots: number;
  /** Sums for the residuals where they differ from those for the rates (a rate that is spread evenly over the units). */
  readonly residualX?: ArrayLike<number>;
  /** Only for a mean of squares (`spread`): the location statistic that every block is cleared of. */
  readonly location?: { readonly x: ArrayLike<number>; readonly rates: SlotRates };
}

/** What is compared: sums of one window. */
export interface StatisticWindow {
  readonly n: number;
  readonly x: number;
  /** Rows per slot; their sum is n. */
  readonly slotRows: ArrayLike<number>;
}

export interface Comparison {
  /** d / sqrt(s2) for `mean`, the difference of shares for `count`. */
  readonly effect: number;
  /** Already divided by sqrt(phi) (z' of the recipe). */
  readonly z: number;
  /** Two-sided. */
  readonly p: number;
  readonly phi: number;
  readonly nu: number;
  /** Mean score that the baseline leads one to expect of the window, and the one seen. */
  readonly expected: number;
  readonly observed: number;
}

/** Rates from totals per slot (`x` and `ss` are sums over the slot's rows). Also the way of label delays. */
export function slotRates(kind: StatisticKind, rows: ArrayLike<number>, x: ArrayLike<number>, ss?: ArrayLike<number>): SlotRates {
  const means: number[] = [];
  let totalRows = 0;
  let totalX = 0;
  let variation = 0;
  let squares = 0;
  for (let slot = 0; slot < rows.length; slot += 1) {
    const n = rows[slot]!;
    const mean = n > 0 ? x[slot]! / n : 0;
    means.push(mean);
    totalRows += n;
    totalX += x[slot]!;
    squares += ss?.[slot] ?? 0;
    variation += kind === 'count' ? n * mean * (1 - mean) : (ss?.[slot] ?? 0) - n * mean * mean;
  }
  const free = kind === 'count' ? totalRows : totalRows - rows.length;
  // What is left of equal numbers after rounding is no variance (the squared scores of a feature that is 0 and 1 half and half).
  const isVarying = variation > roundingError * squares && free > 0;
  const s2 = isVarying ? variation / free : 0;
  return { kind, rows: Array.from(rows), means, s2, totalRows, mean: totalRows > 0 ? totalX / totalRows : 0 };
}

/**
 * Fits one statistic from the units of a baseline.
 *
 * @returns null where the baseline has fewer than 4.5 units.
 */
export function fitStatistic(baseline: StatisticBaseline): StatisticModel | null {
  const { n, slots } = baseline;
  const rows = new Float64Array(slots);
  const x = new Float64Array(slots);
  const ss = new Float64Array(slots);
  for (let unit = 0; unit < n.length; unit += 1) {
    const slot = baseline.slotOfUnit(unit);
    rows[slot]! += n[unit]!;
    x[slot]! += baseline.x[unit]!;
    ss[slot]! += baseline.ss?.[unit] ?? 0;
  }
  return fitWithRates(baseline, slotRates(baseline.kind, rows, x, ss));
}

/**
 * As `fitStatistic`, with the variation around rates that are known already. Performance: the expectation has delays of the label for
 * slots, the variation has one slot of prediction time.
 */
export function fitWithRates(baseline: StatisticBaseline, rates: SlotRates): StatisticModel | null {
  const { n, location } = baseline;
  const observed = baseline.residualX ?? baseline.x;
  const residuals = new Float64Array(n.length);
  const locationExpected = new Float64Array(location === undefined ? 0 : n.length);
  const locationResiduals = new Float64Array(location === undefined ? 0 : n.length);
  for (let unit = 0; unit < n.length; unit += 1) {
    const slot = baseline.slotOfUnit(unit);
    residuals[unit] = observed[unit]! - n[unit]! * rates.means[slot]!;
    if (location === undefined) continue;
    locationExpected[unit] = n[unit]! * location.rates.means[slot]!;
    locationResiduals[unit] = location.x[unit]! - locationExpected[unit]!;
  }
  const dispersion = fitDispersion(
    {
      rows: Float64Array.from(n),
      residuals,
      ...(location === undefined ? {} : { location: { expected: locationExpected, residuals: locationResiduals } }),
    },
    { unitMs: baseline.unitMs, slots: baseline.slots, s2: rates.s2, naturalExcess: naturalExcessOf(rates, location !== undefined) },
  );
  return dispersion === null ? null : { rates, dispersion };
}

/** Excess kurtosis of a sum of independent rows: of a binomial, of a chi-square, of normal scores. */
function naturalExcessOf(rates: SlotRates, isSquare: boolean): (rows: number) => number {
  if (isSquare) return (rows) => 12 / rows;
  if (rates.kind === 'mean') return () => 0;
  const variance = rates.mean * (1 - rates.mean);
  return (rows) => (1 - 6 * variance) / (rows * variance);
}

/** The sum that the baseline leads one to expect of a window with these rows per slot. */
function expectedSum(rates: SlotRates, slotRows: ArrayLike<number>): number {
  let sum = 0;
  for (let slot = 0; slot < slotRows.length; slot += 1) sum += slotRows[slot]! * rates.means[slot]!;
  return sum;
}

/** A of the recipe: the variance of the expected mean per unit of s2. Infinite where a slot of the window has no baseline rows. */
function ownVariance(rates: SlotRates, window: StatisticWindow): number {
  let sum = 0;
  for (let slot = 0; slot < window.slotRows.length; slot += 1) {
    const rows = window.slotRows[slot]!;
    if (rows > 0) sum += (rows / window.n) ** 2 / rates.rows[slot]!;
  }
  return sum;
}

/** Whether a statistic can say anything: a mean without variance in the baseline is not computed (a constant has other statistics). */
export function isComputed(model: StatisticModel): boolean {
  return model.rates.kind === 'count' || model.rates.s2 > 0;
}

/**
 * Compares a window with the baseline. A window without rows, or with rows where the baseline has none, says nothing: p = 1.
 *
 * @param maxNu limit of the degrees of freedom: those of the statistics that this one borrows its phi from.
 */
export function compareStatistic(
  model: StatisticModel,
  window: StatisticWindow,
  windowMs: number,
  maxNu: number = Number.POSITIVE_INFINITY,
): Comparison {
  const { rates, dispersion } = model;
  const { n } = window;
  const nu = Math.min(maxNu, nuOfWindow(dispersion, windowMs));
  const own = n > 0 ? ownVariance(rates, window) : Number.POSITIVE_INFINITY;
  if (!isComputed(model) || !Number.isFinite(own)) {
    return { effect: 0, z: 0, p: 1, phi: 1, nu, expected: rates.mean, observed: n > 0 ? window.x / n : 0 };
  }
  const phi = phiOfWindow(dispersion, windowMs, 1 / n, own);
  const expected = expectedSum(rates, window.slotRows) / n;
  const observed = window.x / n;
  const difference = observed - expected;
  const independentZ =
    rates.kind === 'mean' ? difference / Math.sqrt(rates.s2 * (1 / n + own)) : likelihoodRatioZ(observed, n, expected, 1 / own);
  const z = independentZ / Math.sqrt(phi);
  const effect = rates.kind === 'mean' ? difference / Math.sqrt(rates.s2) : difference;
  return { effect, z, p: studentTwoSided(z, nu), phi, nu, expected, observed };
}

/** Sum of squared scores of a window less what its shift of location alone put there. */
export function clearedOfLocation(spread: StatisticWindow, locationX: number, locationRates: SlotRates): StatisticWindow {
  if (spread.n <= 0) return spread;
  const expected = expectedSum(locationRates, spread.slotRows);
  return { ...spread, x: spread.x - spreadOfShift(spread.n, expected, locationX - expected) };
}

/**
 * Signed root of the likelihood ratio of `observed` (share of n rows) against `expected` (share of N rows; neither count need be
 * whole). Right for rare counts, where a normal z is not.
 */
function likelihoodRatioZ(observed: number, n: number, expected: number, baselineRows: number): number {
  const share = clipShare(observed);
  const other = clipShare(expected);
  const pooled = (n * share + baselineRows * other) / (n + baselineRows);
  const ratio = 2 * (n * divergence(share, pooled) + baselineRows * divergence(other, pooled));
  return Math.sign(share - other) * Math.sqrt(Math.max(0, ratio));
}

/** Kullback-Leibler divergence of two Bernoulli shares, with 0 ln 0 = 0. */
function divergence(share: number, from: number): number {
  return (share > 0 ? share * Math.log(share / from) : 0) + (share < 1 ? (1 - share) * Math.log((1 - share) / (1 - from)) : 0);
}

function clipShare(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/**
 * The effect, in the direction of `sign`, at which a window of this size would just have reached the two-sided `p`. For a count it is
 * at most what the share leaves room for.
 */
export function effectAt(model: StatisticModel, window: StatisticWindow, comparison: Comparison, p: number, sign: number): number {
  return neededEffect(model, window, comparison, p, sign).effect;
}

/**
 * Size of the effect that a window like this one would just have shown at the two-sided `p`: in the direction of its own effect, in the
 * other one where the share leaves no room, 1 where no share would have done.
 */
export function detectableEffect(model: StatisticModel, window: StatisticWindow, comparison: Comparison, p: number): number {
  const sign = comparison.effect < 0 ? -1 : 1;
  const along = neededEffect(model, window, comparison, p, sign);
  if (along.isReachable) return Math.abs(along.effect);
  const against = neededEffect(model, window, comparison, p, -sign);
  return against.isReachable ? Math.abs(against.effect) : 1;
}

function neededEffect(
  model: StatisticModel,
  window: StatisticWindow,
  comparison: Comparison,
  p: number,
  sign: number,
): { readonly effect: number; readonly isReachable: boolean } {
  const own = window.n > 0 ? ownVariance(model.rates, window) : Number.POSITIVE_INFINITY;
  if (!isComputed(model) || !Number.isFinite(own)) return { effect: sign, isReachable: false };
  const z = studentTwoSidedQuantile(Math.min(1, p), comparison.nu) * Math.sqrt(comparison.phi);
  if (model.rates.kind === 'mean') return { effect: sign * z * Math.sqrt(1 / window.n + own), isReachable: true };
  const expected = clipShare(comparison.expected);
  const sizeOf = (share: number): number => Math.abs(likelihoodRatioZ(share, window.n, expected, 1 / own));
  let near = expected;
  let far = sign > 0 ? 1 : 0;
  if (sizeOf(far) < z) return { effect: far - expected, isReachable: false };
  // The ratio grows with the distance from the expected share; 30 halvings leave an error that no reader sees.
  for (let step = 0; step < 30; step += 1) {
    const middle = (near + far) / 2;
    if (sizeOf(middle) < z) near = middle;
    else far = middle;
  }
  return { effect: far - expected, isReachable: true };
}
