/** A first start on weeks of history, whose partitions are read at different speeds by different workers. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { leadOf } from '../../../src/stages/pace.ts';
import { holding } from '../../support/holding.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({ feedback: [], window: { hopMs: hourMs, scalesMs: [12 * hourMs] } });
const { hopMs } = settings.window;
const weekMs = 7 * 24 * hourMs;

const rowsPerPane = 40;
/** Records that are read at a time, in panes. */
const slice = 500 / rowsPerPane;

/** Forty rows an hour in each of two partitions, three weeks of them; a third has been silent since the first hour. */
async function backlog(): Promise<Pipeline> {
  const pipeline = await Pipeline.create(settings, { startMs: startMs + 3 * weekMs, partitions: 3 });
  for (let row = 0; row < rowsPerPane; row += 1) await pipeline.produce(2, [{ timeMs: startMs }], startMs);
  for (const partition of [0, 1])
    for (let timeMs = startMs; timeMs < startMs + 3 * weekMs; timeMs += hopMs / rowsPerPane)
      await pipeline.produce(partition, [{ timeMs }], timeMs);
  return pipeline;
}

const heldPanes = (pipeline: Pipeline) => pipeline.figures.get('tidemark_undecided_panes {"partition":0}') ?? 0;

describe('a start on three weeks of history', () => {
  it('holds the panes of a few hours at the most, however far one worker is behind, and decides all of them in the end', async () => {
    const pipeline = await backlog();
    let isHeld = true;
    const workers = ['a', 'b'].map((name) =>
      pipeline.start(name, { wrap: holding(({ topic, partition }) => isHeld && topic === 'predictions' && partition === 1) }),
    );
    await pipeline.runUntil(startMs + 3 * weekMs + 5 * minuteMs);
    const bound = leadOf(settings.window) / hopMs + 2 * slice + 2;
    expect(heldPanes(pipeline)).toBeGreaterThan(bound / 4);
    expect(heldPanes(pipeline)).toBeLessThanOrEqual(bound);
    expect(await pipeline.panes()).toEqual(new Map());
    expect(pipeline.figures.get('tidemark_summarize_waiting {}')).toBe(1);
    expect(pipeline.logger.lines.filter(({ message }) => message.startsWith('Reading waits for a partition'))).toHaveLength(1);
    isHeld = false;
    let most = 0;
    const endMs = startMs + 3 * weekMs - 2 * hourMs;
    await pipeline.runWhile(async () => {
      most = Math.max(most, heldPanes(pipeline));
      return (pipeline.figures.get('tidemark_panes_decided_total {"clock":"data"}') ?? 0) < (endMs - startMs) / hopMs;
    });
    expect(most).toBeLessThanOrEqual(bound);
    const panes = await pipeline.panes();
    expect(panes.get(startMs + hopMs)?.rows).toBe(3 * rowsPerPane);
    for (let paneMs = startMs + 2 * hopMs; paneMs <= endMs; paneMs += hopMs)
      expect([paneMs, panes.get(paneMs)?.rows]).toEqual([paneMs, 2 * rowsPerPane]);
    for (const worker of workers) await worker.stop();
  }, 120_000);

  it.each([
    ['earliest', 'earliest', null],
    ['a time in the middle of a pane', startMs + 4.5 * hourMs, 5],
    ['latest', 'latest', 24],
  ] as const)('begins at %s, and says which panes it may have only a part of', async (_name, start, cutEnd) => {
    const pipeline = await Pipeline.create(settings, { startMs: startMs + 23.5 * hourMs, partitions: 1 });
    const produce = async (fromMs: number, toMs: number) => {
      for (let timeMs = fromMs; timeMs < toMs; timeMs += hopMs / rowsPerPane) await pipeline.produce(0, [{ timeMs }], timeMs);
    };
    await produce(startMs, startMs + 23.5 * hourMs);
    const worker = pipeline.start('w0', { start });
    await pipeline.runUntil(startMs + 23.5 * hourMs + 10_000);
    await produce(startMs + 23.5 * hourMs, startMs + 30 * hourMs);
    await pipeline.runUntil(startMs + 23.5 * hourMs + 20_000);
    const panes = await pipeline.panes();
    const ends = [...panes.keys()].map((endMs) => (endMs - startMs) / hopMs).sort((left, right) => left - right);
    expect([ends[0], ends.at(-1)]).toEqual([cutEnd ?? 1, 29]);
    for (const [endMs, { rows, inexact }] of panes) {
      const end = (endMs - startMs) / hopMs;
      // The one after it too: what came before the start may have been late for this one, and in time for that.
      const isMarked = cutEnd !== null && end <= cutEnd + 1;
      expect([end, rows, inexact]).toEqual([end, end === cutEnd ? rowsPerPane / 2 : rowsPerPane, isMarked ? ['gap'] : []]);
    }
    await worker.stop();
  });

  it('marks every pane before the first record of a partition that retention has cut: others may reach back farther', async () => {
    const pipeline = await Pipeline.create(settings, { startMs: startMs + 30 * hourMs, partitions: 2 });
    const offsets = [0, 0];
    for (let timeMs = startMs; timeMs < startMs + 30 * hourMs; timeMs += hopMs / rowsPerPane) {
      for (const partition of [0, 1]) await pipeline.produce(partition, [{ timeMs }], timeMs);
      if (timeMs < startMs + 4.5 * hourMs) offsets[1] = (offsets[1] ?? 0) + 1;
    }
    pipeline.log.deleteRecordsBefore({ topic: 'predictions', partition: 1 }, offsets[1] ?? 0);
    const worker = pipeline.start('w0', { start: 'earliest' });
    await pipeline.runUntil(startMs + 30 * hourMs + 20_000);
    const panes = await pipeline.panes();
    expect(panes.size).toBeGreaterThan(25);
    for (const [endMs, { rows, inexact }] of panes) {
      const end = (endMs - startMs) / hopMs;
      const cut = end < 5 ? 1 : end === 5 ? 1.5 : 2;
      expect([end, rows, inexact]).toEqual([end, cut * rowsPerPane, end <= 6 ? ['gap'] : []]);
    }
    await worker.stop();
  });
});
