/**
 * The wire form of centroids: their number; the weights, each with a bit that says that the mean repeats (the second centroid of an atom);
 * the other means in two lists, exact values and clusters.
 *
 * A list whose means are whole multiples of one power of two is written as the differences of those multiples. Whole numbers
 * are such a list, and so are clusters, whose means the digest rounds: two bytes a mean instead of eight, and not a bit is lost.
 */
import { type ByteReader, type ByteWriter, signedOf } from './bytes.ts';
import type { Centroids } from './types.ts';

const largestMultiple = 2 ** 50;
/** Smallest exponent of a unit: its inverse is still a double. */
const smallestExponent = -1_000;
/** Written instead of a unit's exponent where the means have none in common. */
const noUnit = 0;

export function writeCentroids(writer: ByteWriter, { means, weights }: Centroids): void {
  const exact: number[] = [];
  const clusters: number[] = [];
  writer.varint(means.length);
  for (let i = 0; i < means.length; i += 1) {
    const repeated = repeats(means, i);
    writer.varint(weights[i]! * 2 + (repeated ? 1 : 0));
    if (!repeated) (isExact(weights[i]!, repeats(means, i + 1)) ? exact : clusters).push(means[i]!);
  }
  writeMeans(writer, exact);
  writeMeans(writer, clusters);
}

export function readCentroids(reader: ByteReader): Centroids {
  const length = reader.count(1);
  const weights = new Float64Array(length);
  // One more than there are: behind the last nothing repeats.
  const repeated = new Uint8Array(length + 1);
  reader.varints(weights);
  for (let i = 0; i < length; i += 1) {
    const head = weights[i]!;
    const bit = head <= 0x7fff_ffff ? head & 1 : head % 2;
    weights[i] = (head - bit) / 2;
    repeated[i] = bit;
  }
  let exactCount = 0;
  let clusterCount = 0;
  for (let i = 0; i < length; i += 1) {
    if (weights[i] === 0) throw reader.wrong('a centroid without weight');
    if (repeated[i] === 1) continue;
    if (isExact(weights[i]!, repeated[i + 1] === 1)) exactCount += 1;
    else clusterCount += 1;
  }
  if (repeated[0] === 1) throw reader.wrong('a first centroid that repeats');
  const exact = readMeans(reader, exactCount);
  const clusters = readMeans(reader, clusterCount);
  const means = new Float64Array(length);
  let nextExact = 0;
  let nextCluster = 0;
  for (let i = 0; i < length; i += 1) {
    if (repeated[i] === 1) means[i] = means[i - 1]!;
    else if (isExact(weights[i]!, repeated[i + 1] === 1)) means[i] = exact[nextExact++]!;
    else means[i] = clusters[nextCluster++]!;
    if (i > 0 && means[i]! < means[i - 1]!) throw reader.wrong('centroids out of order');
  }
  return { means, weights };
}

/** A double that must be finite. */
export function finite(reader: ByteReader): number {
  const value = reader.f64();
  if (!Number.isFinite(value)) throw reader.wrong('a number that is not finite');
  return value;
}

function isExact(weight: number, nextRepeats: boolean): boolean {
  return weight === 1 || nextRepeats;
}

function repeats(means: Float64Array, i: number): boolean {
  return i > 0 && i < means.length && Object.is(means[i], means[i - 1]);
}

function writeMeans(writer: ByteWriter, means: readonly number[]): void {
  if (means.length === 0) return;
  const exponent = commonExponent(means);
  if (exponent === null) {
    writer.varint(noUnit);
    for (const mean of means) writer.f64(mean);
    return;
  }
  writer.varint(exponent - smallestExponent + 1);
  const perUnit = 2 ** -exponent;
  let previous = 0;
  for (const mean of means) {
    const multiple = mean * perUnit;
    writer.signed(multiple - previous);
    previous = multiple;
  }
}

function readMeans(reader: ByteReader, count: number): Float64Array {
  const means = new Float64Array(count);
  if (count === 0) return means;
  const code = reader.varint();
  if (code > largestExponent - smallestExponent + 1) throw reader.wrong(`unknown unit ${code} of means`);
  const unit = 2 ** (code - 1 + smallestExponent);
  if (code === noUnit) {
    for (let i = 0; i < count; i += 1) means[i] = finite(reader);
    return means;
  }
  reader.varints(means);
  let multiple = 0;
  for (let i = 0; i < count; i += 1) {
    multiple += signedOf(means[i]!);
    if (Math.abs(multiple) > largestMultiple) throw reader.wrong('a mean out of range');
    means[i] = multiple * unit;
  }
  return means;
}

/** Exponent of the largest power of two of which all means are whole multiples of at most 2^50; null where there is none. */
function commonExponent(means: readonly number[]): number | null {
  let exponent = largestExponent;
  let largest = 0;
  for (const mean of means) {
    if (Object.is(mean, -0)) return null;
    largest = Math.max(largest, Math.abs(mean));
    exponent = Math.min(exponent, lowestBit(mean));
  }
  return exponent >= smallestExponent && largest * 2 ** -exponent <= largestMultiple ? exponent : null;
}

/** Exponents above this are of no use: 2^50 times the unit stays finite. */
const largestExponent = 900;
const bits = new DataView(new ArrayBuffer(8));

/** Exponent of the lowest bit set in a double; `largestExponent` for zero. */
function lowestBit(value: number): number {
  if (value === 0) return largestExponent;
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const low = bits.getUint32(4);
  const biased = (high >>> 20) & 0x7ff;
  const mantissa = high & 0xfffff;
  const trailing = low !== 0 ? trailingZeros(low) : mantissa !== 0 ? 32 + trailingZeros(mantissa) : 52;
  // Subnormals have the exponent of the smallest normal number and no hidden bit.
  return Math.max(biased, 1) - 1075 + trailing;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
