/**
 * The decision rule of one series (docs/design/recipe.md, sections 2 to 5) as data: scores frozen from a baseline, sums of a span,
 * and what a comparison says. Everything is plain data of finite numbers, so that a fact in `history` is its JSON.
 */
import type { SlotMap } from './slots.ts';
import type { StatisticModel } from './statistic.ts';

/** Frozen scores of a series: what turns a summary into sums. */
export type SeriesScores =
  | {
      readonly kind: 'numeric';
      /** Baseline digest (means, weights), count, exact extremes. */
      readonly means: readonly number[];
      readonly weights: readonly number[];
      readonly count: number;
      readonly min: number;
      readonly max: number;
      /** Distinct baseline quantiles below the maximum, ascending. */
      readonly cuts: readonly number[];
      /** True where the count of zeros is a statistic (min < 0 < max is the recipe's condition). */
      readonly zero: boolean;
      /** True where the series had a missing value or may have: `miss` is always computed. */
      readonly statistics: readonly string[];
    }
  | {
      readonly kind: 'categorical';
      /** Named categories by falling count. */
      readonly categories: readonly string[];
      /** Every category of the baseline (for `(new)`); empty where the list was truncated. */
      readonly known: readonly string[];
      readonly statistics: readonly string[];
    }
  | {
      /** A plain rate that is no summary's (bad records of all records): one count, named `miss`, so that it is a matter of quality. */
      readonly kind: 'rate';
      readonly statistics: readonly ['miss'];
    };

/** Sums of one span (a node, a unit, a window): `x[i]`, `ss[i]` belong to `statistics[i]` of the scores. Additive over spans. */
export interface SeriesSums {
  /** Rows of the model in the span, missing values included. */
  readonly rows: number;
  /** Rows with a value of the deciding kind. */
  readonly n: number;
  readonly x: readonly number[];
  /** Sums of squares of the `loc` and `spread` scores; 0 for counts. */
  readonly ss: readonly number[];
}

/** A series' baseline as a fact. `models[i]` and `lenders[i]` belong to `scores.statistics[i]`. */
export interface SeriesBaseline {
  readonly scores: SeriesScores;
  readonly slots: SlotMap;
  /** Rows of the model, and rows with a value. */
  readonly rows: number;
  readonly n: number;
  readonly models: readonly StatisticModel[];
  /** Statistics whose degrees of freedom limit those of this one, because it borrows its phi from them. */
  readonly lenders: readonly (readonly number[])[];
}

/** Rows of one absolute unit (`floor(time / unitMs)`) inside a window. */
export interface UnitRows {
  readonly unit: number;
  readonly rows: number;
  readonly n: number;
}

export interface WindowSums {
  /** Rows per unit, ascending; their totals are those of `sums`. */
  readonly units: readonly UnitRows[];
  readonly sums: SeriesSums;
}

/** What one comparison of a window with a baseline says. */
export interface SeriesEvaluation {
  /** p of the series after the adjustment over its statistics, at most 1. */
  readonly p: number;
  /** Winning statistic (`loc`, `spread`, `cut:VALUE`, `zero`, `above`, `below`, `miss`, `category:NAME`, `(other)`, `(new)`, `chi2`). */
  readonly statistic: string;
  /** Its effect: d / sqrt(s2) for `loc` and `spread`, a difference of shares for counts, total variation for `chi2`. */
  readonly effect: number;
  readonly n: number;
  readonly baselineN: number;
  readonly expected: number;
  readonly observed: number;
  readonly phi: number;
  readonly z: number;
  /** Effect of the winning statistic that would just have reached the given alpha. */
  readonly detectable: number;
  /** True where the effect is below the user's minimum (p is then 1). */
  readonly belowMinimum: boolean;
}
