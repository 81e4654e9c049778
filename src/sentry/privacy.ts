/** What of an event may leave for Sentry. Sensitive features keep their name and how far they moved; their values stay. */
import type { Config } from '../config/config.ts';
import type { Description, EventRecord } from '../core/incident/event.ts';
import { settingsOf } from '../core/settings.ts';

/** Names of the features and segments of an event whose values must not leave. */
export type Sensitive = ReadonlySet<string>;

/**
 * What must not be shown of an event: the model's sensitive names (`models.NAME.sensitive`), and its series with more
 * categories than `privacy.maxCategories`.
 */
export function sensitiveOf(event: EventRecord, { core, privacy }: Pick<Config, 'core' | 'privacy'>): Sensitive {
  const many = event.series.filter(({ categories }) => categories !== undefined && categories > privacy.maxCategories);
  return new Set([...settingsOf(core, event.model).sensitive, ...many.map(({ name }) => name)]);
}

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
