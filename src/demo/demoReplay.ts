/** Flights into the topics of a log at a chosen speed, with simulated time as the records' timestamps. */
import { partitionOf } from '../core/record/partitioner.ts';
import type { Clock, Log, OutgoingRecord } from '../log/port.ts';
import type { FlightMessage } from './flights.ts';

/** A source topic and how many partitions it has. */
interface SourceTopic {
  readonly topic: string;
  readonly partitions: number;
}

export interface SourceTopics {
  readonly predictions: SourceTopic;
  readonly feedback: SourceTopic;
}

export interface ReplayOptions {
  readonly log: Log;
  readonly topics: SourceTopics;
  readonly traffic: AsyncIterable<FlightMessage>;
  /** Simulated time at which the traffic begins, epoch milliseconds. */
  readonly fromMs: number;
  /** Simulated milliseconds per millisecond; null: as fast as the log takes them. */
  readonly speed: number | null;
  readonly clock: Clock;
  /** Ends the replay between two batches. */
  readonly signal: AbortSignal;
  /** Asked before every batch: true holds the traffic back for a moment, so that it does not run away from a slow reader. */
  readonly isHeld?: (records: number) => boolean;
  /** Hears after every batch how many records are in the log, and the simulated time. */
  readonly onProgress: (records: number, timeMs: number) => void;
}

/** Largest number of records that are written at once. */
const batchSize = 500;
/** Longest wait between two looks at the clock and the signal. */
const tickMs = 100;

/**
 * Creates the source topics that are missing, for records of the past: kept for ever whatever their age, with the timestamps that they bring. Gives
 * them with the partitions that they have, and how many records were there before.
 */
export async function openSourceTopics(
  log: Log,
  names: { readonly predictions: string; readonly feedback: string },
  partitions: number,
): Promise<{ readonly topics: SourceTopics; readonly heldBefore: number }> {
  const configs = { 'retention.ms': '-1', 'message.timestamp.type': 'CreateTime' };
  await log.createTopics([names.predictions, names.feedback].map((topic) => ({ topic, partitions, configs })));
  const [predictions, feedback] = await Promise.all([names.predictions, names.feedback].map((topic) => log.partitionCount(topic)));
  const topics = {
    predictions: { topic: names.predictions, partitions: predictions ?? partitions },
    feedback: { topic: names.feedback, partitions: feedback ?? partitions },
  };
  const ranges = await Promise.all(
    Object.values(topics).flatMap(({ topic, partitions: count }) =>
      Array.from({ length: count }, (_, partition) => log.offsets({ topic, partition })),
    ),
  );
  return { topics, heldBefore: ranges.reduce((sum, { low, high }) => sum + high - low, 0) };
}

/** Replays until the traffic or the signal ends; gives how many records were written. Records of one id share a partition number. */
export async function replay({ log, topics, traffic, fromMs, speed, clock, signal, isHeld, onProgress }: ReplayOptions): Promise<number> {
  let startedMs = clock.nowMs();
  let written = 0;
  let batch: OutgoingRecord[] = [];
  let timeMs = fromMs;

  async function write(): Promise<void> {
    while (isHeld?.(written) === true && !signal.aborted) {
      await clock.sleep(tickMs);
      // Simulated time stands still meanwhile: what was missed is not hurried through.
      startedMs += tickMs;
    }
    if (batch.length > 0) await log.produce(batch);
    written += batch.length;
    batch = [];
    onProgress(written, timeMs);
  }

  for await (const message of traffic) {
    if (speed !== null) {
      const dueMs = startedMs + (message.timestampMs - fromMs) / speed;
      while (dueMs > clock.nowMs() && !signal.aborted) {
        await write();
        await clock.sleep(Math.min(tickMs, Math.max(1, dueMs - clock.nowMs())));
        timeMs = Math.max(timeMs, Math.min(message.timestampMs, fromMs + (clock.nowMs() - startedMs) * speed));
      }
    }
    if (signal.aborted) break;
    batch.push(recordOf(message, topics));
    timeMs = Math.max(timeMs, message.timestampMs);
    if (batch.length >= batchSize) await write();
  }
  await write();
  return written;
}

function recordOf({ topic, timestampMs, value }: FlightMessage, topics: SourceTopics): OutgoingRecord {
  const target = topics[topic];
  return {
    topic: target.topic,
    partition: partitionOf(value.id, target.partitions),
    key: value.id,
    value: JSON.stringify(value),
    timestampMs,
  };
}
