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
