/** What must not stop event time, or not for long: records that move none, a restart while all is silent. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { groupProgressOf } from '../../support/groupProgress.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({
  feedback: [],
  window: { scalesMs: [hourMs] },
  defaults: modelSettings({ baseline: { kind: 'first', durationMs: 24 * hourMs } }),
});
const at = (hours: number) => startMs + hours * hourMs;

type Sort = 'good' | 'broken' | 'tombstone' | 'ahead' | 'late';

async function produce(pipeline: Pipeline, partition: number, sort: Sort, nowMs: number): Promise<void> {
  const timeMs = { good: nowMs, ahead: nowMs + 2 * hourMs, late: startMs, broken: null, tombstone: null }[sort];
  if (timeMs !== null) await pipeline.produce(partition, [{ timeMs }], nowMs);
  else {
    const value = sort === 'broken' ? '{not json' : null;
    await pipeline.log.produce([{ topic: 'predictions', partition, key: null, value, timestampMs: nowMs }]);
  }
}

/** Three partitions, a record in each every 20 s. */
async function feed(pipeline: Pipeline, fromHour: number, toHour: number, sortOf: (partition: number) => Sort): Promise<void> {
  for (let nowMs = at(fromHour); nowMs < at(toHour); nowMs += 20_000) {
    await pipeline.runUntil(nowMs);
    for (const partition of [0, 1, 2]) await produce(pipeline, partition, sortOf(partition), nowMs);
  }
}

async function start(): Promise<{ pipeline: Pipeline; worker: ReturnType<Pipeline['start']> }> {
  const pipeline = await Pipeline.create(settings, { startMs, partitions: 3 });
  return { pipeline, worker: pipeline.start('w0') };
}

describe('a partition whose records move no event time', () => {
  it.each(['broken', 'tombstone', 'ahead', 'late'] as const)('holds up the others by silenceAfter: %s', async (sort) => {
    const { pipeline, worker } = await start();
    await feed(pipeline, 0, 1, () => 'good');
    await feed(pipeline, 1, 4, (partition) => (partition === 2 ? sort : 'good'));
    const { clockMs } = await groupProgressOf(pipeline, worker);
    expect(clockMs).toBeGreaterThanOrEqual(at(4) - settings.window.silenceAfterMs - 2 * settings.window.hopMs - settings.window.latenessMs);
    await worker.stop();
  });

  it('is no partition without records: one that was broken from the start moves on too', async () => {
    const { pipeline, worker } = await start();
    await feed(pipeline, 0, 2, (partition) => (partition === 2 ? 'broken' : 'good'));
    expect((await groupProgressOf(pipeline, worker)).clockMs).toBeGreaterThan(at(1.5));
    await worker.stop();
  });

  it('opens a quality incident where that is so in all of them: a producer that writes nothing but broken records', async () => {
    const { pipeline, worker } = await start();
    await feed(pipeline, 0, 27, () => 'good');
    await feed(pipeline, 27, 29, () => 'broken');
    expect((await pipeline.events()).map(({ kind, step, model }) => [kind, step, model])).toEqual([
      ['quality', 'opened', 'topic:predictions'],
    ]);
    await worker.stop();
  });

  it.each(['broken', 'late'] as const)('does not keep a topic from being noticed as silent: one %s record an hour', async (sort) => {
    const { pipeline, worker } = await start();
    await feed(pipeline, 0, 2, () => 'good');
    for (let hour = 3; hour < 24; hour += 1) {
      await pipeline.runUntil(at(hour));
      await produce(pipeline, 0, sort, at(hour));
    }
    expect((await groupProgressOf(pipeline, worker)).clockMs).toBeGreaterThan(at(20));
    await worker.stop();
  });
});

describe('a restart while all is silent', () => {
  it('does not begin the silence anew: event time goes on, and nobody is called blind', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const first = pipeline.start('w0');
    for (let nowMs = at(0); nowMs < at(2); nowMs += minuteMs) {
      await pipeline.runUntil(nowMs);
      for (const partition of [0, 1]) await pipeline.produce(partition, [{ timeMs: nowMs }]);
    }
    await pipeline.runUntil(at(12));
    await first.stop();
    const second = pipeline.start('w1');
    const failures: string[] = [];
    const controller = new AbortController();
    pipeline.beat(second, (status) => void (status === 'error' ? failures.push(status) : null), controller.signal);
    await pipeline.runUntil(at(18));
    expect((await groupProgressOf(pipeline, second)).clockMs).toBeGreaterThan(at(17.5));
    expect(failures).toEqual([]);
    controller.abort();
    await second.stop();
  });
});
