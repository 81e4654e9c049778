/** A rolling deploy that changes what a cell means: old and new workers side by side in one group. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { ConfigError } from '../../../src/core/errors.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const old = coreSettings({ feedback: [], window: { scalesMs: [hourMs] } });
const changed = { ...old, defaults: modelSettings({ segments: ['plan'], ignore: ['amount'] }) };
const pane = (minute: number) => startMs + minute * minuteMs;

async function feed(pipeline: Pipeline, fromMinute: number, toMinute: number): Promise<void> {
  for (let minute = fromMinute; minute < toMinute; minute += 1) {
    await pipeline.runUntil(pane(minute));
    for (const partition of [0, 1, 2, 3]) await pipeline.produce(partition, [{ timeMs: pane(minute) }, { timeMs: pane(minute) + 1 }]);
  }
}

/** Rows of every pane up to a minute that are not what was produced. */
async function wrongPanes(pipeline: Pipeline, toMinute: number): Promise<[number, number | undefined][]> {
  const panes = await pipeline.panes();
  const wrong: [number, number | undefined][] = [];
  for (let minute = 5; minute <= toMinute; minute += 5) {
    const rows = panes.get(pane(minute))?.rows;
    if (rows !== 40) wrong.push([minute, rows]);
  }
  return wrong;
}

describe('other segments and fields', () => {
  it('count every record once, whichever worker summarized it, and mark the panes of both meanings', async () => {
    const pipeline = await Pipeline.create(old, { startMs, partitions: 4 });
    const first = pipeline.start('a0');
    const second = pipeline.start('a1');
    await feed(pipeline, 0, 62);
    const third = pipeline.start('b0', { settings: changed });
    await feed(pipeline, 62, 78);
    // One of the old ones dies: its chunks, of which partials were written, are summarized again under the new meaning.
    pipeline.scheduler.crash('a0');
    pipeline.log.expel('a0');
    await feed(pipeline, 78, 93);
    await second.stop();
    const fourth = pipeline.start('b1', { settings: changed });
    await feed(pipeline, 93, 150);
    expect(await wrongPanes(pipeline, 140)).toEqual([]);
    const marked = [...(await pipeline.panes())].filter(([, { inexact }]) => inexact.includes('config-change'));
    const minutes = marked.map(([endMs]) => (endMs - startMs) / minuteMs);
    expect(minutes).toEqual(expect.arrayContaining([65, 70, 75, 80, 85]));
    expect(Math.min(...minutes)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...minutes)).toBeLessThanOrEqual(105);
    expect(pipeline.figures.get('tidemark_panes_config_changed_total {}')).toBeGreaterThanOrEqual(minutes.length);
    expect(pipeline.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
    await third.stop();
    await fourth.stop();
    first.ended.catch(() => {});
  });
});

describe('another hop', () => {
  const other = coreSettings({ feedback: [], window: { hopMs: 10 * minuteMs, scalesMs: [2 * hourMs] } });
  const refusal =
    /window\.hop: is 10m, but the panes of group "tidemark" are 5m long.*Put it back to 5m, or begin anew under another kafka\.group/;

  /** What a worker under the other hop ends with. */
  function startOther(pipeline: Pipeline, name: string, roles: readonly ('summarize' | 'detect')[]): () => unknown {
    let refused: unknown;
    pipeline.start(name, { settings: other, roles }).ended.catch((error) => {
      refused = error;
    });
    return () => refused;
  }

  it('ends a worker that joins before it writes anything, and disturbs those that run by no more than a rebalance', async () => {
    const pipeline = await Pipeline.create(old, { startMs, partitions: 4 });
    const running = pipeline.start('a0');
    await feed(pipeline, 0, 32);
    const refused = startOther(pipeline, 'b0', ['summarize', 'detect']);
    await feed(pipeline, 32, 34);
    expect(refused()).toBeInstanceOf(ConfigError);
    expect(String(refused())).toMatch(refusal);
    await feed(pipeline, 34, 70);
    expect(await wrongPanes(pipeline, 60)).toEqual([]);
    for (const { inexact } of (await pipeline.panes()).values()) expect(inexact).toEqual([]);
    await running.stop();
  });

  it.each(['summarize', 'detect'] as const)(
    'ends a worker of the role %s where nobody runs: commits and facts say how long panes are',
    async (role) => {
      const pipeline = await Pipeline.create(old, { startMs, partitions: 4 });
      const running = pipeline.start('a0');
      await feed(pipeline, 0, 32);
      await running.stop();
      const refused = startOther(pipeline, 'b0', [role]);
      await pipeline.runUntil(pane(40));
      expect(String(refused())).toMatch(refusal);
    },
  );
});
