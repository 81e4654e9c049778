/** The digest of every series against its peer, the npm package `tdigest` at its defaults, on what a day of inference traffic looks like. */
import { TDigest } from 'tdigest';
import { createDigest } from '../src/core/sketch/digest.ts';
import { RankCurve } from '../src/core/sketch/quantile.ts';
import { SeriesBuilder } from '../src/core/sketch/seriesBuilder.ts';
import type { Centroids, DigestSettings } from '../src/core/sketch/types.ts';
import { ByteWriter, writeSeriesSummary } from '../src/core/sketch/wire.ts';
import { generator } from './support/generator.ts';
import type { BenchResult } from './types.ts';

const settings: DigestSettings = { engine: 'merging', delta: 100 };
const parts = 100;
const valuesPerPart = 2_000;
const valueCount = parts * valuesPerPart;
/** Hundred-part merges timed per series. */
const mergeRepeats = 3;

/** A day of eight features in order of time: daily rhythm, trend, skew, many zeros, whole numbers, cents, probabilities. */
function series(): Record<string, Float64Array> {
  const uniform = generator(2024);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const rhythm = (i: number) => Math.sin((2 * Math.PI * i) / valueCount);
  const make = (value: (i: number) => number) => Float64Array.from({ length: valueCount }, (_, i) => value(i));
  return {
    independent: make(() => normal()),
    rhythm: make((i) => normal() + rhythm(i)),
    trend: make((i) => normal() + (20 * i) / valueCount),
    amount: make((i) => Math.round(100 * Math.exp(3 + normal() + rhythm(i) / 4)) / 100),
    zeroInflated: make(() => (uniform() < 0.4 ? 0 : Math.exp(normal()))),
    score: make((i) => 1 / (1 + Math.exp(2 - normal() - rhythm(i) / 2))),
    counter: make((i) => 1_000_000 + i),
    delayMinutes: make((i) => Math.round(8 * Math.exp(0.8 * normal() + rhythm(i) / 4) - 6)),
  };
}

interface Measured {
  pushNs: number;
  bytes: number;
  ks: number;
  mergeMs: number;
}

/** Means over all series, but `ks`, which is the largest of any. */
interface Totals extends Measured {
  meanKs: number;
}

function nanoseconds(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

/** Largest difference of mid-ranks from the exact ones, over all values. */
function rankError(sorted: Float64Array, midRank: (x: number) => number): number {
  let largest = 0;
  for (let i = 0; i < sorted.length; ) {
    const first = i;
    while (i < sorted.length && sorted[i] === sorted[first]) i += 1;
    largest = Math.max(largest, Math.abs(midRank(sorted[first]!) - (first + i) / 2 / sorted.length));
  }
  return largest;
}

function measureOurs(values: Float64Array, sorted: Float64Array): Measured {
  const digest = createDigest(settings);
  const pushNs = nanoseconds(() => {
    for (let i = 0; i < values.length; i += 1) digest.push(values[i]!);
  });
  const curve = new RankCurve({ min: sorted[0]!, max: sorted.at(-1)!, centroids: digest.centroids() });
  const builder = new SeriesBuilder(settings, 100);
  for (const value of values) builder.pushNumber(value);
  const writer = new ByteWriter();
  writeSeriesSummary(writer, builder.summary());
  const sketches: Centroids[] = [];
  for (let part = 0; part < parts; part += 1) {
    const one = createDigest(settings);
    for (let i = part * valuesPerPart; i < (part + 1) * valuesPerPart; i += 1) one.push(values[i]!);
    sketches.push(one.centroids());
  }
  const merge = () => {
    const merged = createDigest(settings);
    for (const sketch of sketches) merged.merge(sketch);
    merged.centroids();
  };
  return {
    pushNs: pushNs / values.length,
    bytes: writer.length,
    ks: rankError(sorted, (x) => curve.midRank(x)),
    mergeMs: mergeTime(merge),
  };
}

function measurePeer(values: Float64Array, sorted: Float64Array): Measured {
  const digest = new TDigest();
  const pushNs = nanoseconds(() => {
    for (let i = 0; i < values.length; i += 1) digest.push(values[i]!);
  });
  const bytes = JSON.stringify(digest.toArray()).length;
  const sketches = Array.from({ length: parts }, (_, part) => {
    const one = new TDigest();
    for (let i = part * valuesPerPart; i < (part + 1) * valuesPerPart; i += 1) one.push(values[i]!);
    return one.toArray();
  });
  const merge = () => {
    const merged = new TDigest();
    for (const sketch of sketches) merged.push_centroid(sketch);
    merged.toArray();
  };
  return { pushNs: pushNs / values.length, bytes, ks: rankError(sorted, (x) => digest.p_rank(x)), mergeMs: mergeTime(merge) };
}

function mergeTime(merge: () => void): number {
  let total = 0;
  for (let i = 0; i < mergeRepeats; i += 1) total += nanoseconds(merge);
  return total / mergeRepeats / 1e6;
}

export async function run(): Promise<BenchResult> {
  const figures: Record<string, number> = {};
  const ours: Totals = { pushNs: 0, bytes: 0, ks: 0, meanKs: 0, mergeMs: 0 };
  const peer: Totals = { pushNs: 0, bytes: 0, ks: 0, meanKs: 0, mergeMs: 0 };
  const all = Object.entries(series());
  for (const [name, values] of all) {
    const sorted = values.slice().sort();
    const one = measureOurs(values, sorted);
    const other = measurePeer(values, sorted);
    for (const [sum, part] of [
      [ours, one],
      [peer, other],
    ] as const) {
      sum.pushNs += part.pushNs / all.length;
      sum.bytes += part.bytes / all.length;
      sum.ks = Math.max(sum.ks, part.ks);
      sum.meanKs += part.ks / all.length;
      sum.mergeMs += part.mergeMs / all.length;
    }
    figures[`${name}.ks`] = one.ks;
    figures[`${name}.tdigest.ks`] = other.ks;
    figures[`${name}.sketchBytes`] = one.bytes;
    figures[`${name}.tdigest.sketchBytes`] = other.bytes;
  }
  return {
    name: 'digest',
    figures: {
      pushNs: ours.pushNs,
      'tdigest.pushNs': peer.pushNs,
      sketchBytes: ours.bytes,
      'tdigest.sketchBytes': peer.bytes,
      largestKs: ours.ks,
      'tdigest.largestKs': peer.ks,
      meanKs: ours.meanKs,
      'tdigest.meanKs': peer.meanKs,
      merge100Ms: ours.mergeMs,
      'tdigest.merge100Ms': peer.mergeMs,
      ...figures,
    },
    ratios: {
      push: peer.pushNs / ours.pushNs,
      size: peer.bytes / ours.bytes,
      ks: peer.ks / ours.ks,
      merge: peer.mergeMs / ours.mergeMs,
    },
    compared:
      `Tidemark's merging digest (delta ${settings.delta}) with npm tdigest 0.1.3 at its defaults: ${all.length} series of ` +
      `${valueCount.toLocaleString('en')} values in order of time, means over the series, the largest rank error of any (KS: mid-rank against sorted data). ` +
      `Size: the whole series summary in wire form against JSON of toArray(). Merge: ${parts} sketches of ${valuesPerPart.toLocaleString('en')} values.`,
  };
}
