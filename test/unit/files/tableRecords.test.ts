import { describe, expect, it } from 'vitest';
import { rowMessages } from '../../../src/files/tableRecords.ts';

function messageOf(columns: readonly string[], values: readonly unknown[], role: 'predictions' | 'feedback' = 'predictions'): unknown {
  return JSON.parse(new TextDecoder().decode(rowMessages(columns, role)(values)));
}

describe('a row of a table as a message', () => {
  it('leaves null and undefined out, and columns that are no part of a record', () => {
    expect(messageOf(['id', 'features.a', 'features.b', 'other'], ['x', null, undefined, 1])).toEqual({ id: 'x' });
    expect(messageOf(['id', 'label', 'amount'], ['x', 1, 2], 'feedback')).toEqual({ id: 'x', label: 1 });
  });

  it('keeps ids of 64 bits exact, as text', () => {
    expect(messageOf(['id', 'ts', 'count'], [9007199254740993n, 1700000000000n, 5n])).toEqual({
      id: '9007199254740993',
      ts: 1700000000000,
      features: { count: 5 },
    });
  });

  it('takes a column of objects named features as it is, and then no other column as a feature', () => {
    expect(messageOf(['id', 'features', 'x'], ['1', { a: 1n, b: Number.NaN }, 2])).toEqual({ id: '1', features: { a: 1, b: 'NaN' } });
  });

  it('turns times into ISO text where they are the event time, into epoch milliseconds where they are a feature', () => {
    const time = new Date('2026-01-01T00:00:00Z');
    expect(messageOf(['ts', 'features.opened'], [time, time])).toEqual({
      ts: '2026-01-01T00:00:00.000Z',
      features: { opened: time.getTime() },
    });
  });
});
