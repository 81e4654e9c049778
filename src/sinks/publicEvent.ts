import type { EventRecord } from '../core/incident/event.ts';
import { harmlessPart, isPrivate, type Sensitive, withoutValue } from '../sentry/privacy.ts';
import { issueLine } from '../sentry/wording.ts';

/** What stands where a value is kept back. */
const withheld = '(withheld)';

/**
 * The event without the values of sensitive features and segments, for places outside of the log: names, effects and counts stay. The picture of a
 * sensitive series goes without its distribution.
 */
export function publicEvent(event: EventRecord, sensitive: Sensitive): EventRecord {
  const hides = (name: string) => isPrivate(name, sensitive);
  const isTouched = event.series.some(({ name }) => hides(name)) || Object.keys(event.segment ?? {}).some(hides);
  if (!isTouched) return event;
  const { picture, ...rest } = event;
  const segment = Object.entries(event.segment ?? {}).map(([name, value]) => [name, hides(name) ? withheld : value] as const);
  return {
    ...rest,
    summary: issueLine(event, sensitive),
    segment: event.segment === null ? null : Object.fromEntries(segment),
    series: event.series.map((series) =>
      hides(series.name)
        ? {
            ...series,
            statistic: withoutValue(series.statistic),
            current: harmlessPart(series.current),
            baseline: harmlessPart(series.baseline),
            ...(series.worst === undefined ? {} : { worst: { ...series.worst, statistic: withoutValue(series.worst.statistic) } }),
          }
        : series,
    ),
    ...(picture === undefined
      ? {}
      : { picture: hides(picture.series) ? { ...picture, statistic: withoutValue(picture.statistic), distribution: null } : picture }),
  };
}
