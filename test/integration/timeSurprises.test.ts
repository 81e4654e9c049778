/** Surprises of time and configuration on real Kafka: partitions added while a worker runs, another hop in the same group, partials gone before they were decided. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { parseFactKey, readNode } from '../../src/core/detect/fact.ts';
import { allVersions, type Node } from '../../src/core/detect/node.ts';
import { minuteMs } from '../../src/core/duration.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import type { Metrics } from '../../src/core/metrics.ts';
import { decodeMessage } from '../../src/core/summarize/codec.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { systemClock } from '../../src/log/systemClock.ts';
import { type Role, Worker } from '../../src/stages/worker.ts';
import { collectingLogger } from '../support/collectingLogger.ts';
import { testKafka } from '../support/kafka.ts';
import { runProcess } from '../support/workerProcess.ts';
import { createSourceTopic, readTopic, textOf, until, type WorkerSetUp, writeConfig } from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const group = `surprises-${process.pid}`;
const predictions = `${group}-predictions`;
const topics = internalTopics(group);
const admin = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING }).admin();
const startMs = Date.UTC(2026, 2, 1);
const pane = (minute: number) => startMs + minute * minuteMs;
const logger = collectingLogger();
const counters = new Map<string, number>();
const metrics: Metrics = {
  count: (name, _labels, amount = 1) => void counters.set(name, (counters.get(name) ?? 0) + amount),
  set() {},
  observe() {},
};

let log: KafkaLog;
let at: WorkerSetUp;
const running: (() => Promise<void>)[] = [];

beforeAll(async () => {
  // New partitions are looked for every second, not every minute.
  log = await KafkaLog.open({ brokers, metadataMaxAgeMs: 1_000 }, createLogger('silent'));
  await admin.connect();
  await createSourceTopic(log, predictions, 2);
  const window = { hop: '1m', scales: ['12m'], lateness: '5m', idleAfter: '10d', silenceAfter: '10d' };
  at = writeConfig(group, brokers, { predictions }, { window, segments: [], performance: { scales: ['1h'], horizon: '1h' } });
});
afterAll(async () => {
  await Promise.all(running.map((stop) => stop()));
  await admin.disconnect();
  await log.close();
});

function start(...roles: Role[]): () => Promise<void> {
  const controller = new AbortController();
  const ended = new Worker({ config: at.config, log, roles, clock: systemClock, logger, metrics, release: 'test' }).run(controller.signal);
  const stop = async () => {
    controller.abort();
    await ended;
  };
  running.push(stop);
  return stop;
}

/** Two rows a minute in each of these partitions. */
async function produce(partitions: readonly number[], fromMinute: number, toMinute: number): Promise<void> {
  const minutes = Array.from({ length: toMinute - fromMinute }, (_, index) => fromMinute + index);
  await log.produce(
    partitions.flatMap((partition) =>
      minutes.flatMap((minute) =>
        [0, 1].map((row) => {
          const value = {
            id: `${partition}-${minute}-${row}`,
            ts: pane(minute) + row,
            model: 'fraud',
            features: { amount: row },
            prediction: 'ok',
          };
          return { topic: predictions, partition, key: null, value: JSON.stringify(value), timestampMs: pane(minute) + row };
        }),
      ),
    ),
  );
}

/** Decided panes of the model by minute of their end. */
async function panes(): Promise<Map<number, Node>> {
  const nodes = new Map<number, Node>();
  for (const { key, value } of (await readTopic(log, topics.history)).flat()) {
    const subject = parseFactKey(textOf(key));
    if (subject?.fact !== 'node' || value === null || subject.model !== 'fraud' || subject.stepMs !== minuteMs) continue;
    if (subject.cell.version !== allVersions || subject.cell.segment !== null) continue;
    const node = readNode([value], subject.stepMs, subject.endMs);
    if (node !== null) nodes.set((node.endMs - startMs) / minuteMs, node);
  }
  return nodes;
}

