/** A pipeline that delivers every ten minutes: longer than idleAfter, shorter than silenceAfter. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({
  feedback: [],
  window: { scalesMs: [hourMs] },
  defaults: modelSettings({ baseline: { kind: 'first', durationMs: 24 * hourMs } }),
});

interface Outcome {
  readonly pipeline: Pipeline;
  readonly produced: ReadonlyMap<number, number>;
}

/** Rows of the last ten minutes, in order of time, to three partitions one after the other, `skewMs` apart. */
async function bursts(hours: number, skewMs: number, seed: number): Promise<Outcome> {
  const random = new Random(seed);
  const pipeline = await Pipeline.create(settings, { startMs, partitions: 3, seed });
  const worker = pipeline.start('w0');
  const produced = new Map<number, number>();
  for (let burst = 1; burst <= hours * 6; burst += 1) {
    const dueMs = startMs + burst * 10 * minuteMs;
    await pipeline.runUntil(dueMs);
    const rows = Array.from({ length: 120 }, (_, row) => ({
      timeMs: dueMs - 10 * minuteMs + row * 5_000,
      amount: Math.exp(random.normal()),
    }));
    for (const { timeMs } of rows) {
      const endMs = (Math.floor(timeMs / settings.window.hopMs) + 1) * settings.window.hopMs;
      produced.set(endMs, (produced.get(endMs) ?? 0) + 1);
    }
    for (const partition of [0, 1, 2]) {
      await pipeline.produce(
        partition,
        rows.filter((_, row) => row % 3 === partition),
      );
      await pipeline.runUntil(dueMs + (partition + 1) * skewMs);
    }
  }
  await pipeline.runUntil(startMs + hours * hourMs + 9 * minuteMs);
  await worker.stop();
  return { pipeline, produced };
}

describe('a pipeline that delivers in bursts every ten minutes', () => {
  it.each([
    ['at once', 4, 0],
    ['over ten seconds', 27, 5_000],
    ['over fifty seconds: longer than idleAfter', 4, 25_000],
  ])(
    'loses no row, opens nothing and stays exact, where a burst comes to its partitions %s',
    async (_name, hours, skewMs) => {
      const { pipeline, produced } = await bursts(hours, skewMs, 7);
      const panes = await pipeline.panes();
      const lastMs = Math.max(...panes.keys());
      expect(lastMs).toBeGreaterThanOrEqual(startMs + hours * hourMs - 15 * minuteMs);
      for (const [endMs, rows] of produced) if (endMs <= lastMs) expect([endMs, panes.get(endMs)?.rows]).toEqual([endMs, rows]);
      expect(pipeline.figures.get('tidemark_partials_after_decision_total {}') ?? 0).toBe(0);
      expect([...pipeline.figures.keys()].filter((name) => name.startsWith('tidemark_records_late'))).toEqual([]);
      expect(await pipeline.events()).toEqual([]);
      const marked = [...panes.values()].filter(({ inexact }) => inexact.length > 0);
      expect(marked.map(({ endMs, inexact }) => [endMs, inexact])).toEqual([]);
    },
    120_000,
  );
});
