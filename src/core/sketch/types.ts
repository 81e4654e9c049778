/**
 * The shapes of everything that is remembered about a series: what a live cell builds, what a partial carries, what a window
 * and a baseline are merged from. Plain data; the engines that build them are `mergingDigest.ts` and `tdigestEngine.ts`.
 */

/**
 * A t-digest at rest: centroids sorted by mean, weights whole numbers. Both arrays have the same length. A centroid of weight 1 is an
 * exact value; neighbours of equal mean are one exact value as often as their weights say (an atom); any other centroid stands for
 * values around its mean.
 */
export interface Centroids {
  readonly means: Float64Array;
  readonly weights: Float64Array;
}

/** The small interface behind which both engines stand. Values must be finite: the caller counts the others. */
export interface Digest {
  /** Values pushed or merged so far. */
  readonly count: number;
  push(value: number): void;
  merge(centroids: Centroids): void;
  /** The state as sorted centroids. Does not disturb the live digest: later pushes act as if it had not been called. */
  centroids(): Centroids;
  /** Memory held, in bytes: an estimate, for budgets and benches. */
  bytes(): number;
}

/** Which engine builds digests, and how finely. */
export interface DigestSettings {
  readonly engine: 'merging' | 'tdigest';
  /** Compression delta: about this many centroids at the most. */
  readonly delta: number;
}

/** The numeric values of one series in one span. `m2` is the sum of squared deviations from the mean (Welford, Chan). */
export interface NumericSummary {
  readonly count: number;
  readonly zeros: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly m2: number;
  readonly centroids: Centroids;
}

/** One category: `count` overestimates the true count by at most `error` (0 while nothing was evicted). */
export interface CategoryCount {
  readonly value: string;
  readonly count: number;
  readonly error: number;
}

/** The categorical values of one series in one span, by falling count, ties by value. */
export interface CategorySummary {
  readonly count: number;
  readonly entries: readonly CategoryCount[];
  /** True once a category was ever evicted anywhere on the way here: the list is then not the whole truth, and says so. */
  readonly truncated: boolean;
}

/**
 * One series of one cell. Missing values are not counted here: they are the cell's rows less everything below. A series that is
 * numeric in one record and text in the next has both parts.
 */
export interface SeriesSummary {
  readonly numeric: NumericSummary | null;
  readonly categories: CategorySummary | null;
  /** NaN, Infinity, "NaN", "Infinity". */
  readonly nonFinite: number;
  /** Arrays and objects. */
  readonly unsupported: number;
}

/** A 64-bit hash as two unsigned 32-bit halves, compared high first. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** One prediction kept for the join with its late label. */
export interface PredictionSampleEntry {
  readonly hash: Hash64;
  readonly timeMs: number;
  readonly prediction: number | string | null;
  /** Probability of the positive class, null where there is none (also for scores by class). */
  readonly score: number | null;
  /** Values of the watched segments, in the order of the settings; null where the record has none. */
  readonly segments: readonly (string | null)[];
  /** Label that came with the prediction. */
  readonly label: number | string | null;
}

/** One late label kept for the join. */
export interface FeedbackSampleEntry {
  readonly hash: Hash64;
  /** Time of the label by its producer: of several labels of one id the last by (timeMs, partition, offset) wins. */
  readonly timeMs: number;
  /** Arrival: the running maximum of the Kafka timestamp of its partition. */
  readonly arrivalMs: number;
  readonly label: number | string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Bottom-k sample: the entries with the smallest hashes, ascending by hash. `threshold` is null while nothing was cut; else every
 * id with a hash below it is in, so that an entry weighs 1 / (threshold as a share of the hash space).
 */
export interface Sample<Entry extends { readonly hash: Hash64 }> {
  readonly entries: readonly Entry[];
  readonly threshold: Hash64 | null;
  /** Records whose id was in the sample already (the first prediction wins; the last label wins). */
  readonly duplicates: number;
}
