/** From what kafkajs decoded of one partition to a `Batch`. On the hot path: one small object per record, no closure. */
import { createRequire } from 'node:module';
import { InvariantError } from '../../core/errors.ts';
import type { Batch, LogRecord } from '../port.ts';

/** A record as kafkajs decodes it. */
export interface RawMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly isControlRecord?: boolean;
  /** The batch on the broker that the record came in; absent in message formats before Kafka 0.11. */
  readonly batchContext?: { readonly firstOffset: string; readonly lastOffsetDelta: number };
}

export interface PartitionResponse {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset?: string;
  readonly abortedTransactions?: readonly unknown[];
  readonly messages: readonly RawMessage[];
}

export interface FetchResponse {
  /** How long the broker's quota keeps us waiting, milliseconds: the first where the broker waits, the second where kafkajs does. */
  readonly throttleTime?: number;
  readonly clientSideThrottleTime?: number;
  readonly responses: ReadonlyArray<{ readonly topicName: string; readonly partitions: readonly PartitionResponse[] }>;
}

export interface FetchedBatch {
  readonly batch: Batch;
  /** Bytes of keys and values. */
  readonly bytes: number;
}

type AbortFilter = (input: { messages: readonly RawMessage[]; abortedTransactions: readonly unknown[] }) => readonly RawMessage[];
const withoutAborted: AbortFilter = createRequire(import.meta.url)('kafkajs/src/consumer/filterAbortedMessages.js');

/**
 * The batch of a response, or null where it brings nothing. Records of aborted transactions and control records are left out but move the
 * position, as does what compaction took from the end of a broker's batch.
 */
export function batchOf(topic: string, response: PartitionResponse, fetchOffset: number): FetchedBatch | null {
  const { partition, abortedTransactions = [], messages } = response;
  const last = messages.at(-1);
  if (last === undefined) return null;
  const nextOffset = Math.max(fetchOffset, endOf(last));
  if (nextOffset === fetchOffset) return null;

  const visible = abortedTransactions.length === 0 ? messages : withoutAborted({ messages, abortedTransactions });
  const records: LogRecord[] = [];
  let bytes = 0;
  for (const { offset: text, timestamp, key, value, isControlRecord } of visible) {
    // A broker's batch is sent whole, so it may begin before the offset that was asked for.
    const offset = Number(text);
    if (isControlRecord === true || offset < fetchOffset) continue;
    records.push({ offset, timestampMs: Number(timestamp), key, value });
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
  }
  return { batch: { topic, partition, records, nextOffset }, bytes };
}

/** An offset as a number. Beyond 2^53 a float loses digits: no topic gets there, and one that does must not be read wrongly. */
export function safeOffset(text: string): number {
  const offset = Number(text);
  if (!Number.isSafeInteger(offset)) throw new InvariantError(`Offset ${text} cannot be counted exactly`);
  return offset;
}

/** Position after the broker's batch that the record came in. */
function endOf({ offset, batchContext }: RawMessage): number {
  if (batchContext === undefined) return safeOffset(offset) + 1;
  return safeOffset(batchContext.firstOffset) + batchContext.lastOffsetDelta + 1;
}
