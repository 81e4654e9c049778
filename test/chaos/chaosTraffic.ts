/**
 * What is written to the topics of a chaos run: synthetic traffic of two models that drift again and again, with everything in it that a producer gets
 * wrong (late, unusable, repeated and reused ids, labels without a model), behind a prefix of offsets that hold no record, so that every partition
 * leaves its first chunk of 65,536 offsets in the middle of the run.
 */
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { hourMs } from '../../src/core/duration.ts';
import type { FeedbackRecord, InvalidReason, PredictionRecord } from '../../src/core/record/record.ts';
import { chunkSize } from '../../src/core/summarize/messages.ts';
import type { Log, OutgoingRecord } from '../../src/log/port.ts';
import { bytesOf, closed } from '../simulation/scenario.ts';
import type { Random } from '../support/random.ts';
import { type SourceRecord, syntheticTraffic } from '../support/syntheticTraffic.ts';
import { readTopic, textOf } from '../support/workerTraffic.ts';

/** A record as it is written. `invalid`: why it can be used for nothing; null where it can. */
interface ChaosRecord<R> extends SourceRecord<R> {
  readonly invalid: InvalidReason | null;
}

export interface ChaosTraffic {
  readonly predictions: ChaosRecord<PredictionRecord>[][];
  readonly feedback: ChaosRecord<FeedbackRecord>[][];
}

export interface ChaosPlan {
  readonly traffic: ChaosTraffic;
  /** Offsets without a record at the beginning of every partition. */
  readonly leadingGap: number;
  /** End of the last pane that must be decided. */
  readonly settledMs: number;
}

export interface SourceTopics {
  readonly predictions: string;
  readonly feedback: string;
}

export const sourcePartitions = 12;
const feedbackPartitions = 4;
const startMs = Date.UTC(2026, 2, 1);
const rowsPerHour = 240;
/** Hours of event time that five minutes of bad weather see: a day to learn from, a shift, its end, and the beginning of another. */
const fewestHours = 40;

/** The traffic of a run of so many minutes: about four hours of event time a minute, so that a pane closes every few seconds. */
export function planTraffic(random: Random, minutes: number): ChaosPlan {
  const hours = fewestHours + Math.round(Math.max(0, minutes - 5) * 3.6);
  const even = syntheticTraffic({
    random,
    startMs,
    hours,
    rowsPerHour,
    predictionPartitions: sourcePartitions,
    feedbackPartitions,
    shiftedHours: shiftsUntil(hours),
    models: ['fraud', 'churn'],
  });
  const closingMs = startMs + (hours + 3) * hourMs;
  const { predictions, feedback } = closed(even, closingMs);
  const traffic = {
    predictions: repeated(predictions, random).map((records) =>
      // The first stays the first: what comes before any event time is in no pane, and in no decision.
      records.flatMap((one, index) => [...(index === 0 ? [] : brokenPrediction(one, random)), valid(one)]),
    ),
    feedback: feedback.map((records) => records.flatMap((one) => [...brokenLabel(one, random), valid(one), ...correction(one, random)])),
  };
  const middle = Math.floor((hours * rowsPerHour) / sourcePartitions / 2);
  // Lateness keeps the panes just before the closing records open.
  return { traffic, leadingGap: chunkSize - middle, settledMs: closingMs - 10 * 60_000 };
}

/** Five hours each; every other one comes back before its issue is too old to be reopened (`alerts.reopenWithin`, 6 h here). */
function shiftsUntil(hours: number): (readonly [number, number])[] {
  const shifts: (readonly [number, number])[] = [];
  for (let from = 30, gap = 3; from < hours; from += 5 + gap, gap = gap === 3 ? 9 : 3) shifts.push([from, from + 5]);
  return shifts;
}

/** Some records a second time, as a producer that had no answer sends them, and some ids again in another partition for another prediction. */
function repeated(partitions: readonly (readonly SourceRecord<PredictionRecord>[])[], random: Random): SourceRecord<PredictionRecord>[][] {
  const result: SourceRecord<PredictionRecord>[][] = partitions.map(() => []);
  for (const [partition, records] of partitions.entries()) {
    for (const [index, one] of records.entries()) {
      const { record, timestampMs } = one;
      result[partition]?.push(one);
      const dice = random.next();
      if (index === 0 || index === records.length - 1) continue;
      if (dice < 0.01) result[partition]?.push(one);
      else if (dice < 0.015) {
        const features = { ...record.features, amount: random.int(1_000) };
        result[random.int(partitions.length)]?.push({ record: { ...record, features }, timestampMs });
      }
    }
  }
  // Stable: what arrived at the same time stays in the order in which it was written.
  return result.map((records) => records.sort((left, right) => left.timestampMs - right.timestampMs));
}

function valid<R>({ record, timestampMs }: SourceRecord<R>): ChaosRecord<R> {
  return { record, timestampMs, invalid: null };
}

