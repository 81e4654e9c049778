/** What every log does, whatever it is made of: one suite, run on the memory log and on real Kafka. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DependencyError } from '../../src/core/errors.ts';
import type { Batch, Log, LogRecord, Member, TopicPartition } from '../../src/log/port.ts';

/** Ample for a rebalance of real members; a limit of patience, not of speed. */
const patienceMs = 40_000;

/** Makes names that no other test of this run, or run on this broker, uses. */
export function uniqueName(prefix: string): string {
  serial += 1;
  return `${prefix}-${process.pid}-${Date.now().toString(36)}-${serial}`;
}
let serial = 0;

/** Creates a topic of a new name. */
export async function makeTopic(log: Log, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
  const topic = uniqueName('topic');
  await log.createTopics([{ topic, partitions, configs }]);
  return topic;
}

/** Produces texts to one partition. */
export function produceTexts(log: Log, at: TopicPartition, texts: readonly string[]): Promise<readonly number[]> {
  return log.produce(texts.map((value) => ({ ...at, key: null, value })));
}

/** Waits until the member owns what the predicate wants. */
export async function waitForAssignment(member: Member, isDone: (partitions: number) => boolean): Promise<void> {
  const endMs = Date.now() + patienceMs;
  while (!isDone(member.assignment().partitions.length)) {
    if (Date.now() > endMs) throw new Error(`The member owns ${member.assignment().partitions.length} partitions and nothing changes`);
    await member.wait(100);
  }
}

/** Takes batches of one partition until its position reaches an offset. */
export async function takeUpTo(member: Member, at: TopicPartition, offset: number): Promise<Batch[]> {
  const endMs = Date.now() + patienceMs;
  const batches: Batch[] = [];
  while ((batches.at(-1)?.nextOffset ?? -1) < offset) {
    if (Date.now() > endMs) throw new Error(`Position ${batches.at(-1)?.nextOffset} instead of ${offset}`);
    const batch = member.take(at);
    if (batch !== null) batches.push(batch);
    else {
      member.assignment();
      await member.wait(100);
    }
  }
  return batches;
}

/** The text of a record's value. */
export function textOf(record: LogRecord): string {
  return record.value === null ? '(null)' : new TextDecoder().decode(record.value);
}

function textsOf(batches: readonly Batch[]): string[] {
  return batches.flatMap((batch) => batch.records.map(textOf));
}

