/** Incidents as the program makes them, sent through the real client: what the tests of the inbox page look at. */
import { crc32, deflateSync } from 'node:zlib';
import type { EventRecord } from '../../src/core/incident/event.ts';
import type { SentryClient } from '../../src/sentry/client.ts';
import { type IssueContext, issueOf } from '../../src/sentry/issue.ts';
import { event, series } from './events.ts';

const context: IssueContext = {
  group: 'tidemark',
  configFiles: [],
  links: { dashboard: 'https://grafana.example.com/d/{model}?from={from}&to={to}', runbook: 'https://wiki.example.com/runbooks/{kind}' },
  sensitive: new Set(['email_domain']),
  environment: 'production',
  release: 'tidemark@0.1.0',
};

const at = (hour: number) => `2026-03-01T${String(hour).padStart(2, '0')}:00:00.000Z`;
const window = (hour: number) => ({ windowStart: at(hour - 1), windowEnd: at(hour), start: at(9) });

const accuracy = (value: number, n: number) =>
  series('accuracy', {
    statistic: 'accuracy',
    effects: { effect: 0.889 - value },
    n,
    baselineN: 61_240,
    p: 3e-11,
    phi: 1.12,
    current: { observed: value, low: value - 0.008, high: value + 0.008, coverage: 0.64, labels: n },
    baseline: { expected: 0.889 },
  });

/** Four issues of nine events, the one with the accuracy drop last. */
export async function deliverSampleIncidents(client: SentryClient): Promise<void> {
  const tides = ['distance', 'departure_delay', 'carrier', 'origin', 'day_of_week', 'hour', 'aircraft_age'].map((name, index) =>
    series(name, {
      p: 1e-12 * 10 ** index,
      joined: index < 5,
      effects: { effect: 0.62 - index * 0.07, psi: 0.41 - index * 0.05, ks: 0.3 - index * 0.03 },
    }),
  );
  const events: Partial<EventRecord>[][] = [
    [
      {
        ...window(6),
        severity: 'info',
        model: 'flight-delays',
        owner: 'ops-analytics',
        summary: 'distance: median 44 -> 61 (+0.62 sigma), n = 31,870, since 2026-03-01 05:05Z; and 4 more series',
        series: tides,
      },
    ],
    [
      {
        ...window(7),
        kind: 'quality',
        severity: 'error',
        segment: { country: 'DE' },
        summary: 'amount: missing 38.2 %, expected 0.40 %, n = 9,310, since 2026-03-01 06:20Z',
        series: [
          series('amount', { statistic: 'miss', current: { observed: 0.382 }, baseline: { expected: 0.004 }, effects: { effect: 0.378 } }),
        ],
      },
    ],
    [
      {
        ...window(8),
        series: [series('email_domain', { statistic: 'category:example.org', current: { observed: 0.21 }, baseline: { expected: 0.02 } })],
      },
      { ...window(9), series: [series('email_domain', { statistic: 'category:example.org' }), series('amount')], severity: 'warning' },
    ],
    [
      {
        ...window(9),
        severity: 'warning',
        kind: 'performance',
        summary: 'accuracy: accuracy 84.6 %, expected 88.9 %, n = 7,420, since 2026-03-01 08:30Z',
        series: [accuracy(0.846, 7_420)],
      },
      {
        ...window(11),
        severity: 'error',
        kind: 'performance',
        summary: 'accuracy: accuracy 82.1 %, expected 88.9 %, n = 8,904, since 2026-03-01 08:30Z',
        series: [accuracy(0.821, 8_904)],
      },
      {
        ...window(15),
        severity: 'error',
        kind: 'performance',
        exact: false,
        inexactReasons: ['idle'],
        summary: 'accuracy: accuracy 81.2 %, expected 88.9 %, n = 9,118, since 2026-03-01 08:30Z',
        series: [accuracy(0.812, 9_118)],
      },
    ],
  ];
  const steps = ['opened', 'escalated', 'reminded'] as const;
  for (const [incident, parts] of events.entries()) {
    for (const [ordinal, part] of parts.entries()) {
      const picture =
        part.kind === 'performance' ? [{ filename: 'screenshot.png', contentType: 'image/png', data: stripes(720, 180) }] : [];
      await client.deliver(issueOf(event(`sample ${incident}`, ordinal, steps[ordinal] ?? 'reminded', part), context), picture);
    }
  }
}

/** A PNG in greys with a step in it: some picture. */
function stripes(width: number, height: number): Uint8Array {
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const level = x < width * 0.6 ? height * 0.35 : height * 0.7;
      rows[y * (width + 1) + 1 + x] = Math.abs(y - level - 6 * Math.sin(x / 9)) < 2 ? 90 : y % 45 === 0 ? 225 : 250;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}
