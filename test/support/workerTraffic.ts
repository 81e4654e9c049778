/** Source topics on a real Kafka with synthetic traffic in them, a configuration file that reads them, and the events that must come of it. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { factKey } from '../../src/core/detect/fact.ts';
import { hourMs, minuteMs } from '../../src/core/duration.ts';
import { DependencyError } from '../../src/core/errors.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { decodeMessage } from '../../src/core/summarize/codec.ts';
import { PartAssembler } from '../../src/core/summarize/parts.ts';
import type { Log, LogRecord, OutgoingRecord, TopicPartition } from '../../src/log/port.ts';
import { type Reference, referenceOf } from '../simulation/reference.ts';
import { bytesOf, closed, type Scenario } from '../simulation/scenario.ts';
import { Random } from './random.ts';
import { syntheticTraffic, type Traffic } from './syntheticTraffic.ts';

/** Partitions of every internal topic. */
const internalPartitions = 4;

export interface WorkerTraffic {
  readonly predictions: string;
  readonly feedback: string;
  readonly traffic: Traffic;
  readonly startMs: number;
  /** End of the last pane that a worker decides: what comes after needs records that nobody has sent. */
  readonly settledMs: number;
}

/**
 * A day of baseline, a new version after 28 hours (its performance is compared with that of the old one), a shift after 50, and when the last label has
 * come, records that close what is before. Nothing is in a topic yet.
 */
export function workerTraffic(prefix: string, seed: number, rowsPerHour: number): WorkerTraffic {
  const startMs = Date.UTC(2026, 2, 1);
  const hours = 56;
  const closingMs = startMs + (hours + 3) * hourMs;
  const traffic = syntheticTraffic({
    random: new Random(seed),
    startMs,
    hours,
    rowsPerHour,
    predictionPartitions: 3,
    feedbackPartitions: 2,
    shiftAtHour: 50,
    models: ['fraud', 'churn'],
  });
  return {
    predictions: `${prefix}-predictions`,
    feedback: `${prefix}-feedback`,
    traffic: closed(traffic, closingMs),
    startMs,
    settledMs: closingMs - 10 * minuteMs,
  };
}

/** Creates the source topics and puts the traffic in them, with the times at which it would have arrived. */
export async function fillTopics(log: Log, { predictions, feedback, traffic }: WorkerTraffic): Promise<void> {
  for (const [topic, partitions] of [
    [predictions, traffic.predictions],
    [feedback, traffic.feedback],
  ] as const) {
    await createSourceTopic(log, topic, partitions.length);
    const records = partitions.flatMap((all, partition) =>
      all.map(({ record, timestampMs }): OutgoingRecord => ({ topic, partition, key: record.id, value: bytesOf(record), timestampMs })),
    );
    await log.produce(records);
  }
}

/** A topic whose records stay, however old they say they are. */
export async function createSourceTopic(log: Log, topic: string, partitions: number): Promise<void> {
  await log.createTopics([{ topic, partitions, configs: { 'retention.ms': '-1' } }]);
}

/** Makes the history of a group before its workers do, without compaction, so that every pane that was ever decided can be looked at in the end. */
export async function keepHistory(log: Log, group: string, partitions = internalPartitions, replicationFactor = 1): Promise<void> {
  const configs = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
  await log.createTopics([{ topic: internalTopics(group).history, partitions, replicationFactor, configs }]);
}

export interface WorkerSetUp {
  readonly group: string;
  /** YAML, in a folder of its own. */
  readonly file: string;
  readonly folder: string;
  readonly config: Config;
}

/** A configuration file as an operator would write it. `change` goes over its top level. */
export function writeConfig(
  group: string,
  brokers: readonly string[],
  { predictions, feedback }: { readonly predictions: string; readonly feedback?: string },
  change: Readonly<Record<string, unknown>> = {},
): WorkerSetUp {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-worker-'));
  const file = join(folder, 'tidemark.yaml');
  const tree = {
    kafka: { brokers, group, start: 'earliest' },
    predictions: { topic: predictions },
    ...(feedback === undefined ? {} : { feedback: { topic: feedback } }),
    window: { hop: '10m', scales: ['2h'], lateness: '5m', idleAfter: '10d', silenceAfter: '10d' },
    performance: { scales: ['4h'], horizon: '3h' },
    baseline: { kind: 'first', duration: '24h' },
    segments: ['plan'],
    topics: { partitions: internalPartitions },
    http: { port: 0 },
    ...change,
  };
  writeFileSync(file, stringify(tree));
  return { group, file, folder, config: loadConfig({ files: [file], env: {}, sets: [] }) };
}

/** The events that a group must write for this traffic: one pass of the core over it, without Kafka. */
export function expectedOf({ config }: WorkerSetUp, { traffic, settledMs }: WorkerTraffic): Reference {
  const scenario: Scenario = { name: 'worker', settings: config.core, traffic, targetMs: settledMs, leadingGap: 0 };
  return referenceOf(scenario);
}

/** All records of a topic that are there now, by partition, each partition in order; no partitions where nobody has created it yet. */
export async function readTopic(log: Log, topic: string): Promise<LogRecord[][]> {
  const partitions = await log.partitionCount(topic).catch((error: unknown) => {
    if (error instanceof DependencyError) return 0;
    throw error;
  });
  return Promise.all(Array.from({ length: partitions }, (_, partition) => readPartition(log, { topic, partition })));
}

async function readPartition(log: Log, at: TopicPartition): Promise<LogRecord[]> {
  const { low, high } = await log.offsets(at);
  if (low === high) return [];
  const records: LogRecord[] = [];
  const reader = await log.read(at, low);
  try {
    for (let position = low; position < high; ) {
      const batch = await reader.next(1_000);
      for (const record of batch?.records ?? []) if (record.offset < high) records.push(record);
      position = batch?.nextOffset ?? position;
    }
  } finally {
    await reader.close();
  }
  return records;
}

export function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : new TextDecoder().decode(bytes);
}

/** Whether every partition of `partials` with a model of the traffic has decided everything that this traffic lets be decided, on both clocks. */
export async function isSettled(log: Log, group: string, settledMs: number): Promise<boolean> {
  const topics = internalTopics(group);
  const decided = factKey({ fact: 'decided', dataEndMs: settledMs, labelEndMs: settledMs });
  const [partials, history] = await Promise.all([readTopic(log, topics.partials), readTopic(log, topics.history)]);
  const busy = partials.map((records) => records.some(({ key }) => ['fraud', 'churn'].includes(textOf(key))));
  return (
    busy.includes(true) && busy.every((isBusy, partition) => !isBusy || history[partition]?.some(({ key }) => textOf(key) === decided))
  );
}

/** Largest position up to which watermark records in every partition of `partials` cover each source partition, gap by gap; -1 where one is missing. */
export async function coveredOffsets(log: Log, group: string): Promise<ReadonlyMap<string, number>[]> {
  const partitions = await readTopic(log, internalTopics(group).partials);
  return partitions.map((records) => {
    const assembler = new PartAssembler();
    const covered = new Map<string, number>();
    for (const { value } of records) {
      if (value === null) continue;
      const message = decodeMessage(value);
      if (message.type === 'part') assembler.add(message);
      if (message.type !== 'watermark') continue;
      const key = `${message.source.topic}/${message.source.partition}`;
      const known = covered.get(key) ?? 0;
      if (message.previous <= known) covered.set(key, Math.max(known, message.position));
    }
    return covered;
  });
}

/** Resolves when the condition holds; the time limit of the test ends what never comes. */
export async function until(condition: () => boolean | Promise<boolean>, everyMs = 200): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, everyMs));
}
