/** From series to a model: the false-alarm budget shared over scales and families, and the adjustment within a family (recipe, section 6). */

/** 12 overlapping windows in a window's length are not 12 independent looks: measured, about this many. */
const looksPerWindow = 8;
/** A window with fewer rows is `insufficient`. */
const minimumRows = 50;
/** The baseline must be this many times as long as the window. */
const minimumBaselineWindows = 3;

export interface AlphaOptions {
  /** False incidents allowed per model and `perMs`. */
  readonly incidents: number;
  readonly perMs: number;
  /** Length of the scale. */
  readonly windowMs: number;
  /** Scales that take a share of the budget. */
  readonly usableScales: number;
  /** Families with series: 1 (data) or 2 (data and performance). */
  readonly families: number;
}

/** The level of one evaluation of a family at one scale. */
export function alphaOfScale(options: AlphaOptions): number {
  const looks = (options.perMs / options.windowMs) * looksPerWindow;
  return Math.min(1, options.incidents / options.families / options.usableScales / looks);
}

/** Which of the hypotheses are rejected with the false discovery rate held at `alpha` (Benjamini and Hochberg 1995). */
export function benjaminiHochberg(pValues: readonly number[], alpha: number): boolean[] {
  const ascending = [...pValues].sort((left, right) => left - right);
  let threshold = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < ascending.length; index += 1) {
    if (ascending[index]! <= (alpha * (index + 1)) / ascending.length) threshold = ascending[index]!;
  }
  return pValues.map((p) => p <= threshold);
}

/** Which of the hypotheses are rejected with the chance of any false one held at `alpha` (Holm 1979). */
export function holm(pValues: readonly number[], alpha: number): boolean[] {
  const ascending = [...pValues].sort((left, right) => left - right);
  let threshold = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < ascending.length; index += 1) {
    if (ascending[index]! > alpha / (ascending.length - index)) break;
    threshold = ascending[index]!;
  }
  return pValues.map((p) => p <= threshold);
}

/**
 * Whether a scale takes a share of the budget: the median window of that length in the baseline has at least 50 rows. A median over no
 * window at all (a baseline shorter than the scale) is not usable.
 *
 * @param unitRows rows of the model in each unit of the baseline, in order
 * @param windowUnits length of the scale in units; where it is no whole number, the rows of as many whole units stand for it in proportion
 */
export function isUsable(unitRows: readonly number[], windowUnits: number): boolean {
  const whole = Math.max(1, Math.floor(windowUnits));
  const sums: number[] = [];
  let sum = 0;
  for (let unit = 0; unit < unitRows.length; unit += 1) {
    sum += unitRows[unit]! - (unitRows[unit - whole] ?? 0);
    if (unit >= whole - 1) sums.push(sum);
  }
  sums.sort((left, right) => left - right);
  const median = sums[Math.floor((sums.length - 1) / 2)] ?? 0;
  return (median * windowUnits) / whole >= minimumRows;
}

/** Whether a comparison would mean too little: a baseline under three windows, or fewer than 50 rows in the window. */
export function isInsufficient(options: { readonly baselineMs: number; readonly windowMs: number; readonly rows: number }): boolean {
  return options.baselineMs < minimumBaselineWindows * options.windowMs || options.rows < minimumRows;
}
