/** Names of series that are no features (docs/design/protocol.md, Values). */
const reserved: ReadonlySet<string> = new Set(['prediction', 'score', 'label', 'accuracy', 'mae', 'auc', 'invalid']);

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