/** Now and then something before a record that is none: no JSON, no id, no time, or a clock that runs ahead. */
function brokenPrediction({ record, timestampMs }: SourceRecord<PredictionRecord>, random: Random): ChaosRecord<PredictionRecord>[] {
  const dice = random.next();
  if (dice >= 0.02) return [];
  if (dice < 0.005) return [{ record, timestampMs, raw: bytesOf(record).slice(0, -2), invalid: 'not-json' }];
  if (dice < 0.01) return [{ record: { ...record, id: '' }, timestampMs, invalid: 'no-id' }];
  if (dice < 0.015) return [{ record: { ...record, timeMs: Number.NaN }, timestampMs, invalid: 'no-time' }];
  return [{ record: { ...record, timeMs: timestampMs + 5 * hourMs }, timestampMs, invalid: 'ahead-of-log' }];
}

function brokenLabel({ record, timestampMs }: SourceRecord<FeedbackRecord>, random: Random): ChaosRecord<FeedbackRecord>[] {
  if (random.next() >= 0.01) return [];
  return [{ record, timestampMs, raw: JSON.stringify({ id: record.id, ts: record.timeMs }), invalid: 'no-label' }];
}

/** Now and then the same label again, the other way round: the later one counts. */
function correction({ record, timestampMs }: SourceRecord<FeedbackRecord>, random: Random): ChaosRecord<FeedbackRecord>[] {
  if (random.next() >= 0.01) return [];
  return [valid({ record: { ...record, timeMs: record.timeMs + 1, label: record.label === 'ok' ? 'fraud' : 'ok' }, timestampMs })];
}

/** Fills the beginning of every partition with records of a transaction that is aborted: offsets that no reader gets anything for. */
export async function writePrefix(brokers: readonly string[], topics: SourceTopics, plan: ChaosPlan): Promise<void> {
  const client = new Kafka({ clientId: 'chaos-prefix', brokers: [...brokers], logLevel: logLevel.NOTHING });
  for (const [topic, partitions] of [
    [topics.predictions, plan.traffic.predictions.length],
    [topics.feedback, plan.traffic.feedback.length],
  ] as const) {
    const producer = client.producer({ transactionalId: `chaos-prefix-${topic}`, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    // The marker of the abort takes the last offset.
    for (let left = plan.leadingGap - 1; left > 0; left -= 5_000) {
      const count = Math.min(left, 5_000);
      for (let partition = 0; partition < partitions; partition++) {
        const messages = Array.from({ length: count }, () => ({ partition, value: '' }));
        await transaction.send({ topic, messages, compression: CompressionTypes.GZIP });
      }
    }
    await transaction.abort();
    await producer.disconnect();
  }
}

/** All records in the order of their time. Keys are unique, so that what stands in the topics can be told apart: the partition and the place in it. */
export function outgoing(topics: SourceTopics, traffic: ChaosTraffic): OutgoingRecord[] {
  const records: OutgoingRecord[] = [];
  for (const role of ['predictions', 'feedback'] as const) {
    for (const [partition, all] of traffic[role].entries()) {
      for (const [place, { record, raw, timestampMs }] of all.entries())
        records.push({ topic: topics[role], partition, key: keyOf(partition, place), value: raw ?? bytesOf(record), timestampMs });
    }
  }
  return records.sort((left, right) => (left.timestampMs ?? 0) - (right.timestampMs ?? 0));
}

/**
 * The traffic as it stands in the topics: a write that was repeated while brokers went away is there twice, and counts twice. Says what is not as the
 * oracle takes it to be: a record that nobody wrote, or that is missing, or an offset that is left out behind the prefix.
 */
export async function readBack(log: Log, topics: SourceTopics, plan: ChaosPlan, problems: string[]): Promise<ChaosTraffic> {
  return {
    predictions: await recordsOf(log, topics.predictions, plan.traffic.predictions, plan.leadingGap, problems),
    feedback: await recordsOf(log, topics.feedback, plan.traffic.feedback, plan.leadingGap, problems),
  };
}

async function recordsOf<R>(
  log: Log,
  topic: string,
  written: readonly (readonly ChaosRecord<R>[])[],
  leadingGap: number,
  problems: string[],
): Promise<ChaosRecord<R>[][]> {
  return (await readTopic(log, topic)).map((records, partition) => {
    const known = new Map((written[partition] ?? []).map((one, place) => [keyOf(partition, place), one]));
    const seen = new Set<string>();
    const there = records.flatMap(({ key, offset }, index) => {
      if (offset !== leadingGap + index) problems.push(`${topic}/${partition}: offset ${offset}, expected ${leadingGap + index}`);
      const one = known.get(textOf(key));
      if (one === undefined) problems.push(`${topic}/${partition} holds "${textOf(key)}" at offset ${offset}, which nobody wrote`);
      seen.add(textOf(key));
      return one ?? [];
    });
    for (const key of known.keys())
      if (!seen.has(key)) problems.push(`${topic}/${partition}: the record "${key}" was acknowledged and is not there`);
    return there;
  });
}

function keyOf(partition: number, place: number): string {
  return `${partition}-${place}`;
}
