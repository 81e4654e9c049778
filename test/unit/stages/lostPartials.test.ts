/** Retention of `partials` is shorter than an absence of detect. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import { holding, refusingCommits } from '../../support/holding.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({ feedback: [], window: { scalesMs: [hourMs] } });
const partials = { topic: internalTopics(settings.group).partials, partition: 0 };
const hop = settings.window.hopMs;
const pane = (minute: number) => startMs + minute * minuteMs;

/** Two rows a minute in each of two partitions; at the end time goes on without rows. */
async function feed(pipeline: Pipeline, fromMinute: number, toMinute: number): Promise<void> {
  for (let minute = fromMinute; minute < toMinute; minute += 1) {
    await pipeline.runUntil(pane(minute));
    for (const partition of [0, 1]) await pipeline.produce(partition, [{ timeMs: pane(minute) }, { timeMs: pane(minute) + 1 }]);
  }
}

/** What retention does: everything that is in partials now is gone. */
async function expire(pipeline: Pipeline): Promise<number> {
  const { high } = await pipeline.log.offsets(partials);
  pipeline.log.deleteRecordsBefore(partials, high);
  return high;
}

/** Ends of the panes up to a minute that have all rows and no mark, that are marked, and that are silently wrong. */
async function sorted(pipeline: Pipeline, toMinute: number) {
  const panes = await pipeline.panes();
  const whole: number[] = [];
  const marked: number[] = [];
  const silent: number[] = [];
  for (let minute = hop / minuteMs; minute <= toMinute; minute += hop / minuteMs) {
    const node = panes.get(pane(minute));
    if (node?.inexact.includes('lost-partials')) marked.push(minute);
    else if (node?.rows === 20 && node.inexact.length === 0) whole.push(minute);
    else silent.push(minute);
  }
  return { whole, marked, silent };
}

const lossLines = (pipeline: Pipeline) =>
  pipeline.logger.lines.filter(({ message }) => message.includes('records that were not decided are gone'));

describe('partials that retention deleted before detect came back', () => {
  it('are said, counted, and marked in every pane that may miss rows; what comes after is whole', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const summarizer = pipeline.start('s', { roles: ['summarize'] });
    const first = pipeline.start('d0', { roles: ['detect'] });
    await feed(pipeline, 0, 123);
    await first.stop();
    const known = Math.max(...(await pipeline.panes()).keys());
    await feed(pipeline, 123, 243);
    const high = await expire(pipeline);
    const second = pipeline.start('d1', { roles: ['detect'] });
    await feed(pipeline, 243, 330);

    expect(lossLines(pipeline)).toEqual([
      { level: 'error', message: expect.stringContaining(`Windows that end after ${new Date(known).toISOString()} may miss rows`) },
    ]);
    const lost = pipeline.figures.get('tidemark_partials_lost_total {"partition":0}') ?? 0;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(high);
    const panes = await pipeline.panes();
    const { whole, marked, silent } = await sorted(pipeline, 320);
    // Panes in the hole have no rows, and no node: there was nothing to decide from. The first that do have are marked.
    expect(silent.filter((minute) => panes.has(pane(minute)))).toEqual([]);
    expect(silent.every((minute) => pane(minute) > known && minute < 243)).toBe(true);
    expect(marked.length).toBeGreaterThan(0);
    expect(Math.min(...marked)).toBeGreaterThan(235);
    expect(whole.filter((minute) => minute > Math.max(...marked))).toEqual([
      250, 255, 260, 265, 270, 275, 280, 285, 290, 295, 300, 305, 310, 315, 320,
    ]);
    await second.stop();

    // The mark stands in the facts: whoever comes next says no more, and loses nothing.
    const third = pipeline.start('d2', { roles: ['detect'] });
    await feed(pipeline, 330, 360);
    expect(lossLines(pipeline)).toHaveLength(1);
    expect((await sorted(pipeline, 345)).whole).toContain(345);
    await third.stop();
    await summarizer.stop();
  });

  it('are marked too where the source fell silent meanwhile, so that no watermark record shows a gap', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const summarizer = pipeline.start('s', { roles: ['summarize'] });
    const first = pipeline.start('d0', { roles: ['detect'] });
    await feed(pipeline, 0, 123);
    await first.stop();
    const known = Math.max(...(await pipeline.panes()).keys());
    await feed(pipeline, 123, 142);
    await pipeline.runUntil(pane(145));
    await expire(pipeline);
    const second = pipeline.start('d1', { roles: ['detect'] });
    await pipeline.runUntil(pane(180));
    await feed(pipeline, 180, 200);
    const panes = await pipeline.panes();
    const { marked, silent } = await sorted(pipeline, 180);
    expect(silent.filter((minute) => panes.has(pane(minute)))).toEqual([]);
    expect(marked.every((minute) => pane(minute) > known)).toBe(true);
    expect((await sorted(pipeline, 185)).whole).toContain(185);
    await second.stop();
    await summarizer.stop();
  });

  it('are noticed by a group that decides for the first time, and by one that retention overtakes while it runs', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const summarizer = pipeline.start('s', { roles: ['summarize'] });
    await feed(pipeline, 0, 63);
    await expire(pipeline);
    let isHeld = false;
    const detect = pipeline.start('d0', {
      roles: ['detect'],
      wrap: holding(() => isHeld),
    });
    await feed(pipeline, 63, 123);
    expect(lossLines(pipeline)).toEqual([{ level: 'error', message: expect.stringContaining('The first windows may miss rows') }]);
    expect((await sorted(pipeline, 110)).marked).toEqual([60, 65]);
    isHeld = true;
    await feed(pipeline, 123, 163);
    await expire(pipeline);
    isHeld = false;
    await feed(pipeline, 163, 203);
    expect(lossLines(pipeline)).toHaveLength(2);
    const panes = await pipeline.panes();
    const { whole, marked, silent } = await sorted(pipeline, 190);
    expect(silent.filter((minute) => panes.has(pane(minute)))).toEqual([]);
    expect(marked.length).toBeGreaterThan(2);
    expect(whole.slice(-3)).toEqual([180, 185, 190]);
    await detect.stop();
    await summarizer.stop();
  });

  it('are told by nobody whose commits are refused: another may have decided them', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const summarizer = pipeline.start('s', { roles: ['summarize'] });
    let isHeld = false;
    let isRefused = false;
    const detect = pipeline.start('d', {
      roles: ['detect'],
      wrap: (log) => holding(() => isHeld)(refusingCommits(() => isRefused)(log)),
    });
    await feed(pipeline, 0, 63);
    isHeld = true;
    await feed(pipeline, 63, 103);
    await expire(pipeline);
    isRefused = true;
    isHeld = false;
    await feed(pipeline, 103, 143);
    expect(lossLines(pipeline)).toEqual([]);
    expect((await sorted(pipeline, 130)).marked).toEqual([]);
    isRefused = false;
    await feed(pipeline, 143, 203);
    expect(lossLines(pipeline)).toHaveLength(1);
    expect((await sorted(pipeline, 190)).marked).not.toEqual([]);
    await detect.stop();
    await summarizer.stop();
  });
});
