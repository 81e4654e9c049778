import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { systemClock } from '../../src/log/systemClock.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { roles, Worker } from '../../src/stages/worker.ts';
import type { Reference } from '../simulation/reference.ts';
import { testKafka } from '../support/kafka.ts';
import { type CommandProcess, runProcess, startCommand } from '../support/workerProcess.ts';
import {
  coveredOffsets,
  expectedOf,
  fillTopics,
  isSettled,
  readTopic,
  textOf,
  until,
  type WorkerSetUp,
  workerTraffic,
  writeConfig,
} from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const prefix = `worker-${process.pid}`;
const source = workerTraffic(prefix, 7, 120);
const admin = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING }).admin();

let log: KafkaLog;
let inbox: Inbox;
let processes: CommandProcess[] = [];

beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await admin.connect();
  await fillTopics(log, source);
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  for (const one of processes) one.process.kill('SIGKILL');
  await Promise.all(processes.map((one) => one.ended));
  processes = [];
});
afterAll(async () => {
  await inbox.close();
  await admin.disconnect();
  await log.close();
});

function setUp(name: string): { readonly at: WorkerSetUp; readonly expected: Reference } {
  const at = writeConfig(`${prefix}-${name}`, brokers, source, { sentry: { dsn: inbox.dsn } });
  return { at, expected: expectedOf(at, source) };
}

function startWorker(at: WorkerSetUp): CommandProcess {
  const started = startCommand(['worker', '--config', at.file]);
  processes.push(started);
  return started;
}

async function writtenEvents(group: string): Promise<string[]> {
  return (await readTopic(log, internalTopics(group).events)).flat().map(({ value }) => textOf(value));
}

const idOf = (text: string): string => JSON.parse(text).id;

/** Every event is accepted or overtaken once the notify group has committed all of them. */
async function isDelivered(group: string): Promise<boolean> {
  const topic = internalTopics(group).events;
  const [committed] = await admin.fetchOffsets({ groupId: `${group}-notify`, topics: [topic] });
  const ends = await admin.fetchTopicOffsets(topic);
  return ends.every(({ partition, high }) => {
    const offset = committed?.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
    return high === '0' || offset === high;
  });
}

function expectOneIssuePerChain(group: string, expected: Reference): void {
  const chains = new Set([...expected.events.values()].map(({ chain }) => chain));
  const issues = inbox.issues().filter(({ fingerprint }) => fingerprint[1] === group);
  expect(issues.map(({ fingerprint }) => fingerprint[2]).sort()).toEqual([...chains].sort());
  const delivered = issues.flatMap(({ events }) => events.map(({ id }) => id));
  expect(delivered.length).toBe(new Set(delivered).size);
  for (const id of delivered) expect(expected.events.has(id)).toBe(true);
  const incidents = new Set(issues.flatMap(({ events }) => events.map(({ id }) => expected.events.get(id)?.incident)));
  expect(incidents).toEqual(new Set([...expected.events.values()].map(({ incident }) => incident)));
}

async function expectAllOffsetsCovered(group: string): Promise<void> {
  const ends = new Map<string, number>();
  for (const [topic, partitions] of [
    [source.predictions, source.traffic.predictions],
    [source.feedback, source.traffic.feedback],
  ] as const) {
    for (const [partition, records] of partitions.entries()) ends.set(`${topic}/${partition}`, records.length);
  }
  for (const covered of await coveredOffsets(log, group)) expect(Object.fromEntries(covered)).toEqual(Object.fromEntries(ends));
}

/** Client ids and numbers of partitions of the members that a group has now. */
async function membersOf(groupId: string): Promise<number> {
  const { groups } = await admin.describeGroups([groupId]);
  return groups[0]?.members.length ?? 0;
}

