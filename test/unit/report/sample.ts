/** A backtest with one drift, one quality and one performance incident, as the flights of the demo give them. */
import { hourMs } from '../../../src/core/duration.ts';
import type { EvaluationRecord, EventRecord, EventSeries } from '../../../src/core/incident/event.ts';
import type { ReportInput } from '../../../src/report/report.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2001, 0, 29);
const openedMs = Date.UTC(2001, 1, 7, 6);

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

const settings = coreSettings({
  window: { hopMs: hourMs / 2, scalesMs: [6 * hourMs, 24 * hourMs] },
  defaults: modelSettings({ task: 'binary', segments: ['hub'] }),
});

const distance: EventSeries = {
  name: 'distance',
  since: iso(openedMs - hourMs),
  joined: true,
  statistic: 'loc',
  effects: { effect: 0.613, ks: 0.24, psi: 0.41, wasserstein: 0.7, js: 0.08 },
  p: 2.4e-9,
  n: 412,
  baselineN: 29_310,
  phi: 1.4,
  current: { observed: 0.62, mean: 1175, p05: 231, p50: 918, p95: 3166 },
  baseline: { expected: 0.007, mean: 727, p05: 143, p50: 571, p95: 1968 },
};

const seriesOf = (name: string, over: Partial<EventSeries>): EventSeries => ({ ...distance, name, ...over });

function event(over: Partial<EventRecord>): EventRecord {
  return {
    id: 'e'.repeat(32),
    incident: 'a'.repeat(32),
    chain: 'a'.repeat(32),
    ordinal: 0,
    step: 'opened',
    kind: 'drift',
    severity: 'info',
    model: 'delays',
    versions: ['2001-01'],
    segment: null,
    scale: '6h',
    windowStart: iso(openedMs - 6 * hourMs),
    windowEnd: iso(openedMs),
    start: iso(openedMs),
    exact: true,
    inexactReasons: [],
    summary: 'distance moved by +0.61 sd within 6 h (median 571 to 918), since 05:00Z',
    series: [distance, seriesOf('score', { joined: false, p: 0.004, statistic: 'cut:0.31', effects: { effect: -0.021 } })],
    source: [
      { topic: 'predictions', partition: 0, from: 38_112, to: 38_524 },
      { topic: 'predictions', partition: 1, from: 12, to: 512 },
    ],
    owner: 'ops',
    ...over,
  };
}

const quality = { incident: 'b'.repeat(32), chain: 'b'.repeat(32), kind: 'quality', severity: 'error' } as const;
const performance = { incident: 'c'.repeat(32), chain: 'c'.repeat(32), kind: 'performance', severity: 'error', scale: '1d' } as const;

export const sampleEvents: readonly EventRecord[] = [
  event({}),
  event({
    ordinal: 1,
    step: 'escalated',
    windowEnd: iso(openedMs + 5 * hourMs),
    series: [distance, seriesOf('prediction', { statistic: 'category:late', p: 3e-6, effects: { effect: -0.043, totalVariation: 0.043 } })],
  }),
  event({ ordinal: 2, step: 'recovered', windowEnd: iso(openedMs + 60 * hourMs), summary: 'no series deviates any more' }),
  event({
    ...quality,
    start: iso(openedMs + 20 * hourMs),
    windowEnd: iso(openedMs + 20 * hourMs),
    summary: '<origin> is missing in 12 % of the rows (expected 0 %)',
    series: [
      seriesOf('<origin>', {
        statistic: 'miss',
        p: 0,
        effects: { effect: 0.121 },
        current: { observed: 0.121 },
        baseline: { expected: 0 },
      }),
    ],
  }),
  event({
    ...performance,
    start: iso(openedMs + 50 * hourMs),
    windowEnd: iso(openedMs + 50 * hourMs),
    segment: { hub: 'ORD' },
    summary: 'accuracy 61.2 % where 70.4 % was expected, from 812 labels',
    exact: false,
    inexactReasons: ['idle'],
    series: [seriesOf('accuracy', { statistic: 'accuracy', p: 8e-6, effects: { effect: -0.092 }, phi: 7.1 })],
  }),
];

/** Twelve days of hourly evaluations. */
export function* sampleEvaluations(): Iterable<EvaluationRecord> {
  for (let hour = 0; hour < 288; hour += 1) {
    const endMs = startMs + hour * hourMs;
    const wave = Math.abs(Math.sin(hour * 7.3));
    const base = {
      model: 'delays',
      version: null,
      segment: null,
      kind: 'drift',
      scale: '6h',
      windowStart: iso(endMs - 6 * hourMs),
      windowEnd: iso(endMs),
      n: 400,
      baselineN: 29_310,
      detectable: 0.21,
      statistic: 'loc',
    } as const;
    const isAfter = endMs >= openedMs - hourMs && endMs < openedMs + 55 * hourMs;
    for (const series of ['distance', 'hour', 'score', 'origin']) {
      const isDrift = series === 'distance' && isAfter;
      if (hour < 48) yield { ...base, series, effects: {}, p: null, detectable: null, statistic: null, verdict: 'learning' };
      else if (hour % 24 < 4)
        yield { ...base, series, effects: {}, p: null, detectable: null, statistic: null, n: 12, verdict: 'insufficient' };
      else
        yield {
          ...base,
          series,
          effects: { effect: isDrift ? 0.6 : 0.04 * wave },
          p: isDrift ? 1e-9 * (1 + wave) : 0.02 + 0.9 * wave,
          verdict: isDrift ? 'drift' : 'ok',
        };
    }
    const accuracy = endMs >= openedMs + 40 * hourMs ? 0.61 + 0.01 * wave : 0.7 + 0.02 * wave;
    yield {
      ...base,
      series: 'accuracy',
      version: '2001-01',
      segment: { hub: 'ORD' },
      kind: 'performance',
      scale: '1d',
      effects: { effect: accuracy - 0.704, observed: accuracy, expected: 0.704 },
      p: accuracy < 0.65 ? 1e-5 : 1,
      verdict: accuracy < 0.65 ? 'drift' : 'ok',
      statistic: 'accuracy',
      coverage: 0.97,
      interval: [accuracy - 0.03, accuracy + 0.03],
    };
  }
}

export function sampleReport(over: Partial<ReportInput> = {}): ReportInput {
  return {
    summary: {
      records: { predictions: { '0': 48_211, '1': 47_980 }, feedback: { '0': 95_120 } },
      late: 14,
      invalid: { 'not-json': 3, 'no-id': 41 },
      deadLettered: 44,
      recordsPerSecond: 41_250,
      evaluations: 1_440,
      events: sampleEvents.length,
      incidents: { drift: 1, quality: 1, performance: 1 },
      eventsSha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    },
    events: sampleEvents,
    evaluations: sampleEvaluations(),
    settings,
    command: 'tidemark backtest --config tidemark.yaml --predictions predictions.ndjson.gz --feedback feedback.ndjson.gz --out backtest',
    ...over,
  };
}
