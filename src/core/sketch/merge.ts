/** Union of series summaries: what windows, nodes and baselines are made of. */
import { mergeCategories } from './categories.ts';
import { createDigest } from './digest.ts';
import { mergeMoments } from './moments.ts';
import type { CategorySummary, DigestSettings, NumericSummary, SeriesSummary } from './types.ts';

/** The summary of a series without a value. */
export const emptySeries: SeriesSummary = { numeric: null, categories: null, nonFinite: 0, unsupported: 0 };

/**
 * Merges the summaries of one series, in the given order: the same parts in the same order give the same bits. What only one part
 * has is taken as it is, so that a digest is compressed again only where there is something to merge it with.
 */
export function mergeSeries(parts: readonly SeriesSummary[], digest: DigestSettings, categoryCap: number): SeriesSummary {
  const numeric: NumericSummary[] = [];
  const categories: CategorySummary[] = [];
  let nonFinite = 0;
  let unsupported = 0;
  for (const part of parts) {
    if (part.numeric !== null) numeric.push(part.numeric);
    if (part.categories !== null) categories.push(part.categories);
    nonFinite += part.nonFinite;
    unsupported += part.unsupported;
  }
  return {
    numeric: numeric.length > 1 ? mergeNumeric(numeric, digest) : (numeric[0] ?? null),
    categories: categories.length > 1 ? mergeCategories(categories, categoryCap) : (categories[0] ?? null),
    nonFinite,
    unsupported,
  };
}

function mergeNumeric(parts: readonly NumericSummary[], settings: DigestSettings): NumericSummary {
  const digest = createDigest(settings);
  let moments = { count: 0, mean: 0, m2: 0 };
  let zeros = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const part of parts) {
    digest.merge(part.centroids);
    moments = mergeMoments(moments, part);
    zeros += part.zeros;
    min = Math.min(min, part.min);
    max = Math.max(max, part.max);
  }
  return { ...moments, zeros, min, max, centroids: digest.centroids() };
}
