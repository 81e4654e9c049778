import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { hourMs, minuteMs } from '../../src/core/duration.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { OutgoingRecord } from '../../src/log/port.ts';
import { testKafka } from '../support/kafka.ts';
import { type CommandProcess, startCommand } from '../support/workerProcess.ts';
import { createSourceTopic, readTopic, textOf, until, type WorkerSetUp, writeConfig } from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const prefix = `bad-input-${process.pid}`;
const predictions = `${prefix}-predictions`;
const partitions = 2;
const startMs = Date.UTC(2026, 2, 1);
const hours = 30;
/** From this hour on one record in five cannot be used. */
const badFromHour = 27;
const badShare = 0.2;

interface Good {
  id: string;
  ts: number;
  model: string;
  features: Record<string, unknown>;
  prediction: unknown;
}

function good(index: number, timeMs: number): Good {
  return { id: `id-${index}`, ts: timeMs, model: 'fraud', features: { amount: index % 97 }, prediction: index % 2 };
}

/** Every kind of record that cannot be used, with the reason that its dead letter must give. `large` and the like are usable: they only must not hurt. */
const unusable: readonly (readonly [reason: string, value: (record: Good) => string | Uint8Array])[] = [
  ['not-json', () => '{"id": "1", "ts": '],
  ['not-json', () => new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ['not-json', (record) => JSON.stringify(record).replace(/"amount":\d+/, '"amount":NaN')],
  ['not-json', () => ''],
  ['not-object', () => '[1, 2, 3]'],
  ['no-id', ({ id: _, ...rest }) => JSON.stringify(rest)],
  ['no-time', ({ ts: _, ...rest }) => JSON.stringify(rest)],
  ['bad-time', (record) => JSON.stringify({ ...record, ts: 'yesterday' })],
  ['bad-time', (record) => JSON.stringify({ ...record, ts: '9999-01-01T00:00:00Z' })],
  ['bad-time', (record) => JSON.stringify({ ...record, ts: -1 })],
  ['ahead-of-log', (record) => JSON.stringify({ ...record, ts: record.ts + 48 * hourMs })],
  ['bad-model', (record) => JSON.stringify({ ...record, model: { name: 'fraud' } })],
  ['bad-model', (record) => JSON.stringify({ ...record, model: 'm'.repeat(100_000) })],
  ['bad-features', (record) => JSON.stringify({ ...record, features: [1, 2] })],
  ['bad-features', (record) => JSON.stringify({ ...record, features: { ['f'.repeat(100_000)]: 1 } })],
  ['bad-score', (record) => JSON.stringify({ ...record, score: 'high' })],
  [
    'too-deep',
    (record) => JSON.stringify({ ...record, features: { deep: 0 } }).replace('"deep":0', `"deep":${'['.repeat(5_000)}${']'.repeat(5_000)}`),
  ],
];

/** Records that can be used, each of which would hurt a program that trusts what it reads. */
const hostile: readonly ((record: Good) => string)[] = [
  (record) => JSON.stringify({ ...record, features: { amount: 'NaN', other: 'Infinity' } }),
  (record) => JSON.stringify(record).replace('"features":{', '"features":{"__proto__":{"polluted":true},"constructor":1,'),
  (record) => JSON.stringify({ ...record, features: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`wide-${i}`, i])) }),
  (record) => JSON.stringify({ ...record, features: { text: 'x'.repeat(1_000_000) } }),
  ({ model: _, ...rest }) => JSON.stringify(rest),
];

let log: KafkaLog;
let at: WorkerSetUp;
let worker: CommandProcess;
/** By partition and offset, the reason that its dead letter must give. */
const reasons = new Map<string, string>();

beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await createSourceTopic(log, predictions, partitions);
  at = writeConfig(prefix, brokers, { predictions }, { segments: [], deadLetters: { maxShare: 0.5 } });
  await log.produce(traffic());
  worker = startCommand(['worker', '--config', at.file, '--roles', 'summarize,detect']);
});
afterAll(async () => {
  worker.process.kill('SIGKILL');
  await worker.ended;
  await log.close();
});

