/** Name of the series that is the rate of bad records. */
export const invalidSeries = 'invalid';

/** Name of the series that is the rate of late records: where it rises, a producer's clock runs ahead of the others', or records take longer. */
export const lateSeries = 'late';

/** Series that are shares of all records, not summaries of values. */
export const rateSeries: ReadonlySet<string> = new Set([invalidSeries, lateSeries]);

/** Names of series that are no features (docs/design/protocol.md, Values). */
const reserved: ReadonlySet<string> = new Set(['prediction', 'score', 'label', 'accuracy', 'mae', 'auc', ...rateSeries]);

const prefix = 'feature.';

/**
 * Name of the series of a feature: its own, `feature.NAME` where that is reserved. Two features never share a name: one that is really called `feature.score` gets
 * the prefix too.
 */
export function seriesOfFeature(feature: string): string {
  let bare = feature;
  while (bare.startsWith(prefix)) bare = bare.slice(prefix.length);
  return reserved.has(bare) ? prefix + feature : feature;
}
