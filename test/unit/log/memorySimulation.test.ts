/** What the memory log has beyond the port, for simulation. */
import { describe, expect, test } from 'vitest';
import { DependencyError } from '../../../src/core/errors.ts';
import type { Interpose, Operation } from '../../../src/log/memory/memoryContext.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import type { Clock } from '../../../src/log/port.ts';
import { produceTexts, textOf } from '../../support/logSuite.ts';

const at = { topic: 'topic', partition: 0 };
const commit = { ...at, offset: 1, metadata: 'm' };

async function logWith(options: ConstructorParameters<typeof MemoryLog>[0] = {}, partitions = 1): Promise<MemoryLog> {
  const log = new MemoryLog(options);
  await log.createTopics([{ topic: at.topic, partitions, configs: {} }]);
  return log;
}

describe('a worker that is expelled', () => {
  test('does not know: it goes on reading and writing, but its commit rejects', async () => {
    const log = await logWith();
    const zombie = log.as('zombie');
    const member = await zombie.join({ group: 'g', topics: [at.topic] });
    const before = member.assignment();
    member.start(at, 0);
    log.expel('zombie');
    await produceTexts(zombie, at, ['written']);
    expect(member.assignment()).toEqual(before);
    expect(member.take(at)?.records.map(textOf)).toEqual(['written']);
    await expect(member.commit([commit])).rejects.toThrow(DependencyError);
    expect(await member.committed([at])).toEqual([null]);
  });

  test('joins again with that, as one that holds nothing', async () => {
    const log = await logWith({}, 2);
    const member = await log.as('zombie').join({ group: 'g', topics: [at.topic] });
    const before = member.assignment();
    log.expel('zombie');
    const other = await log.as('other').join({ group: 'g', topics: [at.topic] });
    expect(other.assignment().partitions).toHaveLength(2);
    await expect(member.commit([commit])).rejects.toThrow(/joined again/);
    const after = member.assignment();
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.partitions).toHaveLength(1);
    expect(after.partitions[0]?.since).toBe(after.epoch);
    expect(other.assignment().partitions).toHaveLength(1);
  });
});

describe('operations', () => {
  test('all go through interpose, with the name of their worker', async () => {
    const seen: Operation[] = [];
    const interpose: Interpose = async (operation, effect) => {
      seen.push(operation);
      return effect();
    };
    const log = (await logWith({ interpose })).as('w1');
    await log.partitionCount(at.topic);
    await log.offsets(at);
    await log.offsetAtTime(at, 0);
    await produceTexts(log, at, ['a']);
    const reader = await log.read(at, 0);
    await reader.next(0);
    const member = await log.join({ group: 'g', topics: [at.topic] });
    await member.committed([at]);
    await member.wait(0);
    await member.commit([commit]);
    await member.leave();
    expect(seen.slice(1).every(({ member }) => member === 'w1')).toBe(true);
    expect(seen.map(({ name }) => name)).toEqual([
      'createTopics',
      'partitionCount',
      'offsets',
      'offsetAtTime',
      'produce',
      'read',
      'next',
      'join',
      'committed',
      'wait',
      'commit',
      'leave',
    ]);
  });

  test('can be repeated: a write that is sent twice stands twice', async () => {
    const interpose: Interpose = async (operation, effect) => {
      if (operation.name === 'produce') effect();
      return effect();
    };
    const log = await logWith({ interpose });
    expect(await produceTexts(log, at, ['a'])).toEqual([1]);
    expect(await log.offsets(at)).toEqual({ low: 0, high: 2 });
  });

  test('can be lost before or after their effect', async () => {
    const lost = new Error('crash');
    let moment: 'before' | 'after' | null = null;
    const interpose: Interpose = async (_operation, effect) => {
      if (moment === 'before') throw lost;
      const result = effect();
      if (moment === 'after') throw lost;
      return result;
    };
    const log = await logWith({ interpose });
    for (const each of ['before', 'after'] as const) {
      moment = each;
      await expect(produceTexts(log, at, ['a'])).rejects.toBe(lost);
    }
    moment = null;
    expect(await log.offsets(at)).toEqual({ low: 0, high: 1 });
  });
});

