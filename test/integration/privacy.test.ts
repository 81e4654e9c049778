/**
 * What leaves: a worker over real Kafka with secrets planted in its records, its configuration and its environment. Everything that it sends to Sentry, to
 * Sentry's API and to a webhook goes through a proxy that keeps it, and none of it may hold a secret.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import type { PredictionRecord } from '../../src/core/record/record.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { pictureSvg } from '../../src/sentry/picture.ts';
import { sensitiveOf } from '../../src/sentry/privacy.ts';
import { testKafka } from '../support/kafka.ts';
import type { SourceRecord } from '../support/syntheticTraffic.ts';
import { startCommand } from '../support/workerProcess.ts';
import {
  fillTopics,
  isSettled,
  readTopic,
  textOf,
  until,
  type WorkerTraffic,
  workerTraffic,
  writeConfig,
} from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const prefix = `privacy-${process.pid}`;
/** The inbox knows another, too plain to look for. */
const token = 'planted-token';
const extreme = 7_777_777.25;

/** The traffic of the other tests with values in it that must not leave. All of them move at the shift, so that incidents are about them. */
function planted(source: WorkerTraffic): WorkerTraffic {
  const shiftMs = source.startMs + 50 * 3_600_000;
  const withSecrets = (row: number, record: PredictionRecord): PredictionRecord => {
    const isShifted = record.timeMs >= shiftMs;
    const salary = row % 50 === 0 ? extreme : row % 50 === 25 ? -extreme : 3_000 + (row % 1_000) + (isShifted ? 2_000 : 0);
    return {
      ...record,
      id: `planted-${record.id}`,
      features: {
        ...record.features,
        email_domain: `planted-domain-${record.features.country}.example`,
        merchant: `planted-merchant-${isShifted ? row % 17 : row % 150}`,
        salary,
      },
      segments: { ...record.segments, customer: `planted-customer-${row % 2}` },
    };
  };
  let row = 0;
  const predictions = source.traffic.predictions.map((all) =>
    all.map(
      (one): SourceRecord<PredictionRecord> => (one.record.model === 'closing' ? one : { ...one, record: withSecrets(row++, one.record) }),
    ),
  );
  const feedback = source.traffic.feedback.map((all) =>
    all.map((one) => (one.record.model === 'closing' ? one : { ...one, record: { ...one.record, id: `planted-${one.record.id}` } })),
  );
  return { ...source, traffic: { predictions, feedback } };
}

const source = planted(workerTraffic(prefix, 7, 240));

interface Sent {
  readonly path: string;
  readonly headers: string;
  readonly body: string;
}

let log: KafkaLog;
let inbox: Inbox;
let proxy: Server;
const sent: Sent[] = [];

beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await fillTopics(log, source);
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
  const behind = new URL(inbox.dsn).origin;
  proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const path = request.url ?? '';
    const { authorization, host: _, connection: _unused, 'content-length': _length, ...headers } = request.headers;
    const plain = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    sent.push({ path, headers: JSON.stringify(headers), body: plain.toString('latin1') });
    if (path.startsWith('/hook')) return void response.writeHead(204).end();
    const answer = await fetch(`${behind}${path}`, {
      method: request.method ?? 'GET',
      headers: {
        ...(headers as Record<string, string>),
        ...(authorization === `Bearer ${token}` ? { authorization: `Bearer ${inbox.api.token}` } : {}),
      },
      ...(body.length === 0 ? {} : { body }),
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await inbox.close();
  await log.close();
});

it('sends no id, no hidden category or extreme, and no secret of its configuration', async () => {
  const origin = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const real = new URL(inbox.dsn);
  const dsn = `http://${real.username}:planted0dsn0secret@${origin}${real.pathname}`;
  const at = writeConfig(prefix, brokers, source, {
    segments: ['plan', 'customer'],
    models: { fraud: { sensitive: ['email_domain', 'salary', 'customer'] }, churn: { sensitive: ['email_domain', 'salary', 'customer'] } },
    sentry: {
      dsn,
      api: { ...inbox.api, token },
      metrics: true,
      self: { dsn: `http://inbox:planted0self0secret@${origin}${real.pathname}` },
    },
    sinks: { webhook: { url: `http://${origin}/hook/planted-path`, secret: 'planted-webhook-secret' } },
  });
  const worker = startCommand(['worker', '--config', at.file], {
    TIDEMARK_KAFKA_SASL_PASSWORD: 'planted-sasl-password',
    PLANTED: 'planted-environment',
  });
  const written = async () =>
    (await readTopic(log, internalTopics(at.group).events)).flat().map(({ value }): EventRecord => JSON.parse(textOf(value)));
  const hooks = () => sent.filter(({ path }) => path.startsWith('/hook'));
  await Promise.race([
    until(async () => {
      if (!(await isSettled(log, at.group, source.settledMs))) return false;
      const events = await written();
      const chains = new Set(events.map(({ chain }) => chain));
      return inbox.issues().length === chains.size && hooks().length === events.length;
    }, 500),
    worker.ended.then(() => expect.fail(worker.err())),
  ]);
  worker.process.kill('SIGTERM');
  await worker.ended;

  const events = await written();
  const drawn = events.map((event) => pictureSvg(event, sensitiveOf(event, at.config)) ?? '');
  const everything = [...sent.flatMap(({ headers, body }) => [headers, body]), ...drawn];
  const paths = sent.map(({ path }) => path).filter((path) => !path.startsWith('/hook'));
  // The scan can find something: what is planted is what the events are about, and open values are there.
  const inKafka = JSON.stringify(events);
  for (const secret of ['planted-domain', 'planted-merchant', 'planted-customer', String(extreme)]) expect(inKafka).toContain(secret);
  for (const open of ['share of BR', 'amount', 'merchant', 'salary', 'values withheld'])
    expect(everything.some((text) => text.includes(open))).toBe(true);
  expect(paths.some((path) => path.startsWith('/api/0/'))).toBe(true);
  expect(drawn.some((svg) => svg.length > 0)).toBe(true);
  expect(inbox.monitors()).toHaveLength(1);
  expect(inbox.gauges().some(({ name }) => name === 'tidemark.drift_score')).toBe(true);

  const secrets = [/planted/i, /7[,_ ]?777[,_ ]?777/, /7\.77778e\+?6/];
  const found = secrets.flatMap((secret) =>
    [...everything, ...paths].flatMap((text) => text.match(new RegExp(`.{0,60}(?:${secret.source}).{0,40}`, 'i'))?.[0] ?? []),
  );
  expect(found).toEqual([]);
  const said = worker.out() + worker.err();
  for (const secret of [/planted0(dsn|self)0secret/, /planted-(sasl|webhook|path|environment|token)/]) expect(said).not.toMatch(secret);
}, 300_000);
