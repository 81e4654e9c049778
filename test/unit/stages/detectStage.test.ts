import { afterEach, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/core/canonicalJson.ts';
import { hourMs } from '../../../src/core/duration.ts';
import { ConfigError, DependencyError } from '../../../src/core/errors.ts';
import type { EventRecord } from '../../../src/core/incident/event.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import type { Logger } from '../../../src/core/logger.ts';
import { type Metrics, noMetrics } from '../../../src/core/metrics.ts';
import { encodeMessage } from '../../../src/core/summarize/codec.ts';
import type { PartialsMessage } from '../../../src/core/summarize/messages.ts';
import { splitPartial } from '../../../src/core/summarize/parts.ts';
import type { Interpose } from '../../../src/log/memory/memoryContext.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import type { Clock } from '../../../src/log/port.ts';
import { DetectStage } from '../../../src/stages/detect.ts';
import { partialsOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';
import { syntheticTraffic } from '../../support/syntheticTraffic.ts';

const settings = coreSettings({
  group: 'g',
  feedback: [],
  window: { hopMs: hourMs, scalesMs: [12 * hourMs], latenessMs: 0 },
  defaults: modelSettings({ baseline: { kind: 'first', durationMs: 48 * hourMs } }),
});
const topics = internalTopics('g');
const startMs = Date.UTC(2026, 2, 1);
const model = 'fraud';

/** Traffic that opens an incident on its fourth day. */
const messages = partialsOf(
  settings,
  syntheticTraffic({
    random: new Random(1),
    startMs,
    hours: 96,
    rowsPerHour: 200,
    predictionPartitions: 2,
    feedbackPartitions: 0,
    shiftAtHour: 78,
  }),
  new Random(2),
);

/** Time passes two hundred times as fast: pauses cost little. */
const clock: Clock = {
  nowMs: () => startMs + 96 * hourMs + performance.now() * 200,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 200)),
};

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

async function newLog(interpose?: Interpose, partitions = 1): Promise<MemoryLog> {
  const log = new MemoryLog({ clock, fetchSize: () => 20, ...(interpose === undefined ? {} : { interpose }) });
  await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions, configs: {} })));
  return log;
}

function write(log: MemoryLog, written: readonly PartialsMessage[], partition = 0): Promise<readonly number[]> {
  const values = written.map((message) => encodeMessage(message));
  return log.produce(values.map((value) => ({ topic: topics.partials, partition, key: model, value })));
}

function start(log: MemoryLog, metrics: Metrics = noMetrics) {
  const lines: string[] = [];
  const keep = (level: string) => (fields: unknown, message: string) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { error: keep('error'), warn: keep('warn'), info: keep('info'), debug() {} };
  const controller = new AbortController();
  const stage = new DetectStage({ log: log.as('worker'), settings, clock, logger, metrics });
  const ended = stage.run(controller.signal);
  const stop = async () => {
    controller.abort();
    await ended;
  };
  running.push(stop);
  return { stage, lines, stop };
}

async function recordsOf(log: MemoryLog, topic: string, partition = 0): Promise<{ key: string; text: string | null }[]> {
  const reader = await log.read({ topic, partition }, 0);
  const records: { key: string; text: string | null }[] = [];
  for (let batch = await reader.next(0); batch !== null; batch = await reader.next(0)) {
    for (const { key, value } of batch.records)
      records.push({ key: Buffer.from(key ?? []).toString(), text: value === null ? null : Buffer.from(value).toString() });
  }
  return records;
}

async function eventsOf(log: MemoryLog, partition = 0): Promise<EventRecord[]> {
  return (await recordsOf(log, topics.events, partition)).map(({ text }): EventRecord => JSON.parse(text ?? ''));
}

async function committed(log: MemoryLog, partition = 0): Promise<number> {
  const visitor = await log.join({ group: 'g-detect', topics: [topics.deadLetters] });
  const [commit] = await visitor.committed([{ topic: topics.partials, partition }]);
  await visitor.leave();
  return commit?.offset ?? 0;
}

