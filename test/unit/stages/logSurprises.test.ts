/** The log is not what it was: topics made anew, logs cut, committed positions moved or deleted. Nothing counts twice, nothing is passed over in silence, nobody stays blind. */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import type { FirstStart } from '../../../src/stages/summarizerStart.ts';
import { holding, refusingCommits } from '../../support/holding.ts';
import { Pipeline, type Row } from '../../support/pipeline.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({ feedback: [], window: { scalesMs: [hourMs] } });
const { group } = settings;
const at = { topic: 'predictions', partition: 1 };
const minute = (number: number) => startMs + number * minuteMs;
/** Of a whole pane. */
const wholeRows = 20;

/** Two rows a minute in each of two partitions. */
async function feed(pipeline: Pipeline, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number += 1) {
    await pipeline.runUntil(minute(number));
    for (const partition of [0, 1]) await pipeline.produce(partition, rowsOf(number));
  }
}

function rowsOf(number: number): Row[] {
  return [{ timeMs: minute(number) }, { timeMs: minute(number) + 1 }];
}

/** Minute at which the surprise comes: in the middle of a pane. */
const surprise = 63;
/** Minute up to which everything must be well again. */
const end = 125;

interface Case {
  /** Whether a worker runs while it happens. */
  readonly isRunning: boolean;
  readonly happens: (pipeline: Pipeline) => Promise<void> | void;
  readonly start?: FirstStart;
}

/** An hour of traffic, the surprise, another hour. */
async function live({ isRunning, happens, start = 'earliest' }: Case): Promise<Pipeline> {
  const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
  const first = pipeline.start('first', { start });
  await feed(pipeline, 0, surprise);
  await pipeline.runUntil(minute(surprise) - 1);
  if (!isRunning) await first.stop();
  await happens(pipeline);
  if (!isRunning) pipeline.start('second', { start });
  await feed(pipeline, surprise, end);
  return pipeline;
}

/** Ends (minutes) of the panes without a mark that do not have all rows, of those with more rows than there were, and of those marked. */
async function judged(pipeline: Pipeline, lastMinute = end - 15) {
  const panes = await pipeline.panes();
  const wrong: string[] = [];
  const marked: number[] = [];
  for (let number = 5; number <= lastMinute; number += 5) {
    const node = panes.get(minute(number));
    if (node === undefined) wrong.push(`${number} is not decided`);
    else if (node.inexact.length > 0) marked.push(number);
    if (node !== undefined && node.rows > wholeRows) wrong.push(`${number} has ${node.rows} rows`);
    if (node !== undefined && node.inexact.length === 0 && node.rows !== wholeRows)
      wrong.push(`${number} has ${node.rows} rows and no mark`);
  }
  return { wrong, marked };
}

const lossEvents = async (pipeline: Pipeline) =>
  (await pipeline.events()).filter(({ model, step }) => model === 'topic:predictions' && step === 'opened').map(({ summary }) => summary);

const errors = (pipeline: Pipeline) => pipeline.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message);

async function commitOf(pipeline: Pipeline, which = group, place: { topic: string; partition: number } = at) {
  const member = await pipeline.log.as('operator').join({ group: which, topics: [place.topic] });
  const [commit] = await member.committed([place]);
  return { member, commit };
}

/** Does what `kafka-consumer-groups --reset-offsets` does; `isCopied`: with the metadata that stood there. */
async function reset(pipeline: Pipeline, by: number | 'end', isCopied = false, which = group, place = at): Promise<void> {
  let isDone = false;
  void (async () => {
    const { member, commit } = await commitOf(pipeline, which, place);
    if (commit == null) throw new Error('Nothing was committed');
    const offset = by === 'end' ? (await pipeline.log.offsets(place)).high : commit.offset + by;
    await member.commit([{ ...place, offset, metadata: isCopied ? commit.metadata : '' }]);
    await member.leave();
    isDone = true;
  })();
  await pipeline.runWhile(() => !isDone);
}

