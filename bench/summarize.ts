/**
 * The summarize stage on a real Kafka against the least that any consumer of JSON does: kafkajs eachBatch and JSON.parse of every value. Both read the same topic from its beginning, in
 * this process; counted is the CPU time of the process, its threads included, from joining the group to having left it.
 */
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { internalTopics } from '../src/core/incident/topics.ts';
import type { Logger } from '../src/core/logger.ts';
import { type Metrics, noMetrics } from '../src/core/metrics.ts';
import { startKafka } from '../src/demo/kafka/startKafka.ts';
import { KafkaLog } from '../src/log/kafka/kafkaLog.ts';
import type { OutgoingRecord } from '../src/log/port.ts';
import { systemClock } from '../src/log/systemClock.ts';
import { SummarizeStage } from '../src/stages/summarize.ts';
import { benchSettings, predictionTraffic, trafficStartMs } from './support/predictions.ts';
import type { BenchResult } from './types.ts';

const messages = 400_000;
const partitions = 4;
/** Two models at 100 predictions a second each: a pane of 5 minutes holds 60,000. */
const stepMs = 5;
const topic = 'bench-predictions';

const quiet: Logger = { error: console.error, warn: console.error, info() {}, debug() {} };

export async function run(): Promise<BenchResult> {
  const cacheDir = join(import.meta.dirname, '..', '.cache');
  const kafka = await startKafka({ report: (line) => process.stderr.write(`${line}\n`), cacheDir, allowMemory: false });
  const log = await KafkaLog.open({ brokers: kafka.brokers }, quiet);
  try {
    const bytes = await fill(log);
    // Once before it counts, so that neither side pays for compiling.
    await parseAll(kafka.brokers, 'warm');
    await summarizeAll(log, 'warm');
    const parseSeconds = await parseAll(kafka.brokers, 'measured');
    const summarizeSeconds = await summarizeAll(log, 'measured');
    const perMillion = (seconds: number) => (seconds * 1e6) / messages;
    return {
      name: 'summarize',
      figures: {
        parseCpuSecondsPerMillion: perMillion(parseSeconds),
        summarizeCpuSecondsPerMillion: perMillion(summarizeSeconds),
        messageBytes: bytes / messages,
      },
      ratios: { summarize: parseSeconds / summarizeSeconds },
      compared:
        `The summarize stage on real Kafka against "kafkajs eachBatch + JSON.parse, nothing else", CPU seconds of the process per million messages; ${messages} messages of ` +
        `20 features in ${partitions} partitions, uncompressed, 2 models, panes of 5 minutes. The ratio is the CPU time of the latter over that of the former.`,
    };
  } finally {
    await log.close();
    await kafka.stop();
  }
}

async function fill(log: KafkaLog): Promise<number> {
  const configs = { 'retention.ms': '-1', 'message.timestamp.after.max.ms': String(2 ** 53) };
  await log.createTopics([{ topic, partitions, configs }]);
  let bytes = 0;
  let pending: OutgoingRecord[] = [];
  let index = 0;
  for (const value of predictionTraffic(messages, stepMs)) {
    bytes += value.length;
    pending.push({ topic, partition: index % partitions, key: null, value, timestampMs: trafficStartMs + index * stepMs });
    index += 1;
    if (pending.length < 4_000) continue;
    await log.produce(pending);
    pending = [];
  }
  await log.produce(pending);
  return bytes;
}

async function parseAll(brokers: readonly string[], run: string): Promise<number> {
  const start = process.cpuUsage();
  const kafka = new Kafka({ clientId: 'bench', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `bench-parse-${run}`, maxWaitTimeInMs: 250 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let seen = 0;
  let models = 0;
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        partitionsConsumedConcurrently: partitions,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) {
            const parsed: unknown = value === null ? null : JSON.parse(value.toString());
            if (typeof parsed === 'object' && parsed !== null && 'model' in parsed) models += 1;
          }
          seen += batch.messages.length;
          if (seen >= messages) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  if (models !== messages) throw new Error(`${models} of ${messages} messages were predictions`);
  return cpuSeconds(start);
}

async function summarizeAll(log: KafkaLog, run: string): Promise<number> {
  const settings = benchSettings(`bench-summarize-${run}`, topic);
  const topics = internalTopics(settings.group);
  await log.createTopics([topics.partials, topics.deadLetters].map((name) => ({ topic: name, partitions: 12, configs: {} })));
  const start = process.cpuUsage();
  const stop = new AbortController();
  let seen = 0;
  const metrics: Metrics = {
    ...noMetrics,
    count(name, _labels, amount = 1) {
      if (name !== 'tidemark_records_read_total') return;
      seen += amount;
      if (seen >= messages) stop.abort();
    },
  };
  const stage = new SummarizeStage({ log, settings, start: 'earliest', deadLetterShare: 0.1, clock: systemClock, logger: quiet, metrics });
  await stage.run(stop.signal);
  return cpuSeconds(start);
}

function cpuSeconds(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
