/** People take a hand: `accept`, `mute` and `unmute` from the command line, a worker on real Kafka, and what becomes of it at Sentry. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { OutgoingRecord } from '../../src/log/port.ts';
import { systemClock } from '../../src/log/systemClock.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { roles, Worker } from '../../src/stages/worker.ts';
import { testKafka } from '../support/kafka.ts';
import { runCommand } from '../support/runCommand.ts';
import { createSourceTopic, readTopic, textOf, until, writeConfig } from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const prefix = `accept-${process.pid}`;
const topic = `${prefix}-predictions`;
const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 2, 1);

let log: KafkaLog;
let inbox: Inbox;
beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await createSourceTopic(log, topic, 1);
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await inbox.close();
  await log.close();
});

/** Rows of some hours, 120 an hour, `amount` around a mean. */
async function send(fromHour: number, toHour: number, mean: number): Promise<void> {
  const records = Array.from({ length: (toHour - fromHour) * 120 }, (_, row): OutgoingRecord => {
    const timeMs = startMs + fromHour * hourMs + (row * hourMs) / 120;
    // A spread of its own, without chance.
    const amount = mean + ((row * 7_919) % 100) / 10;
    const value = { id: `${fromHour}-${row}`, ts: timeMs, model: 'fraud', version: '7', features: { amount }, prediction: 'ok' };
    return { topic, partition: 0, key: null, value: JSON.stringify(value), timestampMs: timeMs };
  });
  await log.produce(records);
}

it('an accepted change resolves the issue with who and why, is learned anew, and what is muted is not told', async () => {
  const at = writeConfig(prefix, brokers, { predictions: topic }, { segments: [], sentry: { dsn: inbox.dsn, api: { ...inbox.api } } });
  const stop = new AbortController();
  const logger = createLogger('silent');
  const worker = new Worker({ config: at.config, log, roles, clock: systemClock, logger, metrics: noMetrics, release: 'test' });
  const running = worker.run(stop.signal);
  const topics = internalTopics(at.group);
  const events = async () => (await readTopic(log, topics.events)).flat().map(({ value }): EventRecord => JSON.parse(textOf(value)));
  const say = (...args: string[]) => runCommand([...args, '--config', at.file, '--by', 'ada']);
  const reached = (step: string, count = 1) =>
    Promise.race([until(async () => (await events()).filter((event) => event.step === step).length >= count, 300), running]);
  /** What is decided before this moment of event time is decided. */
  const decided = (hour: number) =>
    Promise.race([
      until(async () => {
        const keys = (await readTopic(log, topics.history)).flat().map(({ key }) => textOf(key));
        const ends = keys.flatMap((key) => (key.startsWith('["decided"') ? [Number(JSON.parse(key)[1])] : []));
        return Math.max(0, ...ends) >= startMs + hour * hourMs;
      }, 300),
      running,
    ]);

  await send(0, 30, 100);
  await decided(29);
  await send(30, 34, 120);
  await reached('opened');
  const [issue] = inbox.issues();

  const unknown = await say('accept', 'frawd', '--reason', 'x');
  expect(unknown.code).toBe(2);
  expect(unknown.err).toMatch(/watches no model "frawd"; it watches .*fraud.*Nothing was written/);
  const noSeries = await say('mute', 'fraud', '--for', '1h', '--series', 'amout', '--reason', 'x');
  expect(noSeries.code).toBe(2);
  expect(noSeries.err).toMatch(/no series "amout".*there is amount/);

  // As the issue says it, with a reason.
  const offered = String(issue?.events[0]?.event.contexts?.['What now']?.['if the change is meant']);
  expect(offered).toBe('tidemark accept fraud --kind drift --reason WHY --config tidemark.yaml');
  const words = offered.split(' ').slice(1, -2);
  const said = await say(...words.map((word) => (word === 'WHY' ? 'new pricing since Monday' : word)));
  expect(said).toMatchObject({ code: 0, err: '' });
  expect(said.out).toMatch(
    /^open: drift since 2026-03-02 .*: amount \(incident [0-9a-f]{32}\)\nwritten: .*partials, partition \d, offset \d+\n/,
  );

  await send(34, 36, 120);
  await reached('ended');
  await until(() => inbox.issues().some(({ status }) => status === 'resolved'));
  const resolved = inbox.issues().find(({ id }) => id === issue?.id);
  expect(resolved?.activity.find(({ type }) => type === 'note')?.text).toMatch(
    /^Ended after .*: ada accepted the change as the new normal: new pricing since Monday\./,
  );
  const ended = (await events()).find(({ step }) => step === 'ended');
  expect(ended).toMatchObject({ exact: false, inexactReasons: ['command'], closing: { action: 'accepted', by: 'ada' } });

  // The new normal is learned; it opens nothing, and a change from it does, once nothing is muted.
  await send(36, 66, 120);
  await decided(65);
  const muted = await say('mute', 'fraud', '--for', '900d', '--kind', 'drift', '--reason', 'a backfill');
  expect(muted).toMatchObject({ code: 0 });
  await send(66, 76, 150);
  await decided(75);
  expect((await events()).map(({ step }) => step)).toEqual(['opened', 'ended']);
  const before = await say('unmute', 'fraud');
  expect(before.out).toMatch(/^muted: drift until .*, by ada: a backfill\nwritten: /);
  await send(76, 78, 150);
  await reached('opened', 2);
  await until(() => inbox.issues().length === 2);
  expect(inbox.issues().filter(({ status }) => status === 'unresolved')).toHaveLength(1);

  const shown = await runCommand(['inspect', 'partials', '--config', at.file, '--limit', '100000']);
  expect(shown.out).toMatch(
    /"type":"command","id":"[^"]+","action":"accept","model":"fraud".*"by":"ada","reason":"new pricing since Monday"/,
  );
  expect((await runCommand(['inspect', 'partials', '--audit', '--config', at.file])).out).toMatch(/3 command/);
  stop.abort();
  await running;
}, 300_000);
