/** Labels that come seldom: their partition is told as idle in between, and none of them is lost for that. */
import { describe, expect, it } from 'vitest';
import { parseFactKey, readFeedback } from '../../../src/core/detect/fact.ts';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import { holding } from '../../support/holding.ts';
import { Pipeline } from '../../support/pipeline.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const text = new TextDecoder();

/** Ids of labels that decisions hold. */
async function labelsIn(pipeline: Pipeline): Promise<number> {
  const hashes = new Set<string>();
  for (const { key, value } of await pipeline.allRecords(internalTopics('tidemark').history)) {
    const subject = parseFactKey(key === null ? '' : text.decode(key));
    if (subject?.fact !== 'feedback' || value === null) continue;
    for (const { hash } of readFeedback([value])?.sample.entries ?? []) hashes.add(`${hash.high}-${hash.low}`);
  }
  return hashes.size;
}

class Feed {
  labels = 0;
  readonly pipeline: Pipeline;

  constructor(pipeline: Pipeline) {
    this.pipeline = pipeline;
  }

  static async create(latenessMs: number): Promise<Feed> {
    const settings = coreSettings({ window: { scalesMs: [hourMs], latenessMs } });
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    await pipeline.log.createTopics([{ topic: 'feedback', partitions: 1, configs: {} }]);
    return new Feed(pipeline);
  }

  /** Predictions every 20 s in both partitions, their clocks ahead by `aheadMs`, and a label every so many minutes. */
  async feed(fromMinute: number, toMinute: number, everyMinutes: number, aheadMs = 0): Promise<void> {
    for (let second = fromMinute * 60; second < toMinute * 60; second += 20) {
      const nowMs = startMs + second * 1_000;
      await this.pipeline.runUntil(nowMs);
      for (const partition of [0, 1]) await this.pipeline.produce(partition, [{ timeMs: nowMs + aheadMs }]);
      if ((second + 80) % (everyMinutes * 60) !== 0) continue;
      this.labels += 1;
      const value = JSON.stringify({ id: `r${this.labels}`, ts: nowMs, label: 'ok' });
      await this.pipeline.log.produce([{ topic: 'feedback', partition: 0, key: null, value, timestampMs: nowMs }]);
    }
  }
}

const never = 1_000;

describe('no label is lost', () => {
  it.each([
    ['by the defaults', 5, 0],
    ['without lateness', 0, 0],
    ['where the clocks of those who predict are eight minutes fast', 5, 8],
  ])('%s', async (_, latenessMinutes, aheadMinutes) => {
    const feed = await Feed.create(latenessMinutes * minuteMs);
    const worker = feed.pipeline.start('w0');
    // Labels before there is a model have nothing to meet.
    await feed.feed(0, 15, never, aheadMinutes * minuteMs);
    await feed.feed(15, 240, 3, aheadMinutes * minuteMs);
    await feed.feed(240, 300, never, aheadMinutes * minuteMs);
    expect(feed.labels).toBe(75);
    expect(await labelsIn(feed.pipeline)).toBe(feed.labels);
    await worker.stop();
  });

  it.each([0, 2, 10])('after three hours without a worker, where feedback is read %s minutes after predictions are', async (minutes) => {
    const feed = await Feed.create(5 * minuteMs);
    const { pipeline } = feed;
    const first = pipeline.start('w0');
    await feed.feed(0, 60, 3);
    await pipeline.runUntil(startMs + 62 * minuteMs);
    await first.stop();
    await feed.feed(62, 240, 3);
    const untilMs = startMs + (240 + minutes) * minuteMs;
    const second = pipeline.start('w1', {
      wrap: holding(({ topic }) => topic === 'feedback' && pipeline.scheduler.nowMs < untilMs),
    });
    await feed.feed(240, 300, never);
    expect(feed.labels).toBe(79);
    expect(await labelsIn(pipeline)).toBe(feed.labels);
    await second.stop();
  });
});
