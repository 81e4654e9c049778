import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/core/errors.ts';
import { emptySeries } from '../../../src/core/sketch/merge.ts';
import { FeedbackSampler, PredictionSampler } from '../../../src/core/sketch/sample.ts';
import { SeriesBuilder } from '../../../src/core/sketch/seriesBuilder.ts';
import type { SeriesSummary } from '../../../src/core/sketch/types.ts';
import {
  ByteReader,
  ByteWriter,
  readFeedbackSample,
  readPredictionSample,
  readSeriesSummary,
  sketchWireVersion,
  writeFeedbackSample,
  writePredictionSample,
  writeSeriesSummary,
} from '../../../src/core/sketch/wire.ts';
import { finiteDouble, merging, npm, streams, summaryOf } from './data.ts';

function written<T>(write: (writer: ByteWriter, thing: T) => void, thing: T): Uint8Array {
  const writer = new ByteWriter();
  write(writer, thing);
  return writer.finish();
}

function seriesThere(series: SeriesSummary): SeriesSummary {
  const reader = new ByteReader(written(writeSeriesSummary, series));
  const back = readSeriesSummary(reader);
  expect(reader.remaining).toBe(0);
  return back;
}

const anySeries = fc
  .record({
    numbers: fc.array(finiteDouble, { maxLength: 700 }),
    texts: fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 60 }),
    cap: fc.integer({ min: 1, max: 20 }),
    nonFinite: fc.nat(3),
    unsupported: fc.nat(3),
    settings: fc.constantFrom(merging, npm),
  })
  .map(({ numbers, texts, cap, nonFinite, unsupported, settings }) => {
    const builder = new SeriesBuilder(settings, cap);
    for (const number of numbers) builder.pushNumber(number);
    for (const text of texts) builder.pushCategory(text);
    for (let i = 0; i < nonFinite; i += 1) builder.countNonFinite();
    for (let i = 0; i < unsupported; i += 1) builder.countUnsupported();
    return builder.summary();
  });

