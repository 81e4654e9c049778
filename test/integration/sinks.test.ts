/** Events to places beside Sentry, through the real notify stage and real HTTP. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import type { Clock } from '../../src/log/port.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { signatureOf } from '../../src/sinks/webhook.ts';
import { Worker } from '../../src/stages/worker.ts';
import { event, hex } from '../support/events.ts';

const topics = internalTopics('tidemark');
const fastClock: Clock = {
  nowMs: () => performance.now() * 500,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 500)),
};

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let hook: Server;
let url: string;
let inbox: Inbox;
let received: Received[];
let lines: { fields: Readonly<Record<string, unknown>>; text: string }[];
/** Answers, one after the other; 204 when none is left. Null: the connection is broken. */
let answers: (((response: ServerResponse) => void) | null)[];
let log: MemoryLog;
let stop: () => Promise<void>;

beforeEach(async () => {
  received = [];
  lines = [];
  answers = [];
  hook = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body });
    const answer = answers.length > 0 ? answers.shift() : (one: ServerResponse) => one.writeHead(204).end();
    if (answer === null || answer === undefined) request.socket.destroy();
    else answer(response);
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`;
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
  log = new MemoryLog({ clock: fastClock });
  await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions: 1, configs: {} })));
  stop = async () => {};
});
afterEach(async () => {
  await stop();
  hook.closeAllConnections();
  await new Promise((resolve) => hook.close(resolve));
  await inbox.close();
});

/** A worker that only notifies, with these settings. */
function start(...sets: string[]): void {
  const config = loadConfig({ files: [], env: {}, sets: ['predictions.topic=p', 'topics.partitions=1', ...sets] });
  const take = (fields: Readonly<Record<string, unknown>>, text: string) => void lines.push({ fields, text });
  const controller = new AbortController();
  const logger = { error: take, warn: take, info: take, debug: () => {} };
  const ended = new Worker({ config, log, roles: ['notify'], clock: fastClock, logger, metrics: noMetrics, release: 'r' }).run(
    controller.signal,
  );
  stop = async () => {
    controller.abort();
    await ended;
  };
}

async function write(...events: EventRecord[]): Promise<void> {
  await log.produce(events.map((one) => ({ topic: topics.events, partition: 0, key: one.chain, value: JSON.stringify(one) })));
}

const until = async (condition: () => boolean | Promise<boolean>) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
};
const life = ['opened', 'escalated', 'recovered'] as const;
const stepsReceived = () => received.map(({ body }) => JSON.parse(body).data.step);
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end();

describe('a webhook', () => {
  it('needs no Sentry, gets every step in order, and can check the signature', async () => {
    start(`sinks.webhook.url=${url}`, 'sinks.webhook.secret=a secret');
    await write(...life.map((step, ordinal) => event('a', ordinal, step)));
    await until(() => received.length === 3);
    expect(stepsReceived()).toEqual([...life]);
    for (const { headers, body } of received) {
      const [id, timestamp] = [String(headers['webhook-id']), Number(headers['webhook-timestamp'])];
      expect(headers['webhook-signature']).toBe(signatureOf('a secret', id, timestamp, body));
      expect(JSON.parse(body).id).toBe(id);
    }
  });

  it.each<[string, () => ((response: ServerResponse) => void) | null]>([
    ['500', () => status(500)],
    ['503', () => status(503, { 'retry-after': '5' })],
    ['429', () => status(429, { 'retry-after': '5' })],
    ['401, until somebody corrects it', () => status(401)],
    ['410', () => status(410)],
    ['a redirect', () => status(302, { location: 'http://127.0.0.1:1/' })],
    ['a broken connection', () => null],
  ])('loses nothing and keeps the order through %s', async (_what, answer) => {
    answers = [answer(), answer()];
    start(`sinks.webhook.url=${url}`);
    await write(...life.map((step, ordinal) => event('a', ordinal, step)));
    await until(() => received.length === 5);
    expect(stepsReceived()).toEqual(['opened', 'opened', ...life]);
  });

  it.each([400, 413, 422])('parks what is refused for good with %i, and goes on', async (code) => {
    answers = [status(code)];
    start(`sinks.webhook.url=${url}`);
    await write(event('a', 0, 'opened'), event('a', 1, 'escalated'));
    await until(() => received.length === 2);
    expect(stepsReceived()).toEqual(['opened', 'escalated']);
    await until(async () => (await log.offsets({ topic: topics.deadLetters, partition: 0 })).high === 1);
  });

  it('pages nobody for what is over, and resolves what was paged for', async () => {
    start(`sinks.webhook.url=${url}`, 'sinks.webhook.format=pagerduty', 'sinks.webhook.secret=R0UTING');
    await write(...life.map((step, ordinal) => event('over', ordinal, step)), event('lasts', 0, 'opened'));
    await until(() => received.length === 2);
    const told = received.map(({ body }) => JSON.parse(body)).map((one) => [one.event_action, one.dedup_key.split('/').at(-1)]);
    expect(told.sort()).toEqual([
      ['resolve', hex('over')],
      ['trigger', hex('lasts')],
    ]);
  });

  it('goes on while Sentry is down, and Sentry while it is; neither gets anything twice after a restart', async () => {
    inbox.fail({ kind: 'status', status: 503 });
    const sets = [`sinks.webhook.url=${url}`, `sentry.dsn=${inbox.dsn}`];
    start(...sets);
    await write(event('a', 0, 'opened'), event('a', 1, 'escalated'));
    await until(() => received.length === 2);
    expect(inbox.issues()).toEqual([]);
    await stop();
    inbox.fail(null);
    start(...sets);
    await until(() => inbox.issues()[0]?.count === 2);
    expect(received).toHaveLength(2);
  });
});

it('the log gets one line a step with the whole event, at the level of its severity', async () => {
  start('sinks.log=true');
  await write(event('a', 0, 'opened'), event('a', 1, 'recovered'));
  await until(() => lines.filter(({ fields }) => 'incidentEvent' in fields).length === 2);
  expect(lines.find(({ text }) => text.startsWith('incident opened'))).toMatchObject({
    text: expect.stringContaining('fraud: amount: median 44 -> 61'),
    fields: { incidentEvent: event('a', 0, 'opened') },
  });
});