describe('a topic that was created anew', () => {
  it.each([true, false])(
    'is read from its beginning, as an incident, and nobody waits for its old offsets (running: %s)',
    async (isRunning) => {
      const pipeline = await live({ isRunning, happens: ({ log }) => log.recreateTopic('predictions') });
      const { wrong, marked } = await judged(pipeline);
      expect(wrong).toEqual([]);
      expect(marked.every((number) => number >= surprise - 10 && number <= surprise + 10)).toBe(true);
      expect(await lossEvents(pipeline)).toEqual([
        expect.stringMatching(/^topic predictions, partitions? .*: records lost with the old topic: it was created anew (between|after) /),
      ]);
      expect(errors(pipeline).join()).toContain('the topic was created anew');
    },
  );

  it('is recognized by its records where the commits survived it', async () => {
    const pipeline = await live({ isRunning: false, happens: ({ log }) => log.recreateTopic('predictions', { keepsCommits: true }) });
    const { wrong } = await judged(pipeline);
    expect(wrong).toEqual([]);
    expect(await lossEvents(pipeline)).toHaveLength(1);
  });

  it.each([true, false])('is recognized by its records where it has more of them than the old one had (running: %s)', async (isRunning) => {
    const pipeline = await live({
      isRunning,
      happens: async (one) => {
        one.log.recreateTopic('predictions', { keepsCommits: true });
        // More than were ever in the old one, all of the pane that is open.
        const rows = Array.from({ length: 200 }, (_, index) => ({ timeMs: minute(surprise) + index }));
        for (const partition of [0, 1]) await one.produce(partition, rows);
      },
    });
    const panes = await pipeline.panes();
    const open = panes.get(minute(surprise + 2));
    // All of the new topic, and of the old one what was read before: three minutes.
    expect(open?.rows).toBe(400 + 8 + 12);
    expect(open?.inexact).toContain('gap');
    expect(panes.get(minute(end - 15))).toMatchObject({ rows: wholeRows, inexact: [] });
    expect(await lossEvents(pipeline)).toHaveLength(1);
  });
});

describe('a log whose newest records Kafka has lost', () => {
  it.each([true, false])('is read on, as an incident, and what was read before counts once (running: %s)', async (isRunning) => {
    const pipeline = await live({
      isRunning,
      happens: async ({ log }) => {
        const { high } = await rangeOf(log);
        log.truncate(at, high - 5);
      },
    });
    const { wrong, marked } = await judged(pipeline);
    expect(wrong).toEqual([]);
    expect(marked.every((number) => number >= surprise - 10 && number <= surprise + 10)).toBe(true);
    expect(await lossEvents(pipeline)).toEqual([
      expect.stringMatching(/^topic predictions, partition 1: records lost by Kafka: the log became shorter (between|after) /),
    ]);
  });

  it.each([true, false])(
    'of more than the open panes is taken for a topic that was created anew, and still nothing counts twice (running: %s)',
    async (isRunning) => {
      const pipeline = await live({
        isRunning,
        happens: async ({ log }) => {
          const { high } = await rangeOf(log);
          log.truncate(at, high - 60);
        },
      });
      const { wrong, marked } = await judged(pipeline);
      expect(wrong).toEqual([]);
      expect(marked.every((number) => number >= surprise - 15 && number <= surprise + 10)).toBe(true);
      expect(await lossEvents(pipeline)).toEqual([expect.stringContaining('records lost with the old topic: it was created anew')]);
    },
  );

  it.each([true, false])('is recognized where other records have taken the offsets already (running: %s)', async (isRunning) => {
    const pipeline = await live({
      isRunning,
      happens: async (one) => {
        const { high } = await rangeOf(one.log);
        one.log.truncate(at, high - 3);
        await one.produce(
          1,
          Array.from({ length: 6 }, (_, index) => ({ timeMs: minute(surprise) + index })),
        );
      },
    });
    const panes = await pipeline.panes();
    expect(panes.get(minute(end - 15))).toMatchObject({ rows: wholeRows, inexact: [] });
    expect(panes.get(minute(surprise + 2))?.rows).toBeLessThanOrEqual(wholeRows + 6);
    expect(panes.get(minute(surprise + 2))?.inexact).toContain('gap');
    expect(await lossEvents(pipeline)).toHaveLength(1);
  });
});