/** `makeLog` is called once; the suite closes what it made. */
export function logSuite(name: string, makeLog: () => Promise<Log> | Log): void {
  describe(name, () => {
    let log: Log;
    beforeAll(async () => {
      log = await makeLog();
    });
    afterAll(() => log.close());

    describe('topics', () => {
      test('have the partitions that they were created with', async () => {
        expect(await log.partitionCount(await makeTopic(log, 3))).toBe(3);
      });
      test('that exist are left alone when created again', async () => {
        const topic = await makeTopic(log, 2);
        await produceTexts(log, { topic, partition: 1 }, ['a']);
        await log.createTopics([{ topic, partitions: 5, configs: {} }]);
        expect(await log.partitionCount(topic)).toBe(2);
        expect(await log.offsets({ topic, partition: 1 })).toEqual({ low: 0, high: 1 });
      });
      test('that do not exist are an error of the outside world', async () => {
        await expect(log.partitionCount(uniqueName('missing'))).rejects.toThrow(DependencyError);
      });
    });

    describe('writing', () => {
      test('gives the offsets, in order per partition', async () => {
        const topic = await makeTopic(log, 2);
        const records = [0, 1, 0, 1, 0].map((partition, index) => ({ topic, partition, key: null, value: String(index) }));
        expect(await log.produce(records)).toEqual([0, 0, 1, 1, 2]);
        expect(await log.offsets({ topic, partition: 0 })).toEqual({ low: 0, high: 3 });
      });
      test('of nothing is allowed', async () => {
        expect(await log.produce([])).toEqual([]);
      });
      test('keeps key, value, null values and the given timestamp', async () => {
        const topic = await makeTopic(log);
        await log.produce([
          { topic, partition: 0, key: 'k', value: new Uint8Array([1, 2, 255]), timestampMs: 1_000_000_000_000 },
          { topic, partition: 0, key: null, value: null, timestampMs: 1_000_000_000_001 },
        ]);
        const reader = await log.read({ topic, partition: 0 }, 0);
        const records = (await readUpTo(reader, 2)).flatMap((batch) => batch.records);
        await reader.close();
        expect(records.map(({ offset, timestampMs }) => [offset, timestampMs])).toEqual([
          [0, 1_000_000_000_000],
          [1, 1_000_000_000_001],
        ]);
        expect(new TextDecoder().decode(records[0]?.key ?? new Uint8Array())).toBe('k');
        expect([...(records[0]?.value ?? [])]).toEqual([1, 2, 255]);
        expect([records[1]?.key, records[1]?.value]).toEqual([null, null]);
      });
      test('to a topic that does not exist rejects', async () => {
        await expect(produceTexts(log, { topic: uniqueName('missing'), partition: 0 }, ['a'])).rejects.toThrow(DependencyError);
      });
      test('from several callers at once keeps the order of each', async () => {
        const topic = await makeTopic(log);
        const at = { topic, partition: 0 };
        await Promise.all(
          ['a', 'b', 'c'].map(async (who) => {
            for (let index = 0; index < 5; index += 1) await produceTexts(log, at, [`${who}${index}`]);
          }),
        );
        const reader = await log.read(at, 0);
        const texts = textsOf(await readUpTo(reader, 15));
        await reader.close();
        for (const who of ['a', 'b', 'c']) {
          expect(texts.filter((each) => each.startsWith(who))).toEqual([0, 1, 2, 3, 4].map((index) => `${who}${index}`));
        }
      });
    });

    describe('offsets by time', () => {
      test('are those of the first record at or after it, the end where there is none', async () => {
        const topic = await makeTopic(log);
        const at = { topic, partition: 0 };
        for (const timestampMs of [1_000, 2_000, 3_000])
          await log.produce([{ ...at, key: null, value: 'x', timestampMs: 1e12 + timestampMs }]);
        expect(await log.offsetAtTime(at, 1e12)).toBe(0);
        expect(await log.offsetAtTime(at, 1e12 + 1_001)).toBe(1);
        expect(await log.offsetAtTime(at, 1e12 + 3_000)).toBe(2);
        expect(await log.offsetAtTime(at, 1e12 + 3_001)).toBe(3);
      });
    });

    describe('a reader without a group', () => {
      test('reads from an offset on, then gives null, then what comes later', async () => {
        const topic = await makeTopic(log, 2);
        const at = { topic, partition: 1 };
        await produceTexts(log, at, ['a', 'b', 'c']);
        const reader = await log.read(at, 1);
        expect(textsOf(await readUpTo(reader, 3))).toEqual(['b', 'c']);
        expect(await reader.next(20)).toBeNull();
        await produceTexts(log, at, ['d']);
        expect(textsOf(await readUpTo(reader, 4))).toEqual(['d']);
        await reader.close();
      });
    });

    describe('a member', () => {
      test('gets nothing of a partition before it starts it, and all from there on', async () => {
        const topic = await makeTopic(log);
        const at = { topic, partition: 0 };
        await produceTexts(log, at, ['a', 'b', 'c']);
        const member = await log.join({ group: uniqueName('group'), topics: [topic] });
        await waitForAssignment(member, (owned) => owned === 1);
        await member.wait(300);
        expect(member.take(at)).toBeNull();
        member.start(at, 1);
        expect(textsOf(await takeUpTo(member, at, 3))).toEqual(['b', 'c']);
        expect(member.take(at)).toBeNull();
        await produceTexts(log, at, ['d']);
        expect(textsOf(await takeUpTo(member, at, 4))).toEqual(['d']);
        await member.leave();
      });

      test('that leaves records lying is woken by news only, and by its own taking', async () => {
        const topic = await makeTopic(log, 2);
        const [held, wanted] = [0, 1].map((partition) => ({ topic, partition })) as [TopicPartition, TopicPartition];
        const member = await log.join({ group: uniqueName('group'), topics: [topic] });
        await waitForAssignment(member, (owned) => owned === 2);
        await produceTexts(log, held, ['a']);
        member.start(held, 0);
        await member.wait(patienceMs);
        // The record of `held` lies there: a wait that returned at once, again and again, would let nothing else run.
        await member.wait(300);
        let isBack = false;
        const waiting = member.wait(patienceMs).then(() => {
          isBack = true;
        });
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(isBack).toBe(false);
        await produceTexts(log, wanted, ['b']);
        member.start(wanted, 0);
        await waiting;
        expect(textsOf(await takeUpTo(member, wanted, 1))).toEqual(['b']);
        // Taking one makes what still lies there news.
        await member.wait(patienceMs);
        expect(textsOf(await takeUpTo(member, held, 1))).toEqual(['a']);
        await member.leave();
      });

      test('can start a partition again at another offset', async () => {
        const topic = await makeTopic(log);
        const at = { topic, partition: 0 };
        await produceTexts(log, at, ['a', 'b', 'c']);
        const member = await log.join({ group: uniqueName('group'), topics: [topic] });
        await waitForAssignment(member, (owned) => owned === 1);
        member.start(at, 0);
        expect(textsOf(await takeUpTo(member, at, 3))).toEqual(['a', 'b', 'c']);
        member.start(at, 1);
        expect(textsOf(await takeUpTo(member, at, 3))).toEqual(['b', 'c']);
        await member.leave();
      });

      test('commits offset and metadata, and the next member finds them; null where there is none', async () => {
        const topic = await makeTopic(log, 2);
        const group = uniqueName('group');
        const [zero, one] = [0, 1].map((partition) => ({ topic, partition })) as [TopicPartition, TopicPartition];
        await produceTexts(log, zero, ['a', 'b']);
        const first = await log.join({ group, topics: [topic] });
        await waitForAssignment(first, (owned) => owned === 2);
        expect(await first.committed([zero, one])).toEqual([null, null]);
        await first.commit([{ ...zero, offset: 2, metadata: '{"m":"é"}' }]);
        await first.leave();
        const second = await log.join({ group, topics: [topic] });
        await waitForAssignment(second, (owned) => owned === 2);
        expect(await second.committed([one, zero])).toEqual([null, { ...zero, offset: 2, metadata: '{"m":"é"}' }]);
        await second.leave();
      });

      test('that has left owns nothing and cannot commit', async () => {
        const topic = await makeTopic(log);
        const at = { topic, partition: 0 };
        const member = await log.join({ group: uniqueName('group'), topics: [topic] });
        await waitForAssignment(member, (owned) => owned === 1);
        await member.leave();
        expect(member.assignment().partitions).toEqual([]);
        expect(member.take(at)).toBeNull();
        await expect(member.commit([{ ...at, offset: 0, metadata: '' }])).rejects.toThrow();
      });
    });

    describe('a group of two', () => {
      test('shares evenly, keeps what stays, and takes over from the one that leaves', async () => {
        const topics = [await makeTopic(log, 4), await makeTopic(log, 4)].sort();
        const group = uniqueName('group');
        const keys = (member: Member) => member.assignment().partitions.map(({ topic, partition }) => `${topic}/${partition}`);
        const first = await log.join({ group, topics });
        await waitForAssignment(first, (owned) => owned === 8);
        const before = first.assignment();
        for (const partition of before.partitions) {
          await produceTexts(log, partition, ['a', 'b']);
          first.start(partition, 0);
        }
        for (const partition of before.partitions) await takeUpTo(first, partition, 2);

        const second = await log.join({ group, topics });
        await waitForAssignment(first, (owned) => owned === 4);
        await waitForAssignment(second, (owned) => owned === 4);
        const [kept, moved] = [first.assignment(), second.assignment()];
        expect(kept.epoch).toBeGreaterThan(before.epoch);
        expect([...keys(first), ...keys(second)].sort()).toEqual(
          before.partitions.map(({ topic, partition }) => `${topic}/${partition}`).sort(),
        );
        // Partitions of one number have the same owner.
        const numbers = (topic: string | undefined) =>
          kept.partitions
            .filter((each) => each.topic === topic)
            .map((each) => each.partition)
            .sort();
        expect(numbers(topics[0])).toEqual(numbers(topics[1]));
        // What stayed goes on where it was, without a start; it is known by its `since`.
        expect(kept.partitions.every(({ since }) => since <= before.epoch)).toBe(true);
        for (const partition of kept.partitions) {
          await produceTexts(log, partition, ['c']);
          expect(textsOf(await takeUpTo(first, partition, 3))).toEqual(['c']);
        }
        // What moved is not the first one's any more.
        for (const { topic, partition } of moved.partitions) {
          expect(first.take({ topic, partition })).toBeNull();
          await expect(first.commit([{ topic, partition, offset: 1, metadata: '' }])).rejects.toThrow();
        }

        await second.leave();
        await waitForAssignment(first, (owned) => owned === 8);
        const after = first.assignment();
        for (const { topic, partition, since } of after.partitions) {
          const isKept = kept.partitions.some((each) => each.topic === topic && each.partition === partition);
          expect(since > kept.epoch).toBe(!isKept);
          // A partition that came back delivers nothing until it is started again.
          if (!isKept) {
            await produceTexts(log, { topic, partition }, ['c']);
            expect(first.take({ topic, partition })).toBeNull();
            first.start({ topic, partition }, 2);
          } else await produceTexts(log, { topic, partition }, ['d']);
          expect(textsOf(await takeUpTo(first, { topic, partition }, isKept ? 4 : 3))).toEqual([isKept ? 'd' : 'c']);
        }
        await first.leave();
      });
    });
  });
}

/** Reads batches until the position reaches an offset. */
export async function readUpTo(reader: { next(timeoutMs: number): Promise<Batch | null> }, offset: number): Promise<Batch[]> {
  const endMs = Date.now() + patienceMs;
  const batches: Batch[] = [];
  while ((batches.at(-1)?.nextOffset ?? -1) < offset) {
    if (Date.now() > endMs) throw new Error(`Position ${batches.at(-1)?.nextOffset} instead of ${offset}`);
    const batch = await reader.next(200);
    if (batch !== null) batches.push(batch);
  }
  return batches;
}
