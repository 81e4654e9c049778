/** Kafka timestamps are the producer's (CreateTime, the default of topics), and brokers before Kafka 4.0 take any: one record of the year 2100. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { groupProgressOf } from '../../support/groupProgress.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const farMs = Date.UTC(2100, 0, 1);
const settings = coreSettings({ window: { scalesMs: [hourMs] } });
const at = (hours: number) => startMs + hours * hourMs;
const rows = 2 * 5;

/** A row a minute in two partitions of predictions, and a label; after two hours something strange, after eight a restart. */
async function live(strange: (pipeline: Pipeline) => Promise<unknown>): Promise<Pipeline> {
  const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
  await pipeline.log.createTopics([{ topic: 'feedback', partitions: 1, configs: {} }]);
  const feed = async (fromHour: number, toHour: number) => {
    for (let nowMs = at(fromHour); nowMs < at(toHour); nowMs += minuteMs) {
      await pipeline.runUntil(nowMs);
      for (const partition of [0, 1]) await pipeline.produce(partition, [{ timeMs: nowMs }]);
      await produceLabel(pipeline, nowMs, nowMs);
    }
  };
  const first = pipeline.start('w0');
  await feed(0, 2);
  await strange(pipeline);
  await feed(2, 8);
  await first.stop();
  const second = pipeline.start('w1');
  await feed(8, 12);
  const { clockMs, partitions } = await groupProgressOf(pipeline, second);
  expect(clockMs).toBeGreaterThan(at(11.8));
  expect(clockMs).toBeLessThan(at(12));
  for (const { committed, high } of partitions) expect(high - (committed ?? 0)).toBeLessThan(200);
  await second.stop();
  return pipeline;
}

async function produceLabel(pipeline: Pipeline, timeMs: number, timestampMs: number): Promise<void> {
  const value = JSON.stringify({ id: `label ${timeMs} ${timestampMs}`, ts: timeMs, label: 'ok' });
  await pipeline.log.produce([{ topic: 'feedback', partition: 0, key: null, value, timestampMs }]);
}

const invalid = (pipeline: Pipeline, topic: string) =>
  pipeline.figures.get(`tidemark_records_invalid_total {"topic":"${topic}","reason":"ahead-of-log"}`) ?? 0;

describe('a record whose Kafka timestamp lies in 2100', () => {
  it.each([
    ['predictions', (pipeline: Pipeline) => pipeline.produce(0, [{ timeMs: farMs }], farMs)],
    ['feedback', (pipeline: Pipeline) => produceLabel(pipeline, farMs, farMs)],
  ] as const)('and whose own time does, too, is invalid and moves no clock: %s', async (topic, strange) => {
    const pipeline = await live(strange);
    expect(invalid(pipeline, topic)).toBe(1);
    const panes = await pipeline.panes();
    for (let endMs = at(1); endMs <= at(11); endMs += settings.window.hopMs) expect([endMs, panes.get(endMs)?.rows]).toEqual([endMs, rows]);
  });

  it('and whose own time is right counts', async () => {
    const pipeline = await live(async (one) => {
      await one.produce(0, [{ timeMs: at(2) }], farMs);
      await produceLabel(one, at(2), farMs);
    });
    expect(invalid(pipeline, 'predictions') + invalid(pipeline, 'feedback')).toBe(0);
    expect((await pipeline.panes()).get(at(2) + settings.window.hopMs)?.rows).toBe(rows + 1);
  });
});