describe('one worker on real Kafka', () => {
  it('writes exactly the events of one pass over the same records, and Sentry shows one issue per chain of incidents', async () => {
    const { at, expected } = setUp('one');
    const kinds = new Set([...expected.events.values()].map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['drift', 'performance', 'quality']);
    const stop = new AbortController();
    const worker = new Worker({
      config: at.config,
      log,
      roles,
      clock: systemClock,
      logger: createLogger('silent'),
      metrics: noMetrics,
      release: 'test',
    });
    const running = worker.run(stop.signal);
    const done = until(async () => (await isSettled(log, at.group, source.settledMs)) && (await isDelivered(at.group)), 500);
    // A worker that fails ends the test with its error, not with the time limit.
    await Promise.race([done, running]);
    stop.abort();
    await running;
    expect((await writtenEvents(at.group)).sort()).toEqual([...expected.eventTexts.values()].sort());
    expectOneIssuePerChain(at.group, expected);
    await expectAllOffsetsCovered(at.group);
  });
});

describe('two worker processes on the same topics', () => {
  it('write the same events through kill -9 of either and a restart, and double no issue; one that is told to stop hands its partitions over', async () => {
    const { at, expected } = setUp('two');
    const topics = internalTopics(at.group);
    const end = async (topic: string) => {
      const ends = await admin.fetchTopicOffsets(topic).catch(() => []);
      return ends.reduce((sum, { high }) => sum + Number(high), 0);
    };
    const first = startWorker(at);
    const second = startWorker(at);
    await until(async () => (await end(topics.partials)) > 0, 20);
    first.process.kill('SIGKILL');
    const third = startWorker(at);
    await until(async () => (await end(topics.history)) > 200, 20);
    second.process.kill('SIGKILL');
    expect(await isSettled(log, at.group, source.settledMs)).toBe(false);
    const fourth = startWorker(at);
    await until(async () => (await isSettled(log, at.group, source.settledMs)) && (await isDelivered(at.group)), 500);
    expect((await first.ended).signal).toBe('SIGKILL');
    expect((await second.ended).signal).toBe('SIGKILL');

    const byId = new Map<string, string>();
    for (const text of await writtenEvents(at.group)) {
      const before = byId.get(idOf(text));
      // A repeated event is the same event.
      if (before !== undefined) expect(text).toBe(before);
      byId.set(idOf(text), text);
    }
    expect([...byId.values()].sort()).toEqual([...expected.eventTexts.values()].sort());
    expectOneIssuePerChain(at.group, expected);
    await expectAllOffsetsCovered(at.group);

    await until(async () => (await membersOf(at.group)) === 2);
    const askedAtMs = performance.now();
    third.process.kill('SIGTERM');
    expect(await third.ended).toEqual({ code: 0, signal: null });
    // The promise to whoever runs it: an orchestrator kills what has not gone by then.
    expect(performance.now() - askedAtMs).toBeLessThan(10_000);
    // It has left, so nobody waits for its session to time out.
    for (const group of [at.group, `${at.group}-detect`, `${at.group}-notify`]) expect(await membersOf(group)).toBe(1);
    fourth.process.kill('SIGTERM');
    expect(await fourth.ended).toEqual({ code: 0, signal: null });
  }, 180_000);
});

describe('a backtest of the same topics', () => {
  it('gives the events of the worker, and goes on where the worker waits for records', async () => {
    const { at, expected } = setUp('backtest');
    const out = join(at.folder, 'out');
    const times = ['--from', new Date(source.startMs).toISOString(), '--to', new Date(source.settledMs + 86_400_000).toISOString()];
    const { code, err } = await runProcess(['backtest', '--config', at.file, ...times, '--out', out]);
    expect({ code, err }).toMatchObject({ code: 0 });
    const lines = readFileSync(join(out, 'events.ndjson'), 'utf8').trimEnd().split('\n');
    const isSettledEvent = (text: string) => Date.parse((JSON.parse(text) as EventRecord).windowEnd) <= source.settledMs;
    expect(lines.filter(isSettledEvent).sort()).toEqual([...expected.eventTexts.values()].sort());
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
    expect(Object.values(summary.records[source.predictions])).toEqual(source.traffic.predictions.map((records) => records.length));
  });
});