const anyHash = fc.record({ high: fc.nat(0xffff_ffff), low: fc.nat(0xffff_ffff) }, { noNullPrototype: true });
const anyTime = fc.oneof(fc.integer({ min: -(2 ** 40), max: 2 ** 42 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
const anyText = fc.string({ unit: 'binary', maxLength: 6 });
const anyValue = fc.oneof(finiteDouble, anyText);

describe('the wire form of a series', () => {
  it('comes back bit for bit', () => {
    fc.assert(
      fc.property(anySeries, (series) => {
        expect(seriesThere(series)).toStrictEqual(series);
      }),
      { numRuns: 150 },
    );
  });

  it('comes back bit for bit with any centroids, minus zero included', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(finiteDouble, fc.integer({ min: 1, max: 2 ** 40 })), { minLength: 1, maxLength: 200 }), (pairs) => {
        const ascending = [...pairs].sort((left, right) => left[0] - right[0]);
        const centroids = {
          means: Float64Array.from(ascending, ([mean]) => mean),
          weights: Float64Array.from(ascending, ([, weight]) => weight),
        };
        const numeric = { count: 5, zeros: 0, min: -1e308, max: Number.MAX_VALUE, mean: -0, m2: Number.MIN_VALUE, centroids };
        const series = { ...emptySeries, numeric };
        expect(seriesThere(series)).toStrictEqual(series);
      }),
      { numRuns: 150 },
    );
  });

  it('begins with the version, and another version is refused', () => {
    const bytes = written(writeSeriesSummary, emptySeries);
    expect(bytes[0]).toBe(sketchWireVersion);
    bytes[0] = sketchWireVersion + 1;
    expect(() => readSeriesSummary(new ByteReader(bytes))).toThrow(/version 2, this program reads 1/);
  });

  it('is compact: ten bytes for nothing, under 600 for a day of a continuous feature, under 150 for a few whole numbers', () => {
    expect(written(writeSeriesSummary, emptySeries).length).toBeLessThan(10);
    expect(written(writeSeriesSummary, summaryOf(streams(100_000).normal!)).length).toBeLessThan(600);
    const ratings = Array.from({ length: 5_000 }, (_, i) => (i * i) % 11);
    expect(written(writeSeriesSummary, summaryOf(ratings)).length).toBeLessThan(150);
  });

  it('does not disturb the live series', () => {
    const looked = new SeriesBuilder(merging, 10);
    const left = new SeriesBuilder(merging, 10);
    streams(4_000).rhythm!.forEach((value, i) => {
      for (const builder of [looked, left]) {
        builder.pushNumber(value);
        builder.pushCategory(`c${Math.round(value * 9)}`);
      }
      if (i % 100 === 0) written(writeSeriesSummary, looked.summary());
    });
    expect(written(writeSeriesSummary, looked.summary())).toEqual(written(writeSeriesSummary, left.summary()));
  });

  it('cut anywhere, it is refused with the position', () => {
    const bytes = written(writeSeriesSummary, summaryOf(streams(1_000).normal!));
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => readSeriesSummary(new ByteReader(bytes.subarray(0, length)))).toThrow(/byte \d+ of \d+/);
    }
  });

  it('garbled, it is refused or gives a summary whose numbers are finite', () => {
    const bytes = written(writeSeriesSummary, summaryOf([...streams(800).normal!, 0, 0, 0]));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const garbled = bytes.slice();
        garbled[at] = value;
        let series: SeriesSummary;
        try {
          series = readSeriesSummary(new ByteReader(garbled));
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          return;
        }
        const { centroids, min, max, mean, m2 } = series.numeric ?? { centroids: { means: [] }, min: 0, max: 0, mean: 0, m2: 0 };
        expect([...centroids.means, min, max, mean, m2].every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('random bytes are refused without reading outside or allocating what is not there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const read of [readSeriesSummary, readPredictionSample, readFeedbackSample]) {
          for (const flags of [0, 1, 2, 3, 15]) {
            try {
              read(new ByteReader(Uint8Array.of(sketchWireVersion, flags, ...bytes)));
            } catch (error) {
              expect(error).toBeInstanceOf(InputError);
            }
          }
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('the wire form of a sample', () => {
  it('of predictions comes back bit for bit', () => {
    const entry = fc.record(
      {
        hash: anyHash,
        timeMs: anyTime,
        prediction: fc.option(anyValue),
        score: fc.option(finiteDouble),
        segments: fc.array(fc.option(anyText), { maxLength: 3 }),
        label: fc.option(anyValue),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 120 }), fc.integer({ min: 1, max: 60 }), (entries, k) => {
        const sampler = new PredictionSampler(k);
        for (const one of entries) sampler.offer(one);
        const sample = sampler.sample();
        expect(readPredictionSample(new ByteReader(written(writePredictionSample, sample)))).toStrictEqual(sample);
      }),
      { numRuns: 100 },
    );
  });

  it('of labels comes back bit for bit', () => {
    const entry = fc.record(
      {
        hash: anyHash,
        timeMs: anyTime,
        arrivalMs: anyTime,
        label: anyValue,
        partition: fc.nat(1_000),
        offset: fc.nat(Number.MAX_SAFE_INTEGER),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 120 }), fc.integer({ min: 1, max: 60 }), (entries, k) => {
        const sampler = new FeedbackSampler(k);
        for (const one of entries) sampler.offer(one);
        const sample = sampler.sample();
        expect(readFeedbackSample(new ByteReader(written(writeFeedbackSample, sample)))).toStrictEqual(sample);
      }),
      { numRuns: 100 },
    );
  });
});

describe('bytes', () => {
  it('hold every whole number up to 2^53 - 1 and refuse the others', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(new ByteReader(written((writer, n: number) => writer.varint(n), value)).varint()).toBe(value);
      }),
    );
    for (const value of [127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER]) {
      expect(new ByteReader(written((writer, n: number) => writer.varint(n), value)).varint()).toBe(value);
    }
    for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => new ByteWriter().varint(value)).toThrow(/whole number/);
    expect(() => new ByteReader(new Uint8Array(9).fill(255)).varint()).toThrow(/over 2\^53/);
  });

  it('hold texts and bytes of any length', () => {
    const writer = new ByteWriter(1);
    writer.string('día ☀ 日本 𝄞');
    writer.string('x'.repeat(10_000));
    writer.bytes(Uint8Array.of(1, 2, 3));
    writer.u32(0xffff_ffff);
    const reader = new ByteReader(writer.finish());
    expect(reader.string()).toBe('día ☀ 日本 𝄞');
    expect(reader.string()).toHaveLength(10_000);
    expect([...reader.bytes()]).toEqual([1, 2, 3]);
    expect(reader.u32()).toBe(0xffff_ffff);
    expect(reader.remaining).toBe(0);
  });

  it('that are no UTF-8 are refused', () => {
    expect(() => new ByteReader(Uint8Array.of(1, 0xff)).string()).toThrow(InputError);
  });
});
