/**
 * What the picture of an incident shows (docs/decisions/0022-the-event-carries-its-picture.md): the most telling series, compactly, as a part of the event, because whoever draws
 * it sees only the event. Shares, effects and rates are rounded to what a picture can show; at most about 4 KB as JSON.
 */

/** The same values in the baseline and in the newest window. Shares are of the values that each side has. */
export type Distribution =
  | {
      readonly kind: 'numeric';
      /** Bins of equal width on this axis, from `from` to `to`: all but the outermost values of either side. */
      readonly axis: 'linear' | 'log';
      readonly from: number;
      readonly to: number;
      /** Share per bin, ascending; both lists have the same length. */
      readonly baseline: readonly number[];
      readonly current: readonly number[];
      readonly baselineMedian: number;
      readonly currentMedian: number;
    }
  | { readonly kind: 'categorical'; readonly rows: readonly CategoryShares[] };

/** Shares of one category; `new`: of all those that are not listed and not in the baseline; `other`: of the rest. */
export interface CategoryShares {
  readonly kind: 'category' | 'new' | 'other';
  /** Empty for `new` and `other`. */
  readonly name: string;
  readonly baseline: number;
  readonly current: number;
}

/** One span of time. What a span does not have is left out. */
export interface PicturePoint {
  /** ISO time: end of the span. */
  readonly end: string;
  /** Effect, rate or metric; null where there was nothing to measure. */
  readonly value: number | null;
  /** Rows, or labels, behind it. */
  readonly n: number;
  /** What the baseline leads one to expect. */
  readonly expected?: number;
  /** Ends of the 95 % interval. */
  readonly low?: number;
  readonly high?: number;
  /** Share of the predictions that have a label. */
  readonly coverage?: number;
}

/** The most telling series of an incident, on `opened` and `escalated`. */
export interface Picture {
  readonly series: string;
  /** Null for a feature, which is watched over all versions. */
  readonly version: string | null;
  /** Which linear statistic decided, as in `EventSeries`. */
  readonly statistic: string;
  /** What the points are: a signed effect size, the share of rows without a value (or of bad records), a performance metric. */
  readonly measure: 'effect' | 'rate' | 'performance';
  /** How long each point's span is, as `1h`. */
  readonly span: string;
  /** Ascending by time. */
  readonly points: readonly PicturePoint[];
  /** What a point of the deciding scale would have to pass to open an incident, in the unit of the points; null where nothing was tested. */
  readonly limit: number | null;
  /** Null where values are not what it is about. */
  readonly distribution: Distribution | null;
  /** Rows of the window and of the baseline. */
  readonly n: number;
  readonly baselineN: number;
}
