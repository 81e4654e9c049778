import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sortPoints } from '../../../src/core/sketch/sortPoints.ts';
import { finiteDouble, generator, streams } from './data.ts';

describe('sorting points', () => {
  it('gives the order of a comparison sort, and keeps every weight with its mean', () => {
    fc.assert(
      fc.property(fc.array(finiteDouble, { minLength: 1, maxLength: 600 }), (values) => {
        const means = Float64Array.from(values, (value) => value + 0);
        const weights = Float64Array.from(means, (_, i) => i + 1);
        const expected = means.slice().sort();
        const original = means.slice();
        const alone = means.slice();
        sortPoints(means, weights, means.length);
        sortPoints(alone, null, alone.length);
        expect(means).toEqual(expected);
        expect(alone).toEqual(expected);
        expect(weights.every((weight, i) => original[weight - 1] === means[i])).toBe(true);
        expect(new Set(weights).size).toBe(values.length);
      }),
    );
  });

  it.each(Object.entries(streams(6_000)))('sorts %s, shuffled, in any number', (_, values) => {
    const uniform = generator(5);
    const shuffled = values.map((value) => ({ value, key: uniform() })).sort((left, right) => left.key - right.key);
    const means = Float64Array.from(shuffled, ({ value }) => value + 0);
    const expected = means.slice().sort();
    sortPoints(means, new Float64Array(means.length), means.length);
    expect(means).toEqual(expected);
  });

  it('sorts values spread over every magnitude', () => {
    const means = Float64Array.from({ length: 1_200 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 10 ** (((i * 7919) % 600) - 300));
    const expected = means.slice().sort();
    sortPoints(means, null, means.length);
    expect(means).toEqual(expected);
  });
});
