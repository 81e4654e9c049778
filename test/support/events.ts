import { createHash } from 'node:crypto';
import type { EventRecord, EventSeries, IncidentStep } from '../../src/core/incident/event.ts';

/** 32 hex digits for a name: ids of incidents and events in tests. */
export function hex(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}

export function series(name: string, over: Partial<EventSeries> = {}): EventSeries {
  return {
    name,
    since: '2026-03-01T09:40:00.000Z',
    joined: true,
    statistic: 'loc',
    effects: { effect: 0.31, psi: 0.28 },
    p: 1e-9,
    n: 48_210,
    baselineN: 512_000,
    phi: 1.4,
    current: { observed: 0.31, mean: 84.2, p50: 61 },
    baseline: { expected: 0, mean: 61.5, p50: 44 },
    ...over,
  };
}

/** One step of an incident; `name` names the incident. */
export function event(name: string, ordinal: number, step: IncidentStep, over: Partial<EventRecord> = {}): EventRecord {
  return {
    id: hex(`${name}/${ordinal}`),
    incident: hex(name),
    chain: hex(name),
    ordinal,
    step,
    kind: 'drift',
    severity: 'warning',
    model: 'fraud',
    versions: ['2026-02'],
    segment: null,
    scale: '1h',
    windowStart: '2026-03-01T09:00:00.000Z',
    windowEnd: '2026-03-01T10:00:00.000Z',
    start: '2026-03-01T10:00:00.000Z',
    exact: true,
    inexactReasons: [],
    summary: 'amount: median 44 -> 61 (+0.31 sigma), n = 48,210, since 2026-03-01 09:40Z',
    series: [series('amount')],
    source: [
      { topic: 'predictions', partition: 0, from: 1_000, to: 25_105 },
      { topic: 'predictions', partition: 1, from: 980, to: 25_085 },
    ],
    owner: 'ml-risk',
    ...over,
  };
}
