/**
 * Scores of a series, frozen from its baseline, and the sums that they make of a span's summary (recipe, section 2). Sums add up over
 * panes, partitions and workers: that is what makes drift incremental.
 */
import { RankCurve } from '../../sketch/quantile.ts';
import type { CategorySummary, NumericSummary, SeriesSummary } from '../../sketch/types.ts';
import { normalQuantile } from './distributions.ts';
import type { SeriesScores, SeriesSums } from './types.ts';

type NumericScores = Extract<SeriesScores, { kind: 'numeric' }>;
type CategoricalScores = Extract<SeriesScores, { kind: 'categorical' }>;
/** Scores that turn a summary into sums: all but those of a plain rate. */
export type SummaryScores = NumericScores | CategoricalScores;

const cutShares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
/** A category is named if it has this share of the baseline, and at most this many are. */
const namedShare = 0.005;
const maximumNamed = 50;

/** Statistic names that stand for more than one category. */
export const otherCategories = '(other)';
export const newCategories = '(new)';

export interface ScoreOptions {
  /** Kind of the series; left out: what the majority of its baseline values are. */
  readonly kind?: SummaryScores['kind'];
  /** Whether the baseline can say how often a category is new (it takes two days). Without, `(new)` is left out. */
  readonly canExpectNew?: boolean;
}

/**
 * Freezes the scores of a series.
 *
 * @returns null where the baseline has no value of the kind: there is nothing to compare with.
 */
export function fitScores(baseline: SeriesSummary, options: ScoreOptions = {}): SummaryScores | null {
  const { numeric, categories } = baseline;
  const kind = options.kind ?? ((numeric?.count ?? 0) >= (categories?.count ?? 0) ? 'numeric' : 'categorical');
  if (kind === 'numeric') return numeric === null || numeric.count === 0 ? null : fitNumeric(numeric);
  return categories === null || categories.count === 0 ? null : fitCategorical(categories, options.canExpectNew ?? true);
}

function fitNumeric(numeric: NumericSummary): NumericScores {
  const { count, min, max } = numeric;
  const curve = new RankCurve(numeric);
  // The value of rank 1 + floor(q (N - 1)), as the mid-rank that it has in the digest.
  const ranked = cutShares.map((share) => curve.quantile((Math.floor(share * (count - 1)) + 0.5) / count));
  const cuts = [...new Set(ranked)].filter((cut) => cut < max).sort((left, right) => left - right);
  const zero = min < 0 && max > 0;
  return {
    kind: 'numeric',
    means: Array.from(numeric.centroids.means),
    weights: Array.from(numeric.centroids.weights),
    count,
    min,
    max,
    cuts,
    zero,
    statistics: numericStatistics(cuts, zero),
  };
}

/** Names of the statistics of a numeric series, in the order in which ties are decided. */
export function numericStatistics(cuts: readonly number[], zero: boolean): string[] {
  return ['loc', 'spread', ...cuts.map((cut) => `cut:${cut}`), ...(zero ? ['zero'] : []), 'above', 'below', 'miss'];
}

function fitCategorical(summary: CategorySummary, canExpectNew: boolean): CategoricalScores {
  const named = summary.entries.filter((entry) => entry.count >= namedShare * summary.count).slice(0, maximumNamed);
  const namedCount = named.reduce((sum, entry) => sum + entry.count, 0);
  const hasNew = canExpectNew && !summary.truncated;
  const categories = named.map((entry) => entry.value);
  return {
    kind: 'categorical',
    categories,
    // Without the whole list, "never seen" cannot be told from "evicted".
    known: hasNew ? summary.entries.map((entry) => entry.value) : [],
    statistics: [
      ...categories.map((category) => `category:${category}`),
      ...(namedCount < summary.count ? [otherCategories] : []),
      ...(hasNew ? [newCategories] : []),
      'miss',
    ],
  };
}

