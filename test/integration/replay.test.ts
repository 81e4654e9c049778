/** The same topics, read by one, three and eight workers, in fetches of any size, with and without kills, and by a backtest: the same bytes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { parseFactKey } from '../../src/core/detect/fact.ts';
import { sha256Hex } from '../../src/core/hashText.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { systemClock } from '../../src/log/systemClock.ts';
import { Worker } from '../../src/stages/worker.ts';
import { testKafka } from '../support/kafka.ts';
import { runProcess, startCommand } from '../support/workerProcess.ts';
import {
  expectedOf,
  fillTopics,
  isSettled,
  keepHistory,
  readTopic,
  textOf,
  until,
  type WorkerSetUp,
  workerTraffic,
  writeConfig,
} from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const prefix = `replay-${process.pid}`;
const source = workerTraffic(prefix, 11, 60);
const admin = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING }).admin();
/** One group for all runs, for its name is part of every id; what a run wrote is deleted before the next. */
const at: WorkerSetUp = writeConfig(prefix, brokers, source);
const topics = internalTopics(at.group);
const workingRoles = ['summarize', 'detect'] as const;

let log: KafkaLog;

beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await admin.connect();
  await fillTopics(log, source);
});
afterAll(async () => {
  await admin.disconnect();
  await log.close();
});

interface Written {
  readonly events: string;
  readonly panes: string;
  readonly eventCount: number;
  readonly paneCount: number;
}

/** Hashes of what the group has written: its events, and its decided panes byte for byte, both without repetitions and in one order. */
async function written(): Promise<Written> {
  const events = new Set((await readTopic(log, topics.events)).flat().map(({ value }) => canonicalJson(JSON.parse(textOf(value)))));
  const panes = new Map<string, Set<string>>();
  for (const { key, value } of (await readTopic(log, topics.history)).flat()) {
    const subject = parseFactKey(textOf(key));
    if (subject?.fact !== 'node' || value === null || subject.endMs > source.settledMs) continue;
    const known = panes.get(textOf(key));
    const bytes = Buffer.from(value).toString('base64');
    if (known === undefined) panes.set(textOf(key), new Set([bytes]));
    else known.add(bytes);
  }
  for (const [key, bytes] of panes) expect({ key, versions: bytes.size }).toEqual({ key, versions: 1 });
  const paneLines = [...panes].map(([key, bytes]) => `${key} ${[...bytes][0]}`).sort();
  return {
    events: hashOf([...events].sort()),
    panes: hashOf(paneLines),
    eventCount: events.size,
    paneCount: paneLines.length,
  };
}

function hashOf(lines: readonly string[]): string {
  return sha256Hex(lines.join('\n'));
}

/** As if the group had never run. */
async function forget(): Promise<void> {
  const own = (await admin.listTopics()).filter((topic) => topic.startsWith(`${at.group}.`));
  if (own.length > 0) await admin.deleteTopics({ topics: own });
  const groups = (await admin.listGroups()).groups
    .map(({ groupId }) => groupId)
    .filter((id) => id === at.group || id === `${at.group}-detect`);
  if (groups.length > 0) await admin.deleteGroups(groups);
  await until(async () => !(await admin.listTopics()).some((topic) => topic.startsWith(`${at.group}.`)));
  await keepHistory(log, at.group);
}

/** Workers in this process, each with connections of its own that fetch at most so many bytes ahead. */
async function inProcess(count: number, bufferBytes: number): Promise<Written> {
  await forget();
  const stop = new AbortController();
  const logs = await Promise.all(Array.from({ length: count }, () => KafkaLog.open({ brokers, bufferBytes }, createLogger('silent'))));
  const running = logs.map((own) =>
    new Worker({
      config: at.config,
      log: own,
      roles: workingRoles,
      clock: systemClock,
      logger: createLogger('silent'),
      metrics: noMetrics,
      release: 'test',
    }).run(stop.signal),
  );
  await Promise.race([until(() => isSettled(log, at.group, source.settledMs), 500), Promise.all(running)]);
  stop.abort();
  await Promise.all(running);
  await Promise.all(logs.map((own) => own.close()));
  return written();
}

/** Three processes, each killed once on the way and replaced. */
async function withKills(): Promise<Written> {
  await forget();
  const args = ['worker', '--config', at.file, '--roles', workingRoles.join(',')];
  const started = [startCommand(args), startCommand(args), startCommand(args)];
  try {
    const sizeOf = async (topic: string) => (await readTopic(log, topic)).flat().length;
    for (const [index, isFarEnough] of [
      async () => (await sizeOf(topics.partials)) > 0,
      async () => (await sizeOf(topics.history)) > 100,
      async () => (await sizeOf(topics.history)) > 1_000,
    ].entries()) {
      await until(isFarEnough, 50);
      started[index]?.process.kill('SIGKILL');
      started.push(startCommand(args));
    }
    await until(() => isSettled(log, at.group, source.settledMs), 500);
  } finally {
    for (const one of started) one.process.kill('SIGKILL');
    await Promise.all(started.map((one) => one.ended));
  }
  return written();
}

it('gives the same events and the same panes by 1, 3 and 8 workers, in small and large fetches, with kills, and by a backtest', async () => {
  const expected = expectedOf(at, source);
  const events = hashOf([...expected.eventTexts.values()].sort());

  const one = await inProcess(1, 8 * 1024 * 1024);
  expect(one.eventCount).toBe(expected.eventTexts.size);
  expect(one.eventCount).toBeGreaterThan(3);
  expect(one.paneCount).toBeGreaterThan(500);
  expect(one.events).toBe(events);
  expect(await inProcess(3, 64 * 1024)).toEqual(one);
  expect(await inProcess(8, 1)).toEqual(one);
  expect(await withKills()).toEqual(one);

  const out = join(at.folder, 'out');
  const times = ['--from', new Date(source.startMs).toISOString(), '--to', new Date(source.settledMs + 86_400_000).toISOString()];
  expect(await runProcess(['backtest', '--config', at.file, ...times, '--out', out])).toMatchObject({ code: 0 });
  const lines = readFileSync(join(out, 'events.ndjson'), 'utf8').trimEnd().split('\n');
  // The backtest also decides what a worker still waits for.
  const settled = lines.filter((text) => Date.parse((JSON.parse(text) as EventRecord).windowEnd) <= source.settledMs);
  expect(hashOf(settled.map((text) => canonicalJson(JSON.parse(text))).sort())).toBe(events);
}, 600_000);
