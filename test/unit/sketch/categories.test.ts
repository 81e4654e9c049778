import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeSeries } from '../../../src/core/sketch/merge.ts';
import type { CategorySummary } from '../../../src/core/sketch/types.ts';
import { categoriesOf, cut, generator, merging } from './data.ts';

const fewNames = fc.array(
  fc.nat(40).map((n) => `c${Math.floor(n ** 1.5)}`),
  { minLength: 1, maxLength: 600 },
);

function trueCounts(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function expectBoundsHold(summary: CategorySummary, values: readonly string[]): void {
  const counts = trueCounts(values);
  const smallest = summary.entries.at(-1)?.count ?? 0;
  const listed = new Set(summary.entries.map((entry) => entry.value));
  expect(summary.count).toBe(values.length);
  for (const { value, count, error } of summary.entries) {
    expect(counts.get(value) ?? 0).toBeLessThanOrEqual(count);
    expect(counts.get(value) ?? 0).toBeGreaterThanOrEqual(count - error);
  }
  for (const [value, count] of counts) if (!listed.has(value)) expect(count).toBeLessThanOrEqual(smallest);
}

describe('categories', () => {
  it('are exact up to the cap, by falling count, ties by value', () => {
    expect(categoriesOf(['b', 'a', 'c', 'b', 'a'], 3).categories).toEqual({
      count: 5,
      truncated: false,
      entries: [
        { value: 'a', count: 2, error: 0 },
        { value: 'b', count: 2, error: 0 },
        { value: 'c', count: 1, error: 0 },
      ],
    });
  });

  it('beyond the cap evict the smallest, of equal ones the last by value, and inherit its count as error', () => {
    expect(categoriesOf(['a', 'a', 'b', 'c', 'd'], 3).categories).toEqual({
      count: 5,
      truncated: true,
      entries: [
        { value: 'a', count: 2, error: 0 },
        { value: 'd', count: 2, error: 1 },
        { value: 'b', count: 1, error: 0 },
      ],
    });
  });

  it('keep their error bound at any cap, and every category more frequent than the smallest listed', () => {
    fc.assert(
      fc.property(fewNames, fc.integer({ min: 1, max: 30 }), (values, cap) => {
        const { categories } = categoriesOf(values, cap);
        expect(categories!.entries.length).toBeLessThanOrEqual(cap);
        expect(categories!.truncated).toBe(trueCounts(values).size > cap);
        expectBoundsHold(categories!, values);
      }),
    );
  });

  it('merged from any split keep the error bound, and are the same as unsplit while nothing was evicted', () => {
    fc.assert(
      fc.property(
        fewNames,
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 8 }),
        (values, cap, lengths) => {
          const parts = cut(values, lengths).map((part) => categoriesOf(part, cap));
          const { categories } = mergeSeries(parts, merging, cap);
          expect(categories!.entries.length).toBeLessThanOrEqual(cap);
          expectBoundsHold(categories!, values);
          if (trueCounts(values).size <= cap) expect(categories).toEqual(categoriesOf(values, cap).categories);
          else expect(categories!.truncated).toBe(true);
        },
      ),
    );
  });

  it('of a hundred thousand distinct values take bounded memory and find the frequent one', () => {
    const uniform = generator(3);
    const values = Array.from({ length: 100_000 }, (_, i) => (uniform() < 0.05 ? 'often' : `id-${i}`));
    const { categories } = categoriesOf(values, 100);
    expect(categories!.entries).toHaveLength(100);
    expect(categories!.entries[0]!.value).toBe('often');
  });

  it('over 200 characters are cut to a prefix and a hash that tells them apart', () => {
    const { entries } = categoriesOf([`${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`, `${'x'.repeat(300)}1`, 'y'.repeat(200)]).categories!;
    expect(entries.map((entry) => [entry.value.length <= 200, entry.count])).toEqual([
      [true, 2],
      [true, 1],
      [true, 1],
    ]);
    expect(entries[0]!.value.startsWith('x'.repeat(180))).toBe(true);
    expect(new Set(entries.map((entry) => entry.value)).size).toBe(3);
  });

  it('that are not well-formed text count as one with the replacement character', () => {
    expect(categoriesOf(['a\ud800', 'a\udfff', 'a\ufffd']).categories!.entries).toEqual([{ value: 'a\ufffd', count: 3, error: 0 }]);
  });

  it('may have the names of Object', () => {
    expect(categoriesOf(['__proto__', 'constructor', '__proto__']).categories!.entries).toEqual([
      { value: '__proto__', count: 2, error: 0 },
      { value: 'constructor', count: 1, error: 0 },
    ]);
  });
});
