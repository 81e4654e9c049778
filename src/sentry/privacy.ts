/** What of an event may leave for Sentry. Sensitive features keep their name and how far they moved; their values stay. */
import type { Description } from '../core/incident/event.ts';

/** Names of the model's sensitive features and segments (`models.NAME.sensitive`). */
export type Sensitive = ReadonlySet<string>;

/** A feature with the name of a reserved series goes by `feature.NAME` (docs/design/protocol.md, Values). */
const featurePrefix = 'feature.';

/** Whether the values of a series or segment of this name must not leave. */
export function isPrivate(name: string, sensitive: Sensitive): boolean {
  return sensitive.has(name) || (name.startsWith(featurePrefix) && sensitive.has(name.slice(featurePrefix.length)));
}

/** A statistic without the value that it names: `category:US` is `category`, `cut:3.5` is `cut`. */
export function withoutValue(statistic: string): string {
  return statistic.split(':', 1)[0] ?? '';
}

/**
 * Sizes that say nothing of a single record or category. A list of what is allowed, so that a description that a later release adds stays until
 * it is listed here: minima, maxima, outer quantiles (the minimum of a small window) and categories are left out by not being named.
 */
const harmless =
  /^(observed|expected|low|high|n|rows|count|mean|sd|std|deviation|spread|iqr|p(10|25|50|75|90)|median|share|rate|missing|missingShare|nonFinite|zeros|zeroShare|distinct|accuracy|mae|auc|labels|coverage)$/;

/** The description without what must not leave. */
export function harmlessPart(description: Description): Description {
  return Object.fromEntries(Object.entries(description).filter(([name, value]) => typeof value === 'number' && harmless.test(name)));
}