/** u(x) and its normal score: u clipped to [.5/N, 1 - .5/N]. Never the raw value: one heavy tail would ruin the mean. */
export function normalScore(share: number, baselineCount: number): number {
  const least = 0.5 / baselineCount;
  return normalQuantile(Math.min(1 - least, Math.max(least, share)));
}

/**
 * Sums of a span with `rows` rows of the model. `miss` counts every row without a usable value of the deciding kind: missing,
 * non-finite, unsupported or of the other kind.
 */
export function scoreSeries(scores: SummaryScores, summary: SeriesSummary | null, rows: number): SeriesSums {
  return scores.kind === 'numeric'
    ? scoreNumeric(scores, summary?.numeric ?? null, rows)
    : scoreCategorical(scores, summary?.categories ?? null, rows);
}

function scoreNumeric(scores: NumericScores, span: NumericSummary | null, rows: number): SeriesSums {
  const width = scores.statistics.length;
  const x = new Array<number>(width).fill(0);
  const ss = new Array<number>(width).fill(0);
  const n = span?.count ?? 0;
  x[width - 1] = Math.max(0, rows - n);
  if (span === null || n === 0) return { rows, n: 0, x, ss };

  // About 60 centroids and 9 cuts, each a binary search: the bench `detect` shows the cost.
  const baseline = new RankCurve({
    min: scores.min,
    max: scores.max,
    centroids: { means: new Float64Array(scores.means), weights: new Float64Array(scores.weights) },
  });
  const { means, weights } = span.centroids;
  let first = 0;
  let second = 0;
  let fourth = 0;
  for (let index = 0; index < means.length; index += 1) {
    const score = normalScore(baseline.midRank(means[index]!), scores.count);
    const square = score * score;
    first += weights[index]! * score;
    second += weights[index]! * square;
    fourth += weights[index]! * square * square;
  }
  x[0] = first;
  ss[0] = second;
  x[1] = second;
  ss[1] = fourth;
  // The curve of the span knows minimum and maximum exactly, so that a cut beyond them counts all or nothing.
  const curve = new RankCurve(span);
  let place = 2;
  for (const cut of scores.cuts) x[place++] = n * curve.cdf(cut);
  if (scores.zero) x[place++] = span.zeros;
  x[place++] = n * (1 - curve.cdf(scores.max));
  x[place] = n * curve.cdfBelow(scores.min);
  return { rows, n, x, ss };
}

function scoreCategorical(scores: CategoricalScores, span: CategorySummary | null, rows: number): SeriesSums {
  const width = scores.statistics.length;
  const x = new Array<number>(width).fill(0);
  const ss = new Array<number>(width).fill(0);
  const n = span?.count ?? 0;
  x[width - 1] = Math.max(0, rows - n);
  if (span === null || n === 0) return { rows, n: 0, x, ss };

  const places = new Map(scores.categories.map((category, place) => [category, place]));
  const hasNew = scores.statistics.includes(newCategories);
  const known = hasNew ? new Set(scores.known) : null;
  let named = 0;
  let knownCount = 0;
  for (const { value, count, error } of span.entries) {
    // A count that may include evicted categories is taken at what is certain.
    const certain = count - error;
    const place = places.get(value);
    if (place !== undefined) {
      x[place] = certain;
      named += certain;
    }
    if (known?.has(value)) knownCount += certain;
  }
  let place = scores.categories.length;
  if (scores.statistics[place] === otherCategories) x[place++] = (known === null ? n : knownCount) - named;
  if (hasNew) x[place] = n - knownCount;
  return { rows, n, x, ss };
}

/** Sums of an empty span. */
export function emptySums(scores: SeriesScores): SeriesSums {
  const zeros = new Array<number>(scores.statistics.length).fill(0);
  return { rows: 0, n: 0, x: zeros, ss: zeros };
}

/** Sums of two spans of the same scores together. */
export function addSums(left: SeriesSums, right: SeriesSums): SeriesSums {
  return {
    rows: left.rows + right.rows,
    n: left.n + right.n,
    x: left.x.map((value, index) => value + right.x[index]!),
    ss: left.ss.map((value, index) => value + right.ss[index]!),
  };
}