/** Whether the partition has been decided to the end of the traffic. */
async function isDone(log: MemoryLog, partition = 0): Promise<boolean> {
  const records = await recordsOf(log, topics.history, partition);
  return records.some(({ key, text }) => text !== null && key === canonicalJson(['decided', startMs + 96 * hourMs, startMs + 96 * hourMs]));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

const byId = (events: readonly EventRecord[]) => new Map(events.map((event) => [event.id, canonicalJson(event)]));

/** What a stage writes that nothing disturbs. */
async function undisturbed(): Promise<Map<string, string>> {
  const log = await newLog();
  await write(log, messages);
  const { stop } = start(log);
  await until(() => isDone(log));
  await stop();
  return byId(await eventsOf(log));
}

describe('the detect stage', () => {
  it('writes events, then facts, then what was decided, and commits what no undecided pane needs', async () => {
    const log = await newLog();
    await write(log, messages.slice(0, -2));
    const { stop } = start(log);
    await until(async () => (await eventsOf(log)).length > 0);
    await stop();
    const [event] = await eventsOf(log);
    expect([event?.kind, event?.step, event?.model]).toEqual(['quality', 'opened', model]);
    const facts = (await recordsOf(log, topics.history)).map(({ key }) => JSON.parse(key)[0]);
    expect(facts.lastIndexOf('node')).toBeLessThan(facts.lastIndexOf('decided'));
    expect(await committed(log)).toBeLessThan(messages.length - 2);
  });

  it('does not start where partials and history differ in their partitions', async () => {
    const log = new MemoryLog({ clock });
    await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions: topic === topics.history ? 2 : 1, configs: {} })));
    const stage = new DetectStage({ log, settings, clock, logger: { error() {}, warn() {}, info() {}, debug() {} }, metrics: noMetrics });
    await expect(stage.run(new AbortController().signal)).rejects.toThrow(ConfigError);
  });

  it.each([
    ['writes', 'produce'],
    ['commits', 'commit'],
    ['reads of facts', 'read'],
    ['positions', 'committed'],
  ] as const)('goes on with the same events when %s are refused now and then', async (_what, name) => {
    const expected = await undisturbed();
    const random = new Random(7);
    let refused = 0;
    const log = await newLog(async (operation, effect) => {
      if (operation.member === 'worker' && operation.name === name && (refused < 2 || random.next() < 0.2)) {
        refused++;
        throw new DependencyError('the broker is away');
      }
      return effect();
    });
    await write(log, messages);
    const { lines, stop } = start(log);
    await until(() => isDone(log));
    await stop();
    expect(refused).toBeGreaterThan(0);
    expect(byId(await eventsOf(log))).toEqual(expected);
    if (name !== 'commit') expect(lines.some((line) => line.startsWith('warn') && line.includes('restored from its facts'))).toBe(true);
  });

  it('stops a partition at a record that cannot be read, says where, commits nothing beyond, and goes on with the others', async () => {
    const log = await newLog(undefined, 2);
    await write(log, messages.slice(0, 10), 1);
    await log.produce([{ topic: topics.partials, partition: 1, key: model, value: 'no partial' }]);
    await write(log, messages.slice(10), 1);
    await write(log, messages, 0);
    const { stage, lines, stop } = start(log);
    await until(async () => (await isDone(log, 0)) && lines.some((line) => line.startsWith('error')));
    // What readiness and the metric say.
    expect(stage.stoppedPartitions).toEqual([1]);
    await stop();
    const errors = lines.filter((line) => line.startsWith('error'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/g\.partials, partition 1 is stopped.*offset 10: /);
    expect(await committed(log, 1)).toBeLessThanOrEqual(10);
  });

  it('puts parts together, and lets parts that never become whole hold back commits only until their pane is decided', async () => {
    const expected = await undisturbed();
    const log = await newLog();
    for (const [index, message] of messages.entries()) {
      const parts = message.type === 'partial' ? splitPartial(message, 2_048) : [encodeMessage(message)];
      const value = (each: Uint8Array) => ({ topic: topics.partials, partition: 0, key: model, value: each });
      // Every 20th writing is of one who died after its first part; then comes whoever took over.
      if (index % 20 === 0 && message.type === 'partial') {
        const dead = splitPartial({ ...message, to: message.to - 1 }, 2_048);
        if (dead.length > 1) await log.produce([value(dead[0] as Uint8Array)]);
      }
      await log.produce(parts.map(value));
    }
    const { high } = await log.offsets({ topic: topics.partials, partition: 0 });
    const { stop } = start(log);
    await until(() => isDone(log));
    await stop();
    expect(await committed(log)).toBe(high);
    expect(byId(await eventsOf(log))).toEqual(expected);
    expect(high).toBeGreaterThan(messages.length);
  });

  it('reads on from the first offset of what an undecided pane still needs, after a restart in the middle of parts', async () => {
    const log = await newLog();
    const large = messages.find((message) => message.type === 'partial');
    if (large?.type !== 'partial') throw new Error('no partial');
    const parts = splitPartial(large, 2_048);
    await log.produce(parts.slice(0, -1).map((value) => ({ topic: topics.partials, partition: 0, key: model, value })));
    const { stop } = start(log);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await stop();
    expect(parts.length).toBeGreaterThan(1);
    expect(await committed(log)).toBe(0);
  });

  it('counts what it evaluates, shows what is open, and how late it decides', async () => {
    const counters = new Map<string, number>();
    const gauges = new Map<string, number>();
    const lags: number[] = [];
    const metrics: Metrics = {
      count: (name, labels, amount = 1) => {
        const key = `${name} ${JSON.stringify(labels)}`;
        counters.set(key, (counters.get(key) ?? 0) + amount);
      },
      set: (name, labels, value) => void gauges.set(`${name} ${JSON.stringify(labels)}`, value),
      observe: (_name, _labels, value) => void lags.push(value),
    };
    const log = await newLog();
    await write(log, messages);
    const { stop } = start(log, metrics);
    const open = `tidemark_incidents_open ${JSON.stringify({ model, kind: 'drift' })}`;
    await until(() => gauges.get(open) === 1);
    await until(() => isDone(log));
    await stop();
    expect(await committed(log)).toBe(messages.length);
    expect(gauges.get(open)).toBe(0);
    expect(counters.get('tidemark_panes_decided_total {"clock":"data"}')).toBe(96);
    expect(counters.get('tidemark_evaluations_total {"kind":"drift","verdict":"drift"}')).toBeGreaterThan(0);
    expect(lags.length).toBeGreaterThan(0);
    expect(Math.min(...lags)).toBeGreaterThanOrEqual(0);
  });
});
