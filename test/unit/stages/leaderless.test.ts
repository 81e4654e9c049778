/** A source partition whose brokers are away: nothing comes of it, nothing about it is answered. The others must not notice, but for the clock. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import { decodeMessage } from '../../../src/core/summarize/codec.ts';
import { Away, type Silence } from '../../support/holding.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({ feedback: [], window: { scalesMs: [hourMs] } });
const lost = { topic: 'predictions', partition: 0 };
const quiet = 1;
const busy = 2;

/** Minute by minute, a row to each of these partitions. */
async function feed(pipeline: Pipeline, fromMinute: number, toMinute: number, partitions: readonly number[]): Promise<void> {
  for (let minute = fromMinute; minute < toMinute; minute += 1) {
    const timeMs = startMs + minute * minuteMs;
    await pipeline.runUntil(timeMs);
    for (const partition of partitions) await pipeline.produce(partition, [{ timeMs }]);
  }
  await pipeline.runUntil(startMs + toMinute * minuteMs);
}

const read = (pipeline: Pipeline) => pipeline.figures.get('tidemark_records_read_total {"topic":"predictions","role":"predictions"}') ?? 0;
/** How often each of the partitions was told as idle from a minute on. */
async function idleFrom(pipeline: Pipeline, fromMinute: number): Promise<number[]> {
  const counts = [0, 0, 0];
  for (const { timestampMs, value } of await pipeline.allRecords(internalTopics(settings.group).partials)) {
    if (value === null || timestampMs < startMs + fromMinute * minuteMs) continue;
    const message = decodeMessage(value);
    if (message.type === 'idle') counts[message.source.partition] = (counts[message.source.partition] ?? 0) + 1;
  }
  return counts;
}
const warned = (pipeline: Pipeline, start: string) =>
  pipeline.logger.lines.filter(({ level, message }) => level === 'warn' && message.startsWith(start)).length;

async function rowsOf(pipeline: Pipeline, fromMinute: number, toMinute: number): Promise<(number | undefined)[]> {
  const panes = await pipeline.panes();
  const rows: (number | undefined)[] = [];
  for (let minute = fromMinute + 5; minute <= toMinute; minute += 5) {
    rows.push(panes.get(startMs + minute * minuteMs)?.rows);
  }
  return rows;
}

describe.each<Silence>(['refused', 'unanswered'])('a source partition whose broker is away, where questions are %s', (silence) => {
  it('holds the clock only: others are read on and told as idle, and nothing is lost when it is back', async () => {
    const away = new Away(lost, silence);
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 3 });
    const worker = pipeline.start('w0', { wrap: away.wrap });
    await feed(pipeline, 0, 60, [0, 1, 2]);
    away.goes();
    await feed(pipeline, 60, 120, [busy]);
    expect(read(pipeline)).toBe(3 * 60 + 60);
    const idle = await idleFrom(pipeline, 61);
    expect(idle[lost.partition]).toBe(0);
    expect(idle[quiet]).toBeGreaterThan(60);
    expect(Math.max(...(await pipeline.panes()).keys())).toBeLessThan(startMs + 65 * minuteMs);
    expect(warned(pipeline, 'The end of an idle partition could not be asked for')).toBe(silence === 'refused' ? 12 : 0);
    away.comesBack();
    await feed(pipeline, 120, 150, [0, 1, 2]);
    expect(await rowsOf(pipeline, 0, 60)).toEqual(Array(12).fill(15));
    expect(await rowsOf(pipeline, 60, 120)).toEqual(Array(12).fill(5));
    expect(await rowsOf(pipeline, 120, 135)).toEqual(Array(3).fill(15));
    await worker.stop();
  });

  it('is taken up when it is back; a worker that starts meanwhile reads the others on', async () => {
    const away = new Away(lost, silence);
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 3 });
    away.goes();
    for (let minute = 0; minute < 60; minute += 1) await pipeline.produce(lost.partition, [{ timeMs: startMs + minute * minuteMs }]);
    const worker = pipeline.start('w0', { wrap: away.wrap });
    await feed(pipeline, 0, 60, [quiet, busy]);
    expect(read(pipeline)).toBe(2 * 60);
    expect(await pipeline.panes()).toEqual(new Map());
    away.comesBack();
    await feed(pipeline, 60, 90, [0, 1, 2]);
    expect(await rowsOf(pipeline, 0, 75)).toEqual(Array(15).fill(15));
    await worker.stop();
  });
});
