import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../../src/core/record/partitioner.ts';
import { parseResumeState } from '../../../src/core/summarize/resumeState.ts';
import {
  all,
  contents,
  hopMs,
  messages,
  positionOf,
  prediction,
  rowsByPane,
  run,
  send,
  settings,
  startMs,
  topics,
  world,
} from '../../support/summarizeWorld.ts';

describe('The summarize stage', () => {
  it('writes the partials of a closed pane to the partition of their model, then a watermark record to every partition', async () => {
    const one = await world();
    await send(one.log, [prediction(1, startMs), prediction(2, startMs + 1), prediction(3, startMs + hopMs)], startMs + hopMs);
    await run(one, async () => (await positionOf(one.log)) >= 3);
    const home = partitionOf('fraud', 3);
    for (const [partition, list] of (await messages(one.log)).entries()) {
      const closing = list.findIndex((message) => message.type === 'watermark' && message.position === 3);
      const partial = list.findIndex((message) => message.type === 'partial' && message.model === 'fraud' && message.paneMs === startMs);
      expect(closing).toBeGreaterThanOrEqual(0);
      if (partition === home) expect(partial).toBeLessThan(closing);
      expect(partial >= 0).toBe(partition === home);
    }
  });

  it('writes open cells and an idle record once nothing has come for idleAfter, and repeats the record alone', async () => {
    const one = await world();
    await send(one.log, [prediction(1, startMs), prediction(2, startMs + 1)], startMs);
    await run(one, async () => (await all(one.log, 'idle')).filter(({ source }) => source.role === 'predictions').length >= 3 * 3);
    expect(await rowsByPane(one.log)).toEqual({ 0: 2 });
    expect((await all(one.log, 'partial')).filter(({ model }) => model === 'fraud')).toHaveLength(1);
    const told = (await messages(one.log))[0]?.filter((message) => message.type === 'idle' && message.source.role === 'predictions') ?? [];
    const idleFor = told.map((message) => (message.type === 'idle' ? message.idleForMs : 0));
    expect(idleFor[0]).toBeGreaterThanOrEqual(1_000);
    expect(idleFor[1]).toBeGreaterThanOrEqual((idleFor[0] ?? 0) + 1_000);
    expect(told[0]).toMatchObject({ position: 2, partitions: 1, watermarkMs: startMs + 1 });
  });

  it('takes a partition that ends in control records for idle', async () => {
    const one = await world();
    await send(one.log, [prediction(1, startMs)], startMs);
    one.log.appendGap({ topic: 'predictions', partition: 0 }, 3);
    await run(one, async () => (await positionOf(one.log)) >= 4);
    expect((await all(one.log, 'idle')).some(({ position, source }) => source.role === 'predictions' && position === 4)).toBe(true);
  });

  it('goes on from the commit after a stop, and counts every record once', async () => {
    const one = await world();
    const values = Array.from({ length: 40 }, (_, i) => prediction(i, startMs + i * 30_000));
    await send(one.log, values.slice(0, 25), startMs + 40 * 30_000);
    await run(one, async () => (await positionOf(one.log)) >= 25);
    await send(one.log, values.slice(25), startMs + 40 * 30_000);
    await run(one, async () => (await positionOf(one.log)) >= 40);
    expect(await rowsByPane(one.log)).toEqual({ 0: 10, 1: 10, 2: 10, 3: 10 });
    expect(one.errors).toEqual([]);
    const [commit] = await (await one.log.join({ group: settings.group, topics: ['predictions'] })).committed([
      { topic: 'predictions', partition: 0 },
    ]);
    // The first record of the pane that is still open.
    expect(commit?.offset).toBe(30);
    expect(parseResumeState(commit?.metadata ?? '')).toMatchObject({ maxTimeMs: startMs + 29 * 30_000, idle: { position: 40 } });
  });

  it('reads on from the prediction partition with the lowest watermark', async () => {
    const one = await world(2, 1_000);
    const minutes = (partition: number) =>
      Array.from({ length: 1_500 }, (_, i) => prediction(partition * 10_000 + i, startMs + i * 60_000));
    await send(one.log, minutes(0), startMs + 1_500 * 60_000, 0);
    await send(one.log, minutes(1), startMs + 1_500 * 60_000, 1);
    await run(one, async () => (await positionOf(one.log, 0)) >= 1_500 && (await positionOf(one.log, 1)) >= 1_500);
    const highest = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    let widest = 0;
    for (const message of (await messages(one.log))[0] ?? []) {
      if (message.type !== 'watermark' || message.source.role !== 'predictions') continue;
      highest[message.source.partition] = message.watermarkMs;
      const [first = 0, second = 0] = highest;
      if (Number.isFinite(first) && Number.isFinite(second)) widest = Math.max(widest, Math.abs(first - second));
    }
    // A slice holds 500 records, a minute each.
    expect(widest).toBeLessThanOrEqual(501 * 60_000);
  });

  it('sends feedback without a model to every partition', async () => {
    const one = await world();
    await send(one.log, [JSON.stringify({ id: 'p1', ts: startMs, label: 'yes' })], startMs, 0, 'feedback');
    await run(one, async () => (await positionOf(one.log, 0, 'feedback')) >= 1);
    for (const list of await messages(one.log)) {
      expect(list.filter((message) => message.type === 'partial' && message.model === '*')).toHaveLength(1);
    }
  });

  it('puts what cannot be used on the dead-letter topic with its reason, its position and its bytes, and counts it', async () => {
    const one = await world();
    await send(one.log, [prediction(1, startMs), 'no json', null, '[]'], startMs);
    await run(one, async () => (await positionOf(one.log)) >= 4);
    const letters = (await contents(one.log, topics.deadLetters)).flat().map((value): unknown => JSON.parse(value));
    expect(letters).toHaveLength(2);
    expect(letters).toContainEqual(
      expect.objectContaining({ topic: 'predictions', partition: 0, offset: 1, reason: 'not-json', value: 'no json' }),
    );
    expect(letters).toContainEqual(expect.objectContaining({ offset: 3, reason: 'not-object', value: '[]' }));
    const counts = (await all(one.log, 'partial')).find(({ model }) => model === 'topic:predictions')?.counts;
    expect(counts).toEqual({ records: 4, late: 0, skipped: 1, capped: 0, invalid: { 'not-json': 1, 'not-object': 1 } });
  });

  it('keeps a capped share of the bad records of a topic that cannot be read, loudly, and counts all', async () => {
    const one = await world();
    await send(
      one.log,
      Array.from({ length: 300 }, () => 'no json'),
      startMs,
    );
    await run(one, async () => (await positionOf(one.log)) >= 300, { deadLetterShare: 0.1 });
    const letters = (await contents(one.log, topics.deadLetters)).flat();
    expect(letters.length).toBeGreaterThanOrEqual(20);
    expect(letters.length).toBeLessThanOrEqual(20 + 30);
    expect(one.errors).toHaveLength(1);
    const counts = (await all(one.log, 'partial')).find(({ to }) => to === 300)?.counts;
    expect(counts).toMatchObject({ records: 300, invalid: { 'not-json': 300 } });
  });

  it('begins at the end where the settings say so, and does not call that pane complete', async () => {
    const one = await world();
    await send(one.log, [prediction(1, startMs), prediction(2, startMs)], startMs);
    // Its first run sees nothing, and yet fixes where the group began.
    await run(one, async () => (await positionOf(one.log)) >= 2, { start: 'latest' });
    await send(one.log, [prediction(3, startMs), prediction(4, startMs + 2 * hopMs)], startMs + 2 * hopMs);
    await run(one, async () => (await positionOf(one.log)) >= 4, { start: 'latest' });
    expect(await rowsByPane(one.log)).toEqual({ 0: 1, 2: 1 });
    const partials = (await all(one.log, 'partial')).filter(({ model }) => model === 'fraud');
    expect(partials.map(({ paneMs, from, complete }) => [((paneMs ?? 0) - startMs) / hopMs, from, complete])).toEqual(
      expect.arrayContaining([
        [0, 2, false],
        [2, 0, true],
      ]),
    );
  });

  it('says loudly what retention deleted before it was read, and begins incomplete panes there', async () => {
    const one = await world();
    await send(one.log, [prediction(1, startMs), prediction(2, startMs + hopMs)], startMs + hopMs);
    await run(one, async () => (await all(one.log, 'watermark')).some(({ position }) => position === 2));
    await send(
      one.log,
      [prediction(3, startMs + hopMs), prediction(4, startMs + hopMs), prediction(5, startMs + 3 * hopMs)],
      startMs + 3 * hopMs,
    );
    one.log.deleteRecordsBefore({ topic: 'predictions', partition: 0 }, 3);
    await run(one, async () => (await positionOf(one.log)) >= 5);
    expect(one.errors.map(({ fields }) => fields)).toContainEqual(expect.objectContaining({ lostFrom: 1, lostTo: 3 }));
    const incomplete = (await all(one.log, 'partial')).filter(({ model, complete }) => model === 'fraud' && !complete);
    expect(incomplete.map(({ paneMs, from }) => [paneMs, from])).toContainEqual([startMs + hopMs, 3]);
  });

  it('reads a topic that was recreated from its beginning, loudly', async () => {
    const one = await world();
    await send(one.log, [prediction(1, startMs), prediction(2, startMs + hopMs), prediction(3, startMs + hopMs)], startMs + hopMs);
    await run(one, async () => (await positionOf(one.log)) >= 3);
    const [commit] = await (await one.log.join({ group: settings.group, topics: ['predictions'] })).committed([
      { topic: 'predictions', partition: 0 },
    ]);
    const other = await world();
    const later = startMs + 2 * hopMs;
    await send(other.log, [prediction(7, later), prediction(8, later), prediction(9, later)], later + 5);
    const member = await other.log.join({ group: settings.group, topics: ['predictions'] });
    member.assignment();
    if (commit === null || commit === undefined) throw new Error('The first run has committed');
    await member.commit([commit]);
    await member.leave();
    await run(other, async () => (await positionOf(other.log)) >= 3);
    expect(other.errors).toHaveLength(1);
    expect(await rowsByPane(other.log)).toEqual({ 2: 3 });
  });
});
