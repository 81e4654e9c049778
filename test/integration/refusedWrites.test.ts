/**
 * Brokers that answer and refuse, or throttle: a worker reads no further than it can write, holds little, says so in few lines, and goes on by itself when it may. Nothing is lost or doubled.
 */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { testKafka } from '../support/kafka.ts';
import { configure, expectBounded, goesOnByItself, type HalfWay, halfWay } from '../support/weather/halfWay.ts';
import { setQuotas } from '../support/weather/quotas.ts';
import { loudLines, writeShare } from '../support/weather/watchedWorker.ts';

const { brokers } = testKafka();
const prefix = `refused-${process.pid}`;
const admin = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING }).admin();
const megabyte = 1024 * 1024;

let log: KafkaLog;
let world: HalfWay | null = null;

beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await admin.connect();
});
afterEach(async () => {
  await world?.worker.stop();
  world = null;
});
afterAll(async () => {
  await admin.disconnect();
  await log.close();
});

describe('a topic that refuses writes', () => {
  it('because records are too large for it: they wait, whole, until it takes them', async () => {
    world = await halfWay({ log, brokers, name: `${prefix}-too-large`, seed: 4 });
    const { topics, source, worker: own } = world;
    await configure(admin, topics.partials, { 'max.message.bytes': '300' });
    await writeShare(log, source, 0.5, 1);
    await own.until(() => own.sum('tidemark_write_failures_total', { topic: topics.partials, reason: 'MESSAGE_TOO_LARGE' }) > 6);
    await own.until(() => own.logger.lines.some(({ message }) => message.startsWith('Partials could not be written')));
    expectBounded(own);
    await configure(admin, topics.partials, { 'max.message.bytes': String(megabyte) });
    await goesOnByItself(log, world);
    expect(own.logger.lines.filter(({ message }) => message.startsWith('Partials could not be written')).length).toBe(1);
    expect(own.logger.lines.filter(({ message }) => message.startsWith('Partials are written again')).length).toBe(1);
    expect(loudLines(own).length).toBeLessThanOrEqual(3);
  });

  it('because somebody has deleted it: what cannot be written waits until it is there again', async () => {
    world = await halfWay({ log, brokers, name: `${prefix}-deleted`, seed: 5 });
    const { topics, source, worker: own } = world;
    await admin.deleteTopics({ topics: [topics.deadLetters] });
    // A record that cannot be used stands in the middle: its dead letter has nowhere to go.
    await log.produce([{ topic: source.predictions, partition: 0, key: null, value: 'no JSON', timestampMs: source.startMs }]);
    await own.until(() => own.logger.lines.some(({ message }) => message.startsWith('Partials could not be written')));
    const read = own.sum('tidemark_records_read_total');
    await own.until(() => own.sum('tidemark_write_failures_total', { topic: topics.deadLetters }) > 10);
    expect(own.sum('tidemark_records_read_total')).toBe(read);
    await log.createTopics([{ topic: topics.deadLetters, partitions: 4, configs: {} }]);
    await own.until(() => own.logger.lines.some(({ message }) => message.startsWith('Partials are written again')));
    expect(loudLines(own).length).toBeLessThanOrEqual(3);
    expectBounded(own);
  });
});

describe('a client that is throttled', () => {
  it('to 50 KB a second goes on at that pace, and says so once', async () => {
    const clientId = `${prefix}-throttled`;
    world = await halfWay({ log, brokers, name: clientId, seed: 6, clientId });
    const { source, worker: own } = world;
    await setQuotas(brokers, clientId, { producer_byte_rate: 50_000, consumer_byte_rate: 50_000 });
    try {
      await writeShare(log, source, 0.5, 1);
      await own.until(() => own.sum('tidemark_fetch_throttled_seconds_total') > 3);
      expectBounded(own);
    } finally {
      await setQuotas(brokers, clientId, { producer_byte_rate: null, consumer_byte_rate: null });
    }
    await goesOnByItself(log, world);
    expect(loudLines(own).length).toBeLessThanOrEqual(6);
  });
});