function traffic(): OutgoingRecord[] {
  const records: OutgoingRecord[] = [];
  const next = Array.from({ length: partitions }, () => 0);
  let index = 0;
  const add = (value: string | Uint8Array | null, timestampMs: number, reason?: string) => {
    const partition = index++ % partitions;
    const offset = next[partition] ?? 0;
    next[partition] = offset + 1;
    if (reason !== undefined) reasons.set(`${partition}/${offset}`, reason);
    records.push({ topic: predictions, partition, key: null, value, timestampMs });
  };
  let bad = 0;
  for (let minute = 0; minute < hours * 60; minute++) {
    const timeMs = startMs + minute * minuteMs;
    for (let row = 0; row < 4; row++) {
      const [reason, value] = unusable[bad % unusable.length] ?? ['', () => ''];
      const isBad = minute >= badFromHour * 60 ? (index * 0.618) % 1 < badShare : index % 500 === 0;
      if (!isBad) {
        add(JSON.stringify(good(index, timeMs)), timeMs);
        continue;
      }
      bad++;
      add(value(good(index, timeMs)), timeMs, reason);
    }
    if (minute % 300 === 0) add(null, timeMs);
    if (minute % 200 === 100) add((hostile[(minute / 100) % hostile.length] ?? JSON.stringify)(good(index, timeMs)), timeMs);
  }
  for (let partition = 0; partition < partitions; partition++) {
    const timeMs = startMs + (hours + 1) * hourMs;
    add(JSON.stringify(good(index, timeMs)), timeMs);
  }
  return records;
}

describe('bad input on a real topic', () => {
  it('is kept in the dead-letter topic with its reason and its position, and its rate opens an incident of the series invalid', async () => {
    const topics = internalTopics(at.group);
    const isOfInvalid = ({ kind, model, series }: EventRecord) =>
      kind === 'quality' && model === 'fraud' && series.some(({ name }) => name === 'invalid');
    const lettersNow = async () => (await readTopic(log, topics.deadLetters)).flat().map(({ value }) => JSON.parse(textOf(value)));
    const eventsNow = async (): Promise<EventRecord[]> =>
      (await readTopic(log, topics.events)).flat().map(({ value }) => JSON.parse(textOf(value)));
    const arrived = until(async () => (await lettersNow()).length >= reasons.size && (await eventsNow()).some(isOfInvalid), 500);
    await Promise.race([arrived, worker.ended]);
    expect(worker.process.exitCode).toBeNull();

    const letters = await lettersNow();
    const told = new Map(letters.map((letter) => [`${letter.partition}/${letter.offset}`, letter.reason]));
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(reasons));
    for (const letter of letters) {
      expect(letter).toMatchObject({ stage: 'summarize', topic: predictions });
      expect(letter.detail.length).toBeGreaterThan(10);
      expect(JSON.stringify(letter).length).toBeLessThan(200_000);
    }
  });

  it('does not move the memory of the worker: a million distinct categories, a thousand wide and a hundred large records', async () => {
    const memory = async () => {
      const url = /"url":"([^"]+)"/.exec(worker.err())?.[1];
      const text = await (await fetch(new URL('/metrics', url))).text();
      return {
        residentMB: Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / 2 ** 20,
        read: [...text.matchAll(/^tidemark_records_read_total\{[^}]*\} (\d+)/gm)].reduce((sum, match) => sum + Number(match[1]), 0),
      };
    };
    const timestampMs = startMs + (hours + 2) * hourMs;
    let index = 10_000_000;
    const produce = async (count: number, features: (row: number) => Record<string, unknown>) => {
      for (let done = 0; done < count; ) {
        const records: OutgoingRecord[] = [];
        for (let bytes = 0; bytes < 4_000_000 && done < count; done++) {
          const value = JSON.stringify({ ...good(index++, timestampMs), features: features(done) });
          bytes += value.length;
          records.push({ topic: predictions, partition: index % partitions, key: null, value, timestampMs });
        }
        await log.produce(records);
      }
    };
    const { read } = await memory();
    await produce(50_000, (row) => Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`category-${i}`, `value-${i}-${row}`])));
    await produce(1_000, (row) => Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`wide-${row}-${i}`, i])));
    await produce(100, (row) => ({ text: `${row}`.repeat(300_000) }));
    let highestMB = 0;
    const all = until(async () => {
      const now = await memory();
      highestMB = Math.max(highestMB, now.residentMB);
      return now.read >= read + 51_100;
    }, 250);
    await Promise.race([all, worker.ended]);
    expect(worker.process.exitCode).toBeNull();
    expect(highestMB).toBeLessThan(600);
    worker.process.kill('SIGTERM');
    expect(await worker.ended).toEqual({ code: 0, signal: null });
  });
});
