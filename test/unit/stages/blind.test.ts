/** A stuck partition, of a source topic or of partials: who says so, and who goes on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import { partitionOf } from '../../../src/core/record/partitioner.ts';
import { holding } from '../../support/holding.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({ feedback: [], window: { scalesMs: [hourMs] } });
let controller: AbortController;
beforeEach(() => {
  controller = new AbortController();
});
afterEach(() => controller.abort());

/** Minute by minute, rows of each model to each partition. */
async function feed(pipeline: Pipeline, fromMinute: number, toMinute: number, models = ['fraud']): Promise<void> {
  for (let minute = fromMinute; minute < toMinute; minute += 1) {
    const timeMs = startMs + minute * minuteMs;
    await pipeline.runUntil(timeMs);
    for (const partition of [0, 1])
      await pipeline.produce(
        partition,
        models.map((model) => ({ timeMs, model })),
      );
  }
}

describe('a source partition that is not read although it has records', () => {
  it('holds the data clock; the worker says that it is blind and which partition it waits for, checks in as failed, and loses nothing once it is read', async () => {
    let isStuck = false;
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const worker = pipeline.start('w0', { wrap: holding(({ topic, partition }) => isStuck && topic === 'predictions' && partition === 1) });
    const statuses: string[] = [];
    pipeline.beat(worker, (status) => statuses.push(status), controller.signal);
    await feed(pipeline, 0, 60);
    expect(new Set(statuses)).toEqual(new Set(['ok']));
    isStuck = true;
    await feed(pipeline, 60, 180);
    const decidedMs = Math.max(...(await pipeline.panes()).keys());
    expect(decidedMs).toBeLessThan(startMs + 65 * minuteMs);
    expect(statuses.at(-1)).toBe('error');
    expect(pipeline.figures.get('tidemark_blind {}')).toBe(1);
    const told = pipeline.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(
      /^Tidemark is blind: event time stands still at 2026-03-01T00:5.*It waits for predictions\/1: is the summarize role/,
    );
    isStuck = false;
    await feed(pipeline, 180, 200);
    expect(statuses.at(-1)).toBe('ok');
    const panes = await pipeline.panes();
    for (let endMs = startMs + 5 * minuteMs; endMs <= startMs + 180 * minuteMs; endMs += 5 * minuteMs)
      expect([endMs, panes.get(endMs)?.rows, panes.get(endMs)?.inexact]).toEqual([endMs, 10, []]);
    await worker.stop();
  });
});

describe('a partition of partials that is stopped by a record that cannot be read', () => {
  it('makes the group blind, while the models of the other partitions are decided', async () => {
    const models = ['fraud', 'churn', 'credit', 'price', 'spam'];
    const stuckModel = models.find((model) => partitionOf(model, 2) === 1) as string;
    const freeModel = models.find((model) => partitionOf(model, 2) === 0) as string;
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2, internalPartitions: 2 });
    const worker = pipeline.start('w0');
    const statuses: string[] = [];
    pipeline.beat(worker, (status) => statuses.push(status), controller.signal);
    await feed(pipeline, 0, 60, [stuckModel, freeModel]);
    await pipeline.log.produce([{ topic: internalTopics(settings.group).partials, partition: 1, key: null, value: 'no partial' }]);
    await feed(pipeline, 60, 180, [stuckModel, freeModel]);
    expect(worker.detect.stoppedPartitions).toEqual([1]);
    expect(Math.max(...(await pipeline.panes(stuckModel)).keys())).toBeLessThan(startMs + 65 * minuteMs);
    expect(Math.max(...(await pipeline.panes(freeModel)).keys())).toBeGreaterThanOrEqual(startMs + 170 * minuteMs);
    expect(statuses.at(-1)).toBe('error');
    const told = pipeline.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message);
    expect(told).toEqual([
      expect.stringMatching(/partials, partition 1 is stopped, its models are not watched/),
      expect.stringMatching(/^Tidemark is blind: partitions 1 of partials have not been decided/),
    ]);
    await worker.stop();
  });
});