const rowsOf = (nodes: ReadonlyMap<number, Node>, fromMinute: number, toMinute: number) =>
  Array.from({ length: toMinute - fromMinute }, (_, index) => nodes.get(fromMinute + index + 1)?.rows ?? 0);
const isDecided = async (minute: number) => (await panes()).has(minute);

/** Whether summarize has told of a source partition up to a minute. */
async function isSummarized(partition: number, minute: number): Promise<boolean> {
  const messages = (await readTopic(log, topics.partials)).flat().map(({ value }) => (value === null ? null : decodeMessage(value)));
  return messages.some((one) => one?.type === 'watermark' && one.source.partition === partition && one.watermarkMs >= pane(minute - 6));
}

it('reads a partition that is added while it runs from its beginning, counts all of it, and does not stall', async () => {
  const stop = start('summarize', 'detect');
  await produce([0, 1], 0, 60);
  await until(() => isDecided(50));
  await admin.createPartitions({ topicPartitions: [{ topic: predictions, count: 3 }] });
  await produce([2], 60, 120);
  await until(() => isSummarized(2, 119));
  await produce([0, 1], 60, 120);
  await until(() => isDecided(112));
  const nodes = await panes();
  expect(rowsOf(nodes, 0, 60)).toEqual(Array.from({ length: 60 }, () => 4));
  expect(rowsOf(nodes, 60, 112)).toEqual(Array.from({ length: 52 }, () => 6));
  const marked = [...nodes].filter(([, { inexact }]) => inexact.includes('new-partition')).map(([minute]) => minute);
  expect(marked.length).toBeGreaterThan(0);
  expect(Math.min(...marked)).toBeGreaterThan(50);
  expect(Math.max(...marked)).toBeLessThan(70);
  expect(counters.get('tidemark_partials_after_decision_total') ?? 0).toBe(0);
  await stop();
}, 120_000);

it('ends a worker with another hop with exit code 2, and says what to do', async () => {
  const other = at.file.replace('.yaml', '-other.yaml');
  writeFileSync(other, readFileSync(at.file, 'utf8').replace('hop: 1m', 'hop: 5m').replace('- 12m', '- 1h'));
  const { code, err } = await runProcess(['worker', '--config', other, '--roles', 'summarize,detect']);
  expect({ code, err }).toMatchObject({ code: 2 });
  expect(err).toMatch(
    /window\.hop: is 5m, but the panes of group \\?"surprises-\d+\\?" are 1m long.*begin anew under another kafka\.group/,
  );
}, 60_000);

it('says that partials were deleted before they were decided, marks what may miss them, and goes on', async () => {
  const stopSummarize = start('summarize');
  await produce([0, 1, 2], 120, 180);
  for (const partition of [0, 1, 2]) await until(() => isSummarized(partition, 179));
  const ends = await admin.fetchTopicOffsets(topics.partials);
  await admin.deleteTopicRecords({ topic: topics.partials, partitions: ends.map(({ partition, high }) => ({ partition, offset: high })) });
  const stopDetect = start('detect');
  await until(() => logger.lines.some(({ message }) => message.includes('records that were not decided are gone')));
  await produce([0, 1, 2], 180, 240);
  await until(() => isDecided(232));
  const nodes = await panes();
  expect(rowsOf(nodes, 180, 232)).toEqual(Array.from({ length: 52 }, () => 6));
  for (const [minute, { rows, inexact }] of nodes) {
    if (minute <= 112 || minute > 190) expect([minute, inexact.includes('lost-partials')]).toEqual([minute, false]);
    else if (rows !== 6) expect([minute, inexact]).toEqual([minute, ['lost-partials']]);
  }
  expect(nodes.get(150)).toBeUndefined();
  expect(counters.get('tidemark_partials_lost_total')).toBeGreaterThan(0);
  await stopDetect();
  await stopSummarize();
}, 120_000);
