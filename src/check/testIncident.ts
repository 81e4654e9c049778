/** An incident about nothing, to see what becomes of one. */
import { hourMs, minuteMs } from '../core/duration.ts';
import type { EventRecord, EventSeries } from '../core/incident/event.ts';
import { eventIdOf } from '../core/incident/eventId.ts';
import type { Picture } from '../core/incident/picture.ts';

/** No model of anybody is called this. */
const testModel = 'tidemark-check';

/**
 * Two steps of one incident: `opened`, with a picture, and a reminder. Severity `info`, and no owner: alerts of `tidemark sentry setup` stay silent.
 * `incident`: 32 hex digits that no incident had before.
 */
export function testIncident(incident: string, nowMs: number): readonly [opened: EventRecord, reminded: EventRecord] {
  const endMs = Math.floor(nowMs / minuteMs) * minuteMs;
  const iso = (ms: number) => new Date(ms).toISOString();
  const series: EventSeries = {
    name: 'nothing',
    since: iso(endMs),
    joined: true,
    statistic: 'loc',
    effects: { effect: 0 },
    p: 1,
    n: 0,
    baselineN: 0,
    phi: 1,
    current: {},
    baseline: {},
  };
  const picture: Picture = {
    series: series.name,
    version: null,
    statistic: series.statistic,
    measure: 'effect',
    span: '1h',
    points: Array.from({ length: 12 }, (_, index) => ({ end: iso(endMs - (11 - index) * hourMs), value: 0, n: 0 })),
    limit: 1,
    distribution: null,
    n: 0,
    baselineN: 0,
  };
  const opened: EventRecord = {
    id: eventIdOf(incident, 0),
    incident,
    chain: incident,
    ordinal: 0,
    step: 'opened',
    kind: 'drift',
    severity: 'info',
    model: testModel,
    versions: [],
    segment: null,
    scale: '1h',
    windowStart: iso(endMs - hourMs),
    windowEnd: iso(endMs),
    start: iso(endMs),
    exact: true,
    inexactReasons: [],
    summary: 'A test by "tidemark check --sentry": nothing is wrong, and nobody has to do anything',
    series: [series],
    source: [],
    owner: null,
    picture,
  };
  const { picture: _, ...rest } = opened;
  return [opened, { ...rest, id: eventIdOf(incident, 1), ordinal: 1, step: 'reminded' }];
}
