/** A worker in this process whose log lines and metrics a test can look at, and what it must have written in the end. */
import { expect } from 'vitest';
import { canonicalJson } from '../../../src/core/canonicalJson.ts';
import { parseFactKey } from '../../../src/core/detect/fact.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import type { Metrics } from '../../../src/core/metrics.ts';
import type { FeedbackRecord, PredictionRecord } from '../../../src/core/record/record.ts';
import { KafkaLog } from '../../../src/log/kafka/kafkaLog.ts';
import type { Log, OutgoingRecord } from '../../../src/log/port.ts';
import { systemClock } from '../../../src/log/systemClock.ts';
import { roles, Worker } from '../../../src/stages/worker.ts';
import { bytesOf } from '../../simulation/scenario.ts';
import { type CollectingLogger, collectingLogger } from '../collectingLogger.ts';
import type { SourceRecord } from '../syntheticTraffic.ts';
import { coveredOffsets, expectedOf, readTopic, textOf, type WorkerSetUp, type WorkerTraffic } from '../workerTraffic.ts';

export interface WatchedWorker {
  readonly logger: CollectingLogger;
  /** Sum of a counter, or of the present values of a gauge, over those labels that contain the given ones. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** The largest value that a gauge has ever had, summed over its labels. */
  highest(name: string): number;
  /** Resolves when the condition holds; rejects with what the worker ended with. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  stop(): Promise<void>;
}

export async function startWatchedWorker(at: WorkerSetUp, brokers: readonly string[], clientId = 'tidemark'): Promise<WatchedWorker> {
  const logger = collectingLogger();
  const values = new Map<string, { readonly name: string; readonly labels: Readonly<Record<string, unknown>>; value: number }>();
  const highest = new Map<string, number>();
  const change = (name: string, labels: Readonly<Record<string, unknown>>, next: (before: number) => number) => {
    const key = `${name} ${canonicalJson(labels)}`;
    const entry = values.get(key) ?? { name, labels, value: 0 };
    entry.value = next(entry.value);
    values.set(key, entry);
  };
  const sum = (name: string, wanted: Readonly<Record<string, string>> = {}) => {
    let total = 0;
    for (const { name: own, labels, value } of values.values())
      if (own === name && Object.entries(wanted).every(([label, text]) => labels[label] === text)) total += value;
    return total;
  };
  const metrics: Metrics = {
    count: (name, labels, amount = 1) => change(name, labels, (before) => before + amount),
    set(name, labels, value) {
      change(name, labels, () => value);
      highest.set(name, Math.max(highest.get(name) ?? 0, sum(name)));
    },
    observe() {},
  };
  const log = await KafkaLog.open({ brokers, clientId }, logger, systemClock, metrics);
  const stopping = new AbortController();
  const worker = new Worker({ config: at.config, log, roles, clock: systemClock, logger, metrics, release: 'test' });
  let failure: unknown = null;
  const running = worker.run(stopping.signal).catch((error: unknown) => {
    failure = error;
  });
  return {
    logger,
    sum,
    highest: (name) => highest.get(name) ?? 0,
    async until(condition) {
      while (failure === null && !(await condition())) await new Promise((resolve) => setTimeout(resolve, 100));
      if (failure !== null) throw failure;
    },
    async stop() {
      if (stopping.signal.aborted) return;
      stopping.abort();
      await running;
      await log.close();
    },
  };
}

/** Puts a share of the traffic into its topics, in the order of each partition. */
export async function writeShare(log: Log, source: WorkerTraffic, from: number, to: number): Promise<void> {
  const records: OutgoingRecord[] = [];
  for (const [topic, partitions] of [
    [source.predictions, source.traffic.predictions],
    [source.feedback, source.traffic.feedback],
  ] as const) {
    for (const [partition, all] of partitions.entries()) {
      for (const { record, timestampMs } of all.slice(Math.floor(from * all.length), Math.floor(to * all.length)))
        records.push({ topic, partition, key: record.id, value: bytesOf(record), timestampMs });
    }
  }
  await log.produce(records);
}

/** The traffic as it stands in its topics: what was written once more, because its acknowledgement did not come, is there twice and counts twice. */
async function asWritten(log: Log, source: WorkerTraffic): Promise<WorkerTraffic> {
  const { predictions, feedback } = source.traffic;
  return {
    ...source,
    traffic: { predictions: await found(log, source.predictions, predictions), feedback: await found(log, source.feedback, feedback) },
  };
}

async function found<R extends PredictionRecord | FeedbackRecord>(
  log: Log,
  topic: string,
  planned: SourceRecord<R>[][],
): Promise<SourceRecord<R>[][]> {
  const known = new Map(planned.flat().map((one) => [bytesOf(one.record), one]));
  const written = (await readTopic(log, topic)).map((records) => records.flatMap(({ value }) => known.get(textOf(value)) ?? []));
  expect(written.map((all) => new Set(all))).toEqual(planned.map((all) => new Set(all)));
  return written;
}

/** Nothing lost, nothing doubled: events and decided panes are, byte for byte, those of one pass over the same records, and every offset is covered. */
export async function expectFold(log: Log, at: WorkerSetUp, planned: WorkerTraffic): Promise<void> {
  const source = await asWritten(log, planned);
  const expected = expectedOf(at, source);
  const topics = internalTopics(at.group);
  const events = new Set((await readTopic(log, topics.events)).flat().map(({ value }) => canonicalJson(JSON.parse(textOf(value)))));
  expect([...events].sort()).toEqual([...expected.eventTexts.values()].sort());
  let panes = 0;
  for (const { key, value } of (await readTopic(log, topics.history)).flat()) {
    const subject = parseFactKey(textOf(key));
    if (subject?.fact !== 'node' || value === null || subject.endMs > source.settledMs) continue;
    panes += 1;
    const fact = expected.facts.get(textOf(key));
    if (fact === undefined || !Buffer.from(fact).equals(Buffer.from(value)))
      throw new Error(`The pane ${textOf(key)} is not that of one pass over the records`);
  }
  expect(panes).toBeGreaterThan(100);
  const ends: Record<string, number> = {};
  for (const [topic, partitions] of [
    [source.predictions, source.traffic.predictions],
    [source.feedback, source.traffic.feedback],
  ] as const) {
    for (const [partition, records] of partitions.entries()) ends[`${topic}/${partition}`] = records.length;
  }
  for (const covered of await coveredOffsets(log, at.group)) expect(Object.fromEntries(covered)).toEqual(ends);
}

/** Lines of warning or error, as a person would count them. */
export function loudLines(worker: WatchedWorker): string[] {
  return worker.logger.lines.filter(({ level }) => level !== 'info').map(({ message }) => message);
}
