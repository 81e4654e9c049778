import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareHash, hashId, hashShare } from '../../../src/core/sketch/hash.ts';
import { FeedbackSampler, mergeFeedbackSamples, mergePredictionSamples, PredictionSampler } from '../../../src/core/sketch/sample.ts';
import type { FeedbackSampleEntry, PredictionSampleEntry } from '../../../src/core/sketch/types.ts';
import { cut } from './data.ts';

function prediction(id: string, timeMs: number): PredictionSampleEntry {
  return { hash: hashId(id), timeMs, prediction: 'yes', score: 0.5, segments: [], label: null };
}

function feedback(id: string, timeMs: number, partition: number, offset: number): FeedbackSampleEntry {
  return { hash: hashId(id), timeMs, arrivalMs: timeMs, label: 1, partition, offset };
}

function sampled(entries: readonly PredictionSampleEntry[], k: number) {
  const sampler = new PredictionSampler(k);
  for (const entry of entries) sampler.offer(entry);
  return sampler.sample();
}

const ids = fc.array(fc.nat(400), { minLength: 1, maxLength: 900 });
const manyIds = Array.from({ length: 5_000 }, (_, i) => prediction(`id-${i}`, i));

describe('a sample of predictions', () => {
  it('holds the k ids with the smallest hashes, ascending, and the next hash as its threshold', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 300 }), (numbers, k) => {
        const distinct = [...new Set(numbers)].map((n) => hashId(String(n))).sort(compareHash);
        const { entries, threshold } = sampled(
          numbers.map((n, i) => prediction(String(n), i)),
          k,
        );
        expect(entries.map((entry) => entry.hash)).toEqual(distinct.slice(0, k));
        expect(threshold).toEqual(distinct[k] ?? null);
      }),
    );
  });

  it('keeps the first record of an id and counts the others while nothing is cut', () => {
    const { entries, duplicates } = sampled([prediction('a', 1), prediction('b', 2), prediction('a', 3), prediction('a', 4)], 10);
    expect(entries.map((entry) => entry.timeMs).sort()).toEqual([1, 2]);
    expect(duplicates).toBe(2);
  });

  it('once full asks for no entry above its threshold', () => {
    const sampler = new PredictionSampler(100);
    for (const entry of manyIds) sampler.offer(entry);
    const { threshold } = sampler.sample();
    const asked = manyIds.filter(({ hash }) => sampler.wouldKeep(hash.high, hash.low));
    expect(sampler.wouldKeep(0xffff_ffff, 0xffff_ffff)).toBe(false);
    expect(asked.length).toBeLessThan(200);
    expect(
      manyIds.filter(({ hash }) => compareHash(hash, threshold!) < 0).every(({ hash }) => sampler.wouldKeep(hash.high, hash.low)),
    ).toBe(true);
  });

  it('holds at most a quarter more than k entries, or 64', () => {
    const sampler = new PredictionSampler(1_000);
    for (const entry of manyIds) {
      sampler.offer(entry);
      expect(sampler.size).toBeLessThanOrEqual(1_250);
    }
  });

  it('is not disturbed by looking at it', () => {
    const looked = new PredictionSampler(50);
    const left = new PredictionSampler(50);
    manyIds.forEach((entry, i) => {
      looked.offer(entry);
      left.offer(entry);
      if (i % 13 === 0) looked.sample();
    });
    expect(looked.sample()).toEqual(left.sample());
  });

  it('merged from any split holds the same ids and threshold as the whole', () => {
    fc.assert(
      fc.property(
        ids,
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 8 }),
        (numbers, k, lengths) => {
          const entries = numbers.map((n, i) => prediction(String(n), i));
          const whole = sampled(entries, k);
          const merged = mergePredictionSamples(
            cut(entries, lengths).map((part) => sampled(part, k)),
            k,
          );
          expect(merged.entries).toEqual(whole.entries);
          expect(merged.threshold).toEqual(whole.threshold);
          if (whole.threshold === null) expect(merged.duplicates).toBe(whole.duplicates);
        },
      ),
    );
  });

  it('merged has the smallest threshold of its parts and no entry above it', () => {
    const small = sampled(manyIds.slice(0, 2_000), 20);
    const large = sampled(manyIds.slice(2_000), 500);
    const merged = mergePredictionSamples([large, small], 1_000);
    expect(merged.threshold).toEqual(small.threshold);
    expect(merged.entries.every((entry) => compareHash(entry.hash, small.threshold!) < 0)).toBe(true);
  });

  it('weighs each entry by the inverse of its threshold: the total is unbiased', () => {
    let total = 0;
    for (let run = 0; run < 200; run += 1) {
      const { entries, threshold } = sampled(
        Array.from({ length: 500 }, (_, i) => prediction(`${run}/${i}`, i)),
        50,
      );
      total += entries.length / hashShare(threshold!);
    }
    // One estimate of 500 has a standard deviation of about 500 / sqrt(49).
    expect(Math.abs(total / 200 - 500)).toBeLessThan((4 * 500) / Math.sqrt(49 * 200));
  });
});

describe('a sample of labels', () => {
  const labels = [feedback('a', 5, 0, 7), feedback('a', 9, 0, 1), feedback('a', 9, 1, 0), feedback('a', 9, 0, 3), feedback('b', 1, 0, 0)];

  it('keeps of several labels of an id the last by time, partition and offset, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(labels, { minLength: 5 }), (shuffled) => {
        const sampler = new FeedbackSampler(10);
        for (const label of shuffled) sampler.offer(label);
        const { entries, duplicates } = sampler.sample();
        expect(entries.find((entry) => compareHash(entry.hash, hashId('a')) === 0)).toEqual(feedback('a', 9, 1, 0));
        expect(duplicates).toBe(3);
      }),
    );
  });

  it('merged does so over its parts', () => {
    const parts = labels.map((label) => {
      const sampler = new FeedbackSampler(10);
      sampler.offer(label);
      return sampler.sample();
    });
    const forwards = mergeFeedbackSamples(parts, 10);
    expect(mergeFeedbackSamples([...parts].reverse(), 10)).toEqual(forwards);
    expect(forwards.entries).toHaveLength(2);
    expect(forwards.duplicates).toBe(3);
    expect(forwards.threshold).toBeNull();
  });
});
