/** Ids in the place of model names, until the places of the partition are taken: told once an hour, counted always. */
import { expect, it } from 'vitest';
import { modelsPerPartition } from '../../../src/core/detect/modelPlaces.ts';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({
  feedback: [],
  window: { hopMs: 30 * minuteMs, scalesMs: [6 * hourMs] },
  models: new Map([['fraud', modelSettings()]]),
});

it('rows of names that find no place are counted, and a warning says once an hour what to do', async () => {
  const pipeline = await Pipeline.create(settings, { startMs, partitions: 1 });
  const worker = pipeline.start('w');
  let ids = 0;
  const minutes = 4 * 60;
  for (let minute = 0; minute < minutes; minute += 10) {
    const nowMs = startMs + minute * minuteMs;
    await pipeline.runUntil(nowMs);
    const fresh = minute === 0 ? modelsPerPartition : 2;
    const names = Array.from({ length: fresh }, () => `id-${ids++}`);
    await pipeline.produce(
      0,
      ['fraud', ...names].map((model) => ({ timeMs: nowMs, model })),
    );
  }
  const allRefused = `tidemark_model_rows_refused_total ${JSON.stringify({ partition: 0 })}`;
  await pipeline.runWhile(() => (pipeline.figures.get(allRefused) ?? 0) < 2 * 18);
  await worker.stop();
  const warnings = pipeline.logger.lines.filter(({ message }) => message.includes('all places for models are taken'));
  expect(warnings.every(({ level }) => level === 'warn')).toBe(true);
  expect(warnings[0]?.message).toMatch(/^tidemark\.partials, partition 0: .* Are ids in the place of model names\? .*"models"/);
  expect(warnings.length).toBeGreaterThan(1);
  expect(warnings.length).toBeLessThanOrEqual(5);
  expect((await pipeline.panes('fraud')).size).toBeGreaterThan(5);
  expect((await pipeline.panes(`id-${modelsPerPartition + 5}`)).size).toBe(0);
});
