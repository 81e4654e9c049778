/** Producers whose clocks are wrong: fifty minutes fast, stopped in 1970 or 2001, in 2100. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { Pipeline, type Row } from '../../support/pipeline.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({
  feedback: [],
  window: { scalesMs: [hourMs] },
  defaults: modelSettings({ baseline: { kind: 'first', durationMs: 24 * hourMs } }),
});
const at = (hours: number) => startMs + hours * hourMs;

/** Ten producers, each with a row in either of two partitions every minute; `clockOf`: what a producer takes for now. */
async function feed(
  pipeline: Pipeline,
  fromHour: number,
  toHour: number,
  clockOf: (producer: number, nowMs: number) => number = (_producer, nowMs) => nowMs,
): Promise<void> {
  const random = new Random(fromHour + 1);
  for (let minute = fromHour * 60; minute < toHour * 60; minute += 1) {
    const nowMs = startMs + minute * minuteMs;
    await pipeline.runUntil(nowMs);
    for (const partition of [0, 1]) {
      const rows = Array.from(
        { length: 10 },
        (_, producer): Row => ({ timeMs: clockOf(producer, nowMs), amount: Math.exp(random.normal()) }),
      );
      await pipeline.produce(partition, rows);
    }
  }
}

const lines = (pipeline: Pipeline, text: string) =>
  pipeline.logger.lines.filter(({ message }) => message.includes(text)).map(({ level, message }) => `${level} ${message}`);

describe('a producer whose clock runs fifty minutes fast', () => {
  it('makes the records of all others late: a quality incident, a line with the place, a count by partition; all is well once it is corrected', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const worker = pipeline.start('w0');
    await feed(pipeline, 0, 27);
    expect(await pipeline.events()).toEqual([]);
    await feed(pipeline, 27, 30, (producer, nowMs) => (producer === 3 ? nowMs + 50 * minuteMs : nowMs));
    const opened = (await pipeline.events()).filter(({ step }) => step === 'opened');
    const late = opened.find(({ series }) => series.some(({ name }) => name === 'late'));
    expect(late).toMatchObject({ kind: 'quality', severity: 'error', model: 'fraud', exact: true });
    expect(late?.summary).toMatch(/^late records \d+\.\d %, counted in no window \(does a clock run ahead\?\), expected 0\.0 %/);
    // Found within a quarter of an hour of event time, which is the fast clock's.
    expect(Date.parse(late?.start ?? '')).toBeLessThanOrEqual(at(27) + 65 * minuteMs);
    const told = lines(pipeline, 'of the records of');
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(
      /^error 9\d % of the records of predictions\/[01] are late: counted, but in no window\. The watermark is 2026-03-02T\S+, \d+m ahead of the clock of this worker; offset \d+ moved it last/,
    );
    expect(pipeline.figures.get('tidemark_records_late_total {"topic":"predictions","partition":0}')).toBeGreaterThan(1_000);
    expect(lines(pipeline, 'blind')).toEqual([]);
    await feed(pipeline, 30, 34);
    expect(lines(pipeline, 'in time again')).toHaveLength(2);
    const panes = await pipeline.panes();
    // The watermark waits until everybody is where the fast clock was; from then on nothing is missing.
    for (let endMs = at(31.25); endMs <= at(33.75); endMs += 5 * minuteMs) expect([endMs, panes.get(endMs)?.rows]).toEqual([endMs, 100]);
    const over = (await pipeline.events()).find(({ step, incident }) => step === 'recovered' && incident === late?.incident);
    expect(over).toBeDefined();
    await worker.stop();
  });
});

describe('a producer whose clock has stopped', () => {
  it('in 1970: is invalid and counted, and disturbs nobody, even as the first of its partition', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const worker = pipeline.start('w0');
    await feed(pipeline, 0, 3, (producer, nowMs) => (producer === 0 ? 86_400_000 : nowMs));
    await pipeline.runUntil(at(3));
    const panes = await pipeline.panes();
    for (let endMs = at(0) + 10 * minuteMs; endMs <= at(2.75); endMs += 5 * minuteMs)
      expect([endMs, panes.get(endMs)?.rows, panes.get(endMs)?.invalid]).toEqual([endMs, 90, 10]);
    expect(pipeline.figures.get('tidemark_records_invalid_total {"topic":"predictions","reason":"bad-time"}')).toBe(360);
    await worker.stop();
  });

  it('in 2001: is late and counted', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const worker = pipeline.start('w0');
    await feed(pipeline, 0, 3, (producer, nowMs) => (producer === 3 ? Date.UTC(2001, 0, 1) : nowMs));
    const panes = await pipeline.panes();
    for (let endMs = at(0) + 10 * minuteMs; endMs <= at(2.75); endMs += 5 * minuteMs)
      expect([endMs, panes.get(endMs)?.rows, panes.get(endMs)?.late]).toEqual([endMs, 90, 10]);
    await worker.stop();
  });

  it('in 2001, and is the first in every partition: its pane is decided, and the time between is stepped over', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const worker = pipeline.start('w0');
    const firstMs = Date.UTC(2001, 0, 1);
    for (const partition of [0, 1]) await pipeline.produce(partition, [{ timeMs: firstMs }]);
    await feed(pipeline, 0, 3);
    const panes = await pipeline.panes();
    expect(panes.get(firstMs + 5 * minuteMs)?.rows).toBe(2);
    for (let endMs = at(0) + 10 * minuteMs; endMs <= at(2.75); endMs += 5 * minuteMs)
      expect([endMs, panes.get(endMs)?.rows]).toEqual([endMs, 100]);
    expect(panes.size).toBeLessThan(100);
    expect(await pipeline.events()).toEqual([]);
    await worker.stop();
  });
});

describe('a producer in 2100', () => {
  it('is invalid, and moves no watermark', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    const worker = pipeline.start('w0');
    await feed(pipeline, 0, 3, (producer, nowMs) => (producer === 3 ? Date.UTC(2100, 0, 1) : nowMs));
    await pipeline.runUntil(at(3));
    const panes = await pipeline.panes();
    for (let endMs = at(0) + 10 * minuteMs; endMs <= at(2.75); endMs += 5 * minuteMs)
      expect([endMs, panes.get(endMs)?.rows, panes.get(endMs)?.invalid]).toEqual([endMs, 90, 10]);
    expect(pipeline.figures.get('tidemark_records_invalid_total {"topic":"predictions","reason":"ahead-of-log"}')).toBe(360);
    await worker.stop();
  });
});
