import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../../src/core/errors.ts';
import { batchOf, type PartitionResponse, type RawMessage, safeOffset } from '../../../../src/log/kafka/fetchResponse.ts';

function message(offset: number, more: Partial<RawMessage> = {}): RawMessage {
  return { offset: String(offset), timestamp: String(1_000 + offset), key: null, value: Buffer.from(`v${offset}`), ...more };
}

function response(messages: readonly RawMessage[], more: Partial<PartitionResponse> = {}): PartitionResponse {
  return { partition: 3, highWatermark: '100', lastStableOffset: '100', abortedTransactions: [], messages, ...more };
}

describe('the batch of a fetch response', () => {
  test('holds the records from the offset on that was asked for', () => {
    const fetched = batchOf('t', response([message(4), message(5), message(6)]), 5);
    expect(fetched?.batch).toEqual({
      topic: 't',
      partition: 3,
      nextOffset: 7,
      records: [5, 6].map((offset) => ({ offset, timestampMs: 1_000 + offset, key: null, value: Buffer.from(`v${offset}`) })),
    });
    expect(fetched?.bytes).toBe(4);
  });

  test('ends where the broker’s batch ends, which compaction may have emptied at its end', () => {
    const batchContext = { firstOffset: '10', lastOffsetDelta: 9 };
    expect(batchOf('t', response([message(12, { batchContext })]), 10)?.batch.nextOffset).toBe(20);
  });

  test('leaves control records out and moves past them', () => {
    const fetched = batchOf('t', response([message(0), message(1, { isControlRecord: true })]), 0);
    expect(fetched?.batch.records.map(({ offset }) => offset)).toEqual([0]);
    expect(fetched?.batch.nextOffset).toBe(2);
  });

  test('may hold no record and still move the position', () => {
    expect(batchOf('t', response([message(7, { isControlRecord: true })]), 7)?.batch).toMatchObject({ records: [], nextOffset: 8 });
  });

  test('is none where the response brings nothing new', () => {
    expect(batchOf('t', response([]), 5)).toBeNull();
    expect(batchOf('t', response([message(3), message(4)]), 5)).toBeNull();
  });
});

describe('an offset', () => {
  test('that a number cannot hold exactly stops the reading', () => {
    expect(safeOffset('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => safeOffset('9007199254740993')).toThrow(InvariantError);
  });
});
