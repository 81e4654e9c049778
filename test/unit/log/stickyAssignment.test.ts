import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partitionKey } from '../../../src/log/partitionKey.ts';
import type { TopicPartition } from '../../../src/log/port.ts';
import { assignSticky, type Claim } from '../../../src/log/stickyAssignment.ts';

/** Members m0, m1, ... that hold nothing. */
function members(count: number, topics: readonly string[]): Claim[] {
  return Array.from({ length: count }, (_, index) => ({ member: `m${index}`, topics, held: [], heldSince: 0 }));
}

/** The same members with what an assignment gave them. */
function holding(claims: readonly Claim[], assigned: ReadonlyMap<string, TopicPartition[]>): Claim[] {
  return claims.map((claim) => ({ ...claim, held: assigned.get(claim.member) ?? [], heldSince: 1 }));
}

function keys(assigned: ReadonlyMap<string, TopicPartition[]>): string[] {
  return [...assigned.values()].flat().map(partitionKey);
}

const shapes = fc.record({
  count: fc.integer({ min: 1, max: 7 }),
  a: fc.integer({ min: 0, max: 30 }),
  b: fc.integer({ min: 0, max: 30 }),
});
const topicsOf = (a: number, b: number) =>
  new Map([
    ['a', a],
    ['b', b],
  ]);

describe('the sticky assignment', () => {
  test('gives every partition to exactly one member, and every member a list', () => {
    fc.assert(
      fc.property(shapes, ({ count, a, b }) => {
        const assigned = assignSticky(members(count, ['a', 'b']), topicsOf(a, b));
        expect(assigned.size).toBe(count);
        const expected = [...Array(a).keys()].map((n) => `a/${n}`).concat([...Array(b).keys()].map((n) => `b/${n}`));
        expect(keys(assigned).sort()).toEqual(expected.sort());
      }),
    );
  });

  test('keeps partitions of the same number together', () => {
    fc.assert(
      fc.property(shapes, ({ count, a, b }) => {
        for (const list of assignSticky(members(count, ['a', 'b']), topicsOf(a, b)).values()) {
          const numbers = (topic: string) =>
            list.filter((each) => each.topic === topic && each.partition < Math.min(a, b)).map((each) => each.partition);
          expect(numbers('a').sort()).toEqual(numbers('b').sort());
        }
      }),
    );
  });

  test('is even: loads differ by no more than the topics of one number', () => {
    fc.assert(
      fc.property(shapes, ({ count, a, b }) => {
        const loads = [...assignSticky(members(count, ['a', 'b']), topicsOf(a, b)).values()].map((list) => list.length);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(2);
      }),
    );
  });

  test('does not depend on the order of the members', () => {
    fc.assert(
      fc.property(shapes, ({ count, a, b }) => {
        const claims = members(count, ['a', 'b']);
        expect(assignSticky(claims.toReversed(), topicsOf(a, b))).toEqual(assignSticky(claims, topicsOf(a, b)));
      }),
    );
  });

  test('changes nothing when nothing has changed', () => {
    fc.assert(
      fc.property(shapes, ({ count, a, b }) => {
        const claims = members(count, ['a', 'b']);
        const assigned = assignSticky(claims, topicsOf(a, b));
        const again = assignSticky(holding(claims, assigned), topicsOf(a, b));
        for (const [member, list] of assigned) expect(again.get(member)?.map(partitionKey).sort()).toEqual(list.map(partitionKey).sort());
      }),
    );
  });

  test('moves partitions only to a member that joins, and only from one that left', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 40 }), (count, partitions) => {
        const counts = new Map([['a', partitions]]);
        const all = members(count + 1, ['a']);
        const [joining, staying] = [all.slice(-1), all.slice(0, -1)];
        const before = assignSticky(staying, counts);
        const during = assignSticky([...holding(staying, before), ...joining], counts);
        for (const { member } of staying) {
          const held = new Set(before.get(member)?.map(partitionKey));
          expect(during.get(member)?.every((each) => held.has(partitionKey(each)))).toBe(true);
        }
        const after = assignSticky(holding(staying, during), counts);
        for (const { member } of staying) {
          const kept = new Set(after.get(member)?.map(partitionKey));
          expect(during.get(member)?.every((each) => kept.has(partitionKey(each)))).toBe(true);
        }
      }),
    );
  });

  test('of two members that claim the same partition believes the later one', () => {
    const held = [0, 1].map((partition) => ({ topic: 'a', partition }));
    const claim = (member: string, heldSince: number): Claim => ({ member, topics: ['a'], held, heldSince });
    const assigned = assignSticky([claim('away', 1), claim('present', 2)], new Map([['a', 2]]));
    // Both are needed for evenness; the one that moves is the last.
    expect(assigned.get('present')).toEqual([{ topic: 'a', partition: 0 }]);
    expect(assigned.get('away')).toEqual([{ topic: 'a', partition: 1 }]);
  });

  test('gives a topic only to members that subscribe to it', () => {
    const claims = [...members(1, ['a']), { member: 'both', topics: ['a', 'b'], held: [], heldSince: 0 }];
    const assigned = assignSticky(claims, topicsOf(2, 2));
    expect(assigned.get('m0')?.map(({ topic }) => topic)).toEqual(['a', 'a']);
    expect(assigned.get('both')?.map(({ topic }) => topic)).toEqual(['b', 'b']);
  });
});