describe('records that retention took before they were read', () => {
  it('are told by nobody whose commits are refused: another may have read them', async () => {
    const pipeline = await Pipeline.create(settings, { startMs, partitions: 2 });
    let isHeld = false;
    let isRefused = false;
    pipeline.start('one', {
      wrap: (log) => holding(({ topic }) => isHeld && topic === at.topic)(refusingCommits(() => isRefused)(log)),
    });
    await feed(pipeline, 0, surprise);
    isHeld = true;
    await feed(pipeline, surprise, surprise + 20);
    const { high } = await rangeOf(pipeline.log);
    pipeline.log.deleteRecordsBefore(at, high - 4);
    isRefused = true;
    isHeld = false;
    await feed(pipeline, surprise + 20, surprise + 30);
    const told = () => errors(pipeline).filter((message) => message.startsWith('Retention has deleted records'));
    expect(told()).toEqual([]);
    expect(await lossEvents(pipeline)).toEqual([]);
    isRefused = false;
    await feed(pipeline, surprise + 30, end);
    expect(told()).toHaveLength(1);
    expect(await lossEvents(pipeline)).toEqual([
      expect.stringMatching(/^topic predictions, partition 1: \d+ records lost to retention between /),
    ]);
    expect((await pipeline.panes()).get(minute(end - 15))).toMatchObject({ rows: wholeRows, inexact: [] });
  });
});

async function rangeOf(log: Pipeline['log']) {
  return log.offsets(at);
}

describe('the committed position of a source partition', () => {
  it.each([
    ['without metadata', false],
    ['with its metadata', true],
  ])('moved forward %s is a gap that is reported', async (_, isCopied) => {
    const pipeline = await live({
      isRunning: false,
      happens: async (one) => {
        // Traffic goes on while the worker is away.
        for (let number = surprise; number < surprise + 10; number += 1) await one.produce(1, rowsOf(number));
        await reset(one, 24, isCopied);
      },
    });
    const { wrong } = await judged(pipeline, surprise - 10);
    expect(wrong).toEqual([]);
    const [told] = await lossEvents(pipeline);
    expect(told).toMatch(/^topic predictions, partition 1: \d+ records passed over by a reset of the committed offset (between|after) /);
    const panes = await pipeline.panes();
    for (const number of [65, 70]) expect(panes.get(minute(number))?.inexact).toContain('gap');
    expect(panes.get(minute(end - 15))).toMatchObject({ rows: wholeRows, inexact: [] });
  });

  it.each([
    ['without metadata', false],
    ['with its metadata', true],
  ])('moved back %s doubles nothing', async (_, isCopied) => {
    const pipeline = await live({ isRunning: false, happens: (one) => reset(one, -50, isCopied) });
    const { wrong } = await judged(pipeline);
    expect(wrong).toEqual([]);
    expect(await lossEvents(pipeline)).toEqual([]);
  });

  it('deleted begins where kafka.start says: at the earliest record nothing is doubled or lost', async () => {
    const pipeline = await live({ isRunning: false, happens: ({ log }) => log.deleteCommits(group) });
    const { wrong } = await judged(pipeline);
    expect(wrong).toEqual([]);
    expect(await lossEvents(pipeline)).toEqual([]);
    expect(errors(pipeline).join()).toContain('The committed position was deleted');
  });

  it('deleted and begun at the latest record is a gap that is reported', async () => {
    const pipeline = await live({
      isRunning: false,
      start: 'latest',
      happens: async (one) => {
        one.log.deleteCommits(group);
        for (let number = surprise; number < surprise + 5; number += 1) await one.produce(1, rowsOf(number));
      },
    });
    const [told] = await lossEvents(pipeline);
    expect(told).toMatch(
      /^topic predictions, partitions 0, 1: \d+ records passed over by a reset of the committed offset (between|after) /,
    );
  });
});

describe('the committed position of a partition of partials', () => {
  const partials = { topic: internalTopics(group).partials, partition: 0 };
  it.each([
    ['to the end', 'end'],
    ['back', -20],
  ] as const)('moved %s loses and doubles nothing', async (_, by) => {
    const pipeline = await live({
      isRunning: false,
      happens: async (one) => {
        // Something that nobody has decided yet.
        const summarizer = one.start('alone', { roles: ['summarize'] });
        await feed(one, surprise, surprise + 12);
        await summarizer.stop();
        await reset(one, by, false, `${group}-detect`, partials);
        const second = one.start('other');
        await feed(one, surprise + 12, surprise + 40);
        await second.stop();
      },
    });
    const { wrong, marked } = await judged(pipeline, surprise + 22);
    expect({ wrong, marked }).toEqual({ wrong: [], marked: [] });
    expect(await lossEvents(pipeline)).toEqual([]);
  });

  it('deleted loses and doubles nothing', async () => {
    const pipeline = await live({ isRunning: false, happens: ({ log }) => log.deleteCommits(`${group}-detect`) });
    const { wrong, marked } = await judged(pipeline);
    expect({ wrong, marked }).toEqual({ wrong: [], marked: [] });
  });
});