describe('reading', () => {
  test('takes as many offsets as fetchSize says', async () => {
    const sizes = [1, 3, 2];
    const log = await logWith({ fetchSize: () => sizes.shift() ?? 1 });
    await produceTexts(log, at, ['a', 'b', 'c', 'd', 'e', 'f']);
    const reader = await log.read(at, 0);
    const taken = [await reader.next(0), await reader.next(0), await reader.next(0), await reader.next(0)];
    expect(taken.map((batch) => batch?.records.map(textOf).join(''))).toEqual(['a', 'bcd', 'ef', undefined]);
  });

  test('passes gaps: they move the position and are no loss', async () => {
    const log = await logWith({ fetchSize: () => 2 });
    await produceTexts(log, at, ['a']);
    log.appendGap(at, 3);
    await produceTexts(log, at, ['b']);
    const reader = await log.read(at, 0);
    const batches = [await reader.next(0), await reader.next(0), await reader.next(0)];
    expect(batches.map((batch) => [batch?.nextOffset, batch?.lostFrom, batch?.records.map(textOf)])).toEqual([
      [2, undefined, ['a']],
      [4, undefined, []],
      [5, undefined, ['b']],
    ]);
  });

  test('says what retention took before it was read', async () => {
    const log = await logWith();
    await produceTexts(log, at, ['a', 'b', 'c']);
    const member = await log.join({ group: 'g', topics: [at.topic] });
    member.start(at, 0);
    log.deleteRecordsBefore(at, 2);
    expect(await log.offsets(at)).toEqual({ low: 2, high: 3 });
    expect(member.take(at)).toMatchObject({ lostFrom: 0, nextOffset: 3, records: [{ offset: 2 }] });
  });

  test('stamps records by the clock where no time is given, and waits by it', async () => {
    const sleeps: number[] = [];
    const clock: Clock = {
      nowMs: () => 42,
      sleep: async (milliseconds) => {
        sleeps.push(milliseconds);
      },
    };
    const log = await logWith({ clock });
    const reader = await log.read(at, 0);
    expect(await reader.next(700)).toBeNull();
    expect(sleeps).toEqual([700]);
    await produceTexts(log, at, ['a']);
    expect((await reader.next(0))?.records[0]?.timestampMs).toBe(42);
  });
});

describe('what happens to topics', () => {
  async function allOf(log: MemoryLog): Promise<(readonly [offset: number, text: string])[]> {
    const { low, high } = await log.offsets(at);
    const reader = await log.read(at, low);
    const records: (readonly [number, string])[] = [];
    for (let position = low; position < high; ) {
      const batch = await reader.next(0);
      for (const record of batch?.records ?? []) records.push([record.offset, textOf(record)]);
      position = batch?.nextOffset ?? high;
    }
    return records;
  }

  test('compaction keeps the newest record of each key at its offset, later also without tombstones', async () => {
    const log = await logWith();
    const write = (key: string | null, value: string | null) => log.produce([{ ...at, key, value }]);
    await write('a', 'a1');
    await write('b', 'b1');
    await write(null, 'without a key');
    await write('a', 'a2');
    await write('b', null);
    await write('a', 'a3');
    log.compact(at, 5, 0);
    // Offset 5 is not closed yet, but its record is newer than that at 3.
    expect(await allOf(log)).toEqual([
      [2, 'without a key'],
      [4, '(null)'],
      [5, 'a3'],
    ]);
    log.compact(at, 5, 5);
    expect((await allOf(log)).map(([offset]) => offset)).toEqual([2, 5]);
    expect(await log.offsets(at)).toEqual({ low: 0, high: 6 });
  });

  test('a stalled partition gives nothing and wakes nobody, though its end is known and grows', async () => {
    const log = await logWith({ clock: { nowMs: () => 0, sleep: async () => {} } });
    const member = await log.join({ group: 'g', topics: [at.topic] });
    member.assignment();
    member.start(at, 0);
    log.setStalled(at, true);
    await produceTexts(log, at, ['a']);
    expect(await log.offsets(at)).toEqual({ low: 0, high: 1 });
    expect(member.take(at)).toBeNull();
    log.setStalled(at, false);
    expect(member.take(at)?.records.map(textOf)).toEqual(['a']);
  });

  test('more partitions are shared out in the groups that read the topic', async () => {
    const log = await logWith();
    const member = await log.join({ group: 'g', topics: [at.topic] });
    const before = member.assignment();
    log.addPartitions(at.topic, 3);
    expect(await log.partitionCount(at.topic)).toBe(3);
    const after = member.assignment();
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    expect(after.partitions[0]?.since).toBe(before.epoch);
  });

  test('commits are reset while nobody is in the group, and not before', async () => {
    const log = await logWith();
    const member = await log.as('w').join({ group: 'g', topics: [at.topic] });
    await member.commit([commit]);
    expect(() => log.resetCommit('g', at, 0)).toThrow(/has members/);
    await member.leave();
    log.resetCommit('g', at, 0);
    const next = await log.join({ group: 'g', topics: [at.topic] });
    expect(await next.committed([at])).toEqual([{ ...at, offset: 0, metadata: '' }]);
    await next.leave();
    log.resetCommit('g', at, null);
    const last = await log.join({ group: 'g', topics: [at.topic] });
    expect(await last.committed([at])).toEqual([null]);
  });

  test('records and commits are told of as they happen, whoever hears of the outcome', async () => {
    const told: string[] = [];
    const log = await logWith({
      onAppend: (place, record) => told.push(`${place.topic}/${place.partition} ${record.offset}`),
      onCommit: (group, one) => told.push(`${group} ${one.offset}`),
      interpose: async (operation, effect) => {
        const result = effect();
        if (operation.name === 'commit') throw new Error('no answer');
        return result;
      },
    });
    await produceTexts(log, at, ['a']);
    const member = await log.join({ group: 'g', topics: [at.topic] });
    await expect(member.commit([commit])).rejects.toThrow('no answer');
    expect(told).toEqual(['topic/0 0', 'g 1']);
  });
});
