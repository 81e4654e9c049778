/** What a worker says of itself, over real Kafka to the inbox: a heartbeat that depends on watermarks, gauges, its own errors. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { Clock } from '../../src/log/port.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { type Role, Worker } from '../../src/stages/worker.ts';
import { testKafka } from '../support/kafka.ts';
import { createSourceTopic, until, type WorkerSetUp, writeConfig } from '../support/workerTraffic.ts';

const { brokers } = testKafka();
/** Days ago: a broker takes no time ahead of its own. */
const backMs = 3 * 86_400_000;
const beganMs = Date.now();
/** Ten minutes pass in a second, so that nothing has to be waited for. */
const fastClock: Clock = {
  nowMs: () => beganMs - backMs + (Date.now() - beganMs) * 600,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 600)),
};

let log: KafkaLog;
let inbox: Inbox;
let lines: string[];
const logger = {
  error: (_facts: object, text: string) => void lines.push(text),
  warn: () => {},
  info: (_facts: object, text: string) => void lines.push(text),
  debug: () => {},
};
beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
});
beforeEach(() => {
  lines = [];
});
afterAll(async () => {
  await inbox.close();
  await log.close();
});

function start(at: WorkerSetUp, ...roles: Role[]): () => Promise<void> {
  const stop = new AbortController();
  const running = new Worker({ config: at.config, log, roles, clock: fastClock, logger, metrics: noMetrics, release: 'tidemark@test' }).run(
    stop.signal,
  );
  return async () => {
    stop.abort();
    await running;
  };
}

const window = { hop: '1m', scales: ['1h'], lateness: '0s', idleAfter: '10s', silenceAfter: '10s' };
/** Half an hour of that clock is three seconds: a busy machine may take one to start. */
const checkIns = { every: '1m', blindAfter: '30m' };

async function prepared(name: string, change: Readonly<Record<string, unknown>>): Promise<WorkerSetUp> {
  const group = `${name}-${process.pid}`;
  const topic = `${group}-predictions`;
  await createSourceTopic(log, topic, 2);
  const row = (partition: number) => {
    const value = { id: `${partition}`, ts: fastClock.nowMs(), model: 'fraud', features: { amount: 1 }, prediction: 'ok' };
    return { topic, partition, key: null, value: JSON.stringify(value), timestampMs: fastClock.nowMs() };
  };
  await log.produce([row(0), row(1)]);
  return writeConfig(
    group,
    brokers,
    { predictions: topic },
    { window, segments: [], performance: { scales: ['1h'], horizon: '1h' }, ...change },
  );
}

it('checks in once per group and interval: ok while watermarks move, failed while nobody reads the sources, ok again', async () => {
  const at = await prepared('heartbeat', { sentry: { dsn: inbox.dsn, checkIns, environment: 'staging' } });
  const monitor = () => inbox.monitors().find((one) => one.monitor === `tidemark-${at.group}`);
  const first = start(at, 'detect', 'notify');
  const second = start(at, 'detect');
  let summarize = start(at, 'summarize');
  await until(() => (monitor()?.ok ?? 0) >= 5, 20);
  expect(monitor()).toMatchObject({ environment: 'staging', schedule: 'every 1 minute', failed: 0 });

  await summarize();
  await until(() => monitor()?.status === 'error', 20);
  expect(lines.filter((line) => line.startsWith('Tidemark is blind: event time stands still at'))).toHaveLength(1);

  summarize = start(at, 'summarize');
  await until(() => monitor()?.status === 'ok', 20);
  expect(lines).toContain('Tidemark sees again');
  const self = inbox.issues().find(({ events }) => events.some(({ tags }) => tags['tidemark.self'] === 'true'));
  expect(self).toMatchObject({ title: 'Tidemark itself', level: 'error' });
  expect(self?.value).toMatch(/^Tidemark is blind: event time stands still/);
  expect(self?.events[0]?.event).toMatchObject({ release: 'tidemark@test', environment: 'staging' });

  await Promise.all([summarize(), first(), second()]);
  const { ok, failed, recent } = monitor() ?? { ok: 0, failed: 0, recent: [] };
  // One voice: of two detect workers, one checks in.
  const gaps = recent.slice(1).map(({ at: time }, index) => Date.parse(time) - Date.parse(recent[index]?.at ?? ''));
  expect(ok + failed).toBeGreaterThan(7);
  expect(gaps.filter((gap) => gap < 50).length).toBeLessThanOrEqual(1);
}, 120_000);

it('sends gauges where it is told to, and nothing of itself where it is told not to', async () => {
  const loud = await prepared('gauges', { sentry: { dsn: inbox.dsn, metrics: true, checkIns: { enabled: false } } });
  const stopLoud = start(loud, 'summarize', 'detect', 'notify');
  await until(() => inbox.gauges().some(({ name }) => name === 'tidemark.rows'), 20);
  await stopLoud();
  const names = new Set(inbox.gauges().map(({ name }) => name));
  expect(names).toContain('tidemark.watermark_lag');
  expect(inbox.gauges().find(({ name, attributes }) => name === 'tidemark.rows' && attributes.series === 'amount')).toMatchObject({
    attributes: { model: 'fraud', series: 'amount', kind: 'drift', scale: '1h' },
  });
  expect(inbox.monitors().some(({ monitor }) => monitor.includes('gauges'))).toBe(false);
}, 120_000);

it('sends its own errors to the project that is named for them', async () => {
  const own = await startInbox({ host: '127.0.0.1', port: 0 });
  try {
    const at = await prepared('own', { sentry: { dsn: inbox.dsn, self: { dsn: own.dsn }, checkIns } });
    const before = inbox.issues().length;
    const stop = start(at, 'detect', 'notify');
    await until(() => own.issues().length > 0, 20);
    await stop();
    expect(own.issues()[0]?.value).toMatch(/^Tidemark is blind: event time has not begun/);
    expect(inbox.issues()).toHaveLength(before);
  } finally {
    await own.close();
  }
}, 120_000);
