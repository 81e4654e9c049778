import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDigest } from '../../../src/core/sketch/digest.ts';
import { MergingDigest } from '../../../src/core/sketch/mergingDigest.ts';
import { RankCurve } from '../../../src/core/sketch/quantile.ts';
import { cut, finiteDouble, merging, npm, numericOf, rankError, sorted, streams } from './data.ts';

const count = 20_000;

/** Rank error that the design allows a digest of delta 100 ("about .001"), with the sampling of 20,000 values inside a cluster on top. */
const errorBound = 0.004;

/** At the edge of a gap (between two lumps, beside an atom) values are anything but even within a cluster, which is 2 % wide there. */
const boundOf = (name: string) => (['twoLumps', 'manyZeros'].includes(name) ? 0.01 : errorBound);

describe.each([merging, npm])('a digest of engine $engine', (settings) => {
  it('gives the same bits for the same pushes', () => {
    for (const values of Object.values(streams(count))) {
      expect(numericOf(values, settings)).toEqual(numericOf(values, settings));
    }
  });

  it('is not disturbed by looking at it', () => {
    const looked = createDigest(settings);
    const left = createDigest(settings);
    streams(5_000).trend!.forEach((value, i) => {
      looked.push(value);
      left.push(value);
      if (i % 37 === 0) looked.centroids();
    });
    expect(looked.centroids()).toEqual(left.centroids());
  });

  it('keeps every centroid finite, in order, of whole positive weight, and loses no value', () => {
    fc.assert(
      fc.property(fc.array(finiteDouble, { minLength: 1, maxLength: 2_000 }), (values) => {
        const digest = createDigest(settings);
        for (const value of values) digest.push(value);
        const { means, weights } = digest.centroids();
        expect(means.every((mean, i) => Number.isFinite(mean) && (i === 0 || mean >= means[i - 1]!))).toBe(true);
        expect(weights.every((weight) => Number.isInteger(weight) && weight >= 1)).toBe(true);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(values.length);
        expect(digest.count).toBe(values.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the merging digest', () => {
  it.each(Object.entries(streams(count)))('ranks %s within the error bound', (name, values) => {
    const curve = new RankCurve(numericOf(values));
    expect(rankError(values, (x) => curve.midRank(x))).toBeLessThan(boundOf(name));
  });

  it.each(Object.entries(streams(count)))('keeps the error bound however %s is cut into parts that are merged', (name, values) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4_000 }), { maxLength: 40 }), (lengths) => {
        const digest = new MergingDigest(100);
        for (const part of cut(values, lengths)) digest.merge(numericOf(part).centroids);
        const all = sorted(values);
        const curve = new RankCurve({ min: all[0]!, max: all.at(-1)!, centroids: digest.centroids() });
        expect(digest.count).toBe(values.length);
        expect(rankError(values, (x) => curve.midRank(x))).toBeLessThan(boundOf(name) * 1.5);
      }),
      { numRuns: 8, seed: 4 },
    );
  });

  it('is exact up to delta distinct values, however often each occurs', () => {
    fc.assert(
      fc.property(fc.array(finiteDouble, { minLength: 1, maxLength: 100 }), fc.integer({ min: 1, max: 200 }), (values, times) => {
        const stream = Array.from({ length: times }, () => values).flat();
        const curve = new RankCurve(numericOf(stream));
        expect(rankError(stream, (x) => curve.midRank(x))).toBeLessThan(1e-12);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps an atom among a crowd of other values exact', () => {
    const values = streams(count).manyZeros!;
    const zeros = values.filter((value) => value === 0).length;
    const curve = new RankCurve(numericOf(values));
    expect(curve.cdf(0) - curve.cdfBelow(0)).toBe(zeros / count);
  });

  it('holds a constant as one exact value', () => {
    const { means, weights } = numericOf(new Array(3_000).fill(3.7)).centroids;
    expect([...means]).toEqual([3.7, 3.7]);
    expect([...weights]).toEqual([2_999, 1]);
  });

  it('shows about delta centroids', () => {
    for (const name of ['normal', 'lognormal', 'ascending', 'trend', 'farFromZero'] as const) {
      const { length } = numericOf(streams(count)[name]!).centroids.means;
      expect(length).toBeGreaterThan(70);
      expect(length).toBeLessThan(125);
    }
  });

  it('has a bounded number of centroids for values made to need many', () => {
    // 400 atoms of .25 % each are too light to be kept apart, 60 of 1.7 % are kept.
    for (const distinct of [60, 101, 150, 250, 400, 1_000]) {
      const values = Array.from({ length: count }, (_, i) => (i * 7919) % distinct);
      expect(numericOf(values).centroids.means.length).toBeLessThan(420);
    }
  });

  it('ranks within the bound or twice the error of npm tdigest, which keeps ten times the centroids, and better where values trend', () => {
    for (const [name, values] of Object.entries(streams(count))) {
      const ours = new RankCurve(numericOf(values));
      const peer = new RankCurve(numericOf(values, npm));
      const ourError = rankError(values, (x) => ours.midRank(x));
      const peerError = rankError(values, (x) => peer.midRank(x));
      if (['ascending', 'descending', 'trend'].includes(name)) expect(ourError).toBeLessThan(peerError);
      else expect(ourError).toBeLessThan(Math.max(2 * peerError, boundOf(name)));
    }
  });

  it('takes minus zero for zero', () => {
    expect(numericOf([-0, 0, -0])).toEqual(numericOf([0, 0, 0]));
  });

  it('is small while a series is quiet', () => {
    const digest = new MergingDigest(100);
    for (let i = 0; i < 10; i += 1) digest.push(i);
    expect(digest.bytes()).toBeLessThan(600);
  });
});
