/**
 * The same topics, read by one, three and eight workers, in fetches of any size, with and without kills, and by a backtest: the same bytes of every event
 * and of every fact that a decision leaves, on both clocks.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { replay } from '../../src/backtest/replay.ts';
import { topicSources } from '../../src/backtest/topicSources.ts';
import { createLogger } from '../../src/config/logger.ts';
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { type Fact, parseFactKey } from '../../src/core/detect/fact.ts';
import { dayMs } from '../../src/core/duration.ts';
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

/** Facts of decisions that name the pane they are about: panes and their roll-ups, both sides of the join with labels, and the state of every model. */
const paneFacts = ['node', 'predictions', 'feedback', 'state'] as const;
/** Facts that are about a baseline: a backtest goes a pane further than a worker, and may have a newer one. */
const baselineFacts = ['baseline', 'reference'] as const;

type FactKind = (typeof paneFacts)[number] | (typeof baselineFacts)[number];

interface Lines {
  readonly count: number;
  readonly sha256: string;
}

type Written = Readonly<Record<'events' | FactKind, Lines>>;

/** Number and hash of lines without repetitions, in one order. */
function linesOf(lines: Iterable<string>): Lines {
  const sorted = [...new Set(lines)].sort();
  return { count: sorted.length, sha256: sha256Hex(sorted.join('\n')) };
}

/** Hashes of what was decided: the events, and the facts by kind, byte for byte. A fact that was written in two ways counts as two lines, so the hash tells. */
function writtenOf(events: readonly string[], facts: Iterable<{ readonly key: string; readonly value: Uint8Array | null }>): Written {
  const byKind = new Map<string, string[]>();
  for (const { key, value } of facts) {
    const subject = parseFactKey(key);
    if (subject === null || value === null || ('endMs' in subject && subject.endMs > source.settledMs)) continue;
    const lines = byKind.get(subject.fact) ?? [];
    byKind.set(subject.fact, lines);
    lines.push(`${key} ${Buffer.from(value).toString('base64')}`);
  }
  const of = (kind: FactKind) => linesOf(byKind.get(kind) ?? []);
  return {
    events: linesOf(events.map((text) => canonicalJson(JSON.parse(text)))),
    node: of('node'),
    predictions: of('predictions'),
    feedback: of('feedback'),
    state: of('state'),
    baseline: of('baseline'),
    reference: of('reference'),
  };
}

/** What the group has written by now. */
async function written(): Promise<Written> {
  const [events, history] = await Promise.all([readTopic(log, topics.events), readTopic(log, topics.history)]);
  return writtenOf(
    events.flat().map(({ value }) => textOf(value)),
    history.flat().map(({ key, value }) => ({ key: textOf(key), value })),
  );
}

/** The same topics through the sources and the replay of the backtest. It also decides what a worker still waits for: that is left out. */
async function byBacktest(): Promise<Written> {
  const facts: Fact[] = [];
  const { events } = await replay({
    settings: at.config.core,
    sources: await topicSources(log, at.config.core, source.startMs, source.settledMs + dayMs),
    fileBaselines: new Map(),
    onStep: (step) => void facts.push(...step.facts),
  });
  return writtenOf(events.filter(isSettledEvent).map(canonicalJson), facts);
}

function isSettledEvent({ windowEnd }: EventRecord): boolean {
  return Date.parse(windowEnd) <= source.settledMs;
}

/** As if the group had never run. */
async function forget(): Promise<void> {
  const own = (await admin.listTopics()).filter((topic) => topic.startsWith(`${at.group}.`));
  if (own.length > 0) await admin.deleteTopics({ topics: own });
  const groups = (await admin.listGroups()).groups
    .map(({ groupId }) => groupId)
    .filter((id) => id === at.group || id === `${at.group}-detect`);
  if (groups.length > 0) {
    // Members that were killed are members until their sessions are over.
    await until(async () => (await admin.describeGroups(groups)).groups.every(({ members }) => members.length === 0));
    await admin.deleteGroups(groups);
  }
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

/** Processes, three times one of them killed on the way and replaced. */
async function withKills(count: number): Promise<Written> {
  await forget();
  const args = ['worker', '--config', at.file, '--roles', workingRoles.join(',')];
  const started = Array.from({ length: count }, () => startCommand(args));
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

it('gives the same events and the same facts by 1, 3 and 8 workers, in small and large fetches, with kills, and by a backtest', async () => {
  const expected = expectedOf(at, source);

  const one = await inProcess(1, 8 * 1024 * 1024);
  expect(one.events).toEqual(linesOf(expected.eventTexts.values()));
  // There was something to decide, on both clocks.
  const kinds = new Set([...expected.events.values()].map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(['drift', 'performance', 'quality']);
  expect(one.node.count).toBeGreaterThan(500);
  expect(Math.min(...Object.values(one).map(({ count }) => count))).toBeGreaterThan(3);
  expect(await inProcess(3, 64 * 1024)).toEqual(one);
  expect(await inProcess(8, 1)).toEqual(one);
  expect(await inProcess(8, 8 * 1024 * 1024)).toEqual(one);
  expect(await inProcess(1, 1)).toEqual(one);
  expect(await withKills(1)).toEqual(one);
  expect(await withKills(3)).toEqual(one);

  const back = await byBacktest();
  for (const kind of ['events', ...paneFacts] as const) expect({ [kind]: back[kind] }).toEqual({ [kind]: one[kind] });

  // And the command, as an operator runs it.
  const out = join(at.folder, 'out');
  const times = ['--from', new Date(source.startMs).toISOString(), '--to', new Date(source.settledMs + dayMs).toISOString()];
  expect(await runProcess(['backtest', '--config', at.file, ...times, '--out', out])).toMatchObject({ code: 0 });
  const lines = readFileSync(join(out, 'events.ndjson'), 'utf8').trimEnd().split('\n');
  expect(linesOf(lines.filter((text) => isSettledEvent(JSON.parse(text))))).toEqual(one.events);
}, 900_000);
