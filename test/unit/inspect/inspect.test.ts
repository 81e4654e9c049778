import { describe, expect, it } from 'vitest';
import { factKey, jsonValue } from '../../../src/core/detect/fact.ts';
import { encodeMessage } from '../../../src/core/summarize/codec.ts';
import type { PartialRecord, WatermarkRecord } from '../../../src/core/summarize/messages.ts';
import { auditPartials } from '../../../src/inspect/audit.ts';
import { readableRecord } from '../../../src/inspect/readable.ts';
import { scan } from '../../../src/inspect/scan.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import type { LogRecord } from '../../../src/log/port.ts';

const source = { role: 'predictions', topic: 'scored', partition: 0 } as const;
const topic = 'g.partials';

function watermark(previous: number, position: number, watermarkMs = position): WatermarkRecord {
  return { type: 'watermark', source, position, previous, watermarkMs, partitions: 1 };
}

const partial: PartialRecord = {
  type: 'partial',
  source,
  chunk: 0,
  paneMs: 0,
  model: 'fraud',
  from: 0,
  to: 10,
  first: 0,
  complete: true,
  configHash: 'abcd',
  cells: [
    {
      version: '1',
      segment: null,
      rows: 1,
      capped: 0,
      predictions: null,
      feedback: null,
      series: new Map([
        [
          'amount',
          {
            numeric: {
              count: 1,
              zeros: 0,
              min: 2,
              max: 2,
              mean: 2,
              m2: 0,
              centroids: { means: Float64Array.of(2), weights: Float64Array.of(1) },
            },
            categories: null,
            nonFinite: 0,
            unsupported: 0,
          },
        ],
      ]),
    },
  ],
  counts: null,
};

function record(key: string | null, value: Uint8Array | string | null): LogRecord {
  const bytes = (text: Uint8Array | string | null): Uint8Array | null => (typeof text === 'string' ? Buffer.from(text) : text);
  return { offset: 0, timestampMs: 0, key: bytes(key), value: bytes(value) };
}

async function auditOf(messages: readonly (WatermarkRecord | PartialRecord)[]) {
  const log = new MemoryLog();
  await log.createTopics([{ topic, partitions: 2, configs: {} }]);
  for (const partition of [0, 1])
    await log.produce(messages.map((message) => ({ topic, partition, key: null, value: encodeMessage(message) })));
  return auditPartials(log, topic);
}

describe('the audit of partials', () => {
  it('finds no gap where every watermark record begins where the known ends', async () => {
    const { coverage, records } = await auditOf([partial, watermark(0, 10), watermark(10, 30)]);
    expect(coverage).toEqual([{ source, from: 0, to: 30, gaps: [], watermarkMs: 30 }]);
    expect(records).toMatchObject({ partial: 2, watermark: 4, unreadable: 0 });
  });

  it('takes what a restart or a zombie says again for no gap', async () => {
    const { coverage } = await auditOf([watermark(0, 10), watermark(10, 30), watermark(5, 20), watermark(20, 40)]);
    expect(coverage[0]).toMatchObject({ to: 40, gaps: [] });
  });

  it('names the offsets that no watermark record covers', async () => {
    const { coverage } = await auditOf([watermark(0, 10), watermark(15, 30)]);
    expect(coverage[0]?.gaps).toEqual([[10, 15]]);
  });

  it('counts what it cannot read', async () => {
    const log = new MemoryLog();
    await log.createTopics([{ topic, partitions: 1, configs: {} }]);
    await log.produce([{ topic, partition: 0, key: null, value: 'hello' }]);
    expect((await auditPartials(log, topic)).records.unreadable).toBe(1);
  });
});

describe('a record', () => {
  it('of partials is shown with its series and centroids', () => {
    const { value } = readableRecord('partials', record('fraud', encodeMessage(partial)));
    expect(JSON.parse(JSON.stringify(value))).toMatchObject({
      type: 'partial',
      model: 'fraud',
      cells: [{ version: '1', series: { amount: { numeric: { mean: 2, centroids: { means: [2], weights: [1] } } } } }],
    });
  });

  it('of history is shown by what its key says', () => {
    const key = factKey({ fact: 'state', model: 'fraud', clock: 'data', endMs: 300_000, part: 0 });
    expect(readableRecord('history', record(key, jsonValue({ open: [] })))).toEqual({
      key: ['state', 'fraud', 'data', 300_000],
      value: { open: [] },
    });
    expect(readableRecord('history', record(key, null))).toMatchObject({ value: null });
  });

  it('of events is its JSON', () => {
    expect(readableRecord('events', record('incident', '{"ordinal":1}'))).toEqual({ key: 'incident', value: { ordinal: 1 } });
  });

  it('that cannot be decoded says why, and the inspection goes on', () => {
    expect(readableRecord('partials', record(null, 'hello')).value).toMatchObject({ unreadable: expect.any(String), bytes: 5 });
    expect(readableRecord('events', record(null, '{')).value).toMatchObject({ bytes: 1 });
  });
});

describe('a scan', () => {
  it('gives the records from an offset to the end that the partition had', async () => {
    const log = new MemoryLog();
    await log.createTopics([{ topic, partitions: 1, configs: {} }]);
    await log.produce(['a', 'b', 'c'].map((value) => ({ topic, partition: 0, key: null, value })));
    const offsets: number[] = [];
    for await (const { offset } of scan(log, { topic, partition: 0 }, 1)) {
      offsets.push(offset);
      await log.produce([{ topic, partition: 0, key: null, value: 'later' }]);
    }
    expect(offsets).toEqual([1, 2]);
  });
});
