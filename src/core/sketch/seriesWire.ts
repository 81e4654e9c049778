/** The wire form of a series summary: compact, and bit for bit what was written. */
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { CategoryCount, CategorySummary, Centroids, NumericSummary, SeriesSummary } from './types.ts';
import { readVersion, writeVersion } from './wireVersion.ts';

const hasNumeric = 1;
const hasCategories = 2;
const hasCounts = 4;
const isTruncated = 8;

const meansAreWhole = 1;
const minIsFirst = 2;
const maxIsLast = 4;

/** Whole means up to this magnitude are packed: their differences then are safe integers too. */
const largestPacked = 2 ** 50;

/** Writes a summary. Whatever made it is not touched. */
export function writeSeriesSummary(writer: ByteWriter, series: SeriesSummary): void {
  const { numeric, categories, nonFinite, unsupported } = series;
  const counts = nonFinite > 0 || unsupported > 0;
  writeVersion(writer);
  writer.u8(
    (numeric === null ? 0 : hasNumeric) |
      (categories === null ? 0 : hasCategories) |
      (counts ? hasCounts : 0) |
      (categories?.truncated ? isTruncated : 0),
  );
  if (counts) {
    writer.varint(nonFinite);
    writer.varint(unsupported);
  }
  if (numeric !== null) writeNumeric(writer, numeric);
  if (categories !== null) writeCategories(writer, categories);
}

/** Reads a summary. @throws InputError where the bytes are short, wrong or of another version. */
export function readSeriesSummary(reader: ByteReader): SeriesSummary {
  readVersion(reader);
  const flags = reader.u8();
  if (flags > 15) throw reader.wrong(`unknown flags ${flags} of a series`);
  const nonFinite = flags & hasCounts ? reader.varint() : 0;
  const unsupported = flags & hasCounts ? reader.varint() : 0;
  const numeric = flags & hasNumeric ? readNumeric(reader) : null;
  const categories = flags & hasCategories ? readCategories(reader, (flags & isTruncated) > 0) : null;
  return { numeric, categories, nonFinite, unsupported };
}

function writeNumeric(writer: ByteWriter, numeric: NumericSummary): void {
  const { means, weights } = numeric.centroids;
  const first = means[0];
  const last = means.at(-1);
  const whole = means.every(isPackable);
  const flags =
    (whole ? meansAreWhole : 0) | (Object.is(numeric.min, first) ? minIsFirst : 0) | (Object.is(numeric.max, last) ? maxIsLast : 0);
  writer.u8(flags);
  writer.varint(numeric.count);
  writer.varint(numeric.zeros);
  writer.f64(numeric.mean);
  writer.f64(numeric.m2);
  if (!(flags & minIsFirst)) writer.f64(numeric.min);
  if (!(flags & maxIsLast)) writer.f64(numeric.max);
  writer.varint(means.length);
  // A mean that repeats (the second centroid of an atom) is one bit of the weight instead.
  for (let i = 0; i < means.length; i += 1) writer.varint(weights[i]! * 2 + (repeats(means, i) ? 1 : 0));
  let previous = 0;
  for (let i = 0; i < means.length; i += 1) {
    if (repeats(means, i)) continue;
    const mean = means[i]!;
    if (!whole) writer.f64(mean);
    else if (i === 0) writer.varint(mean < 0 ? -mean * 2 - 1 : mean * 2);
    else writer.varint(mean - previous);
    previous = mean;
  }
}

function readNumeric(reader: ByteReader): NumericSummary {
  const flags = reader.u8();
  if (flags > 7) throw reader.wrong(`unknown flags ${flags} of a numeric summary`);
  const count = reader.varint();
  const zeros = reader.varint();
  const mean = finite(reader);
  const m2 = finite(reader);
  const min = flags & minIsFirst ? null : finite(reader);
  const max = flags & maxIsLast ? null : finite(reader);
  const centroids = readCentroids(reader, (flags & meansAreWhole) > 0);
  const first = centroids.means[0];
  const last = centroids.means.at(-1);
  if (first === undefined || last === undefined) throw reader.wrong('a numeric summary without centroids');
  return { count, zeros, min: min ?? first, max: max ?? last, mean, m2, centroids };
}

function readCentroids(reader: ByteReader, whole: boolean): Centroids {
  const length = reader.count(1);
  const heads = new Float64Array(length);
  for (let i = 0; i < length; i += 1) heads[i] = reader.varint();
  const means = new Float64Array(length);
  let previous = 0;
  for (let i = 0; i < length; i += 1) {
    const repeated = heads[i]! % 2 === 1;
    if (i === 0) {
      if (repeated) throw reader.wrong('a first centroid that repeats');
      previous = whole ? readSigned(reader) : finite(reader);
    } else if (!repeated) {
      const mean = whole ? previous + reader.varint() : finite(reader);
      if (!(mean >= previous)) throw reader.wrong('centroids out of order');
      previous = mean;
    }
    means[i] = previous;
  }
  const weights = heads.map((head) => Math.floor(head / 2));
  return { means, weights };
}

function repeats(means: Float64Array, i: number): boolean {
  return i > 0 && Object.is(means[i], means[i - 1]);
}

function isPackable(mean: number): boolean {
  return Number.isInteger(mean) && Math.abs(mean) <= largestPacked && !Object.is(mean, -0);
}

function readSigned(reader: ByteReader): number {
  const code = reader.varint();
  return code % 2 === 1 ? -(code + 1) / 2 : code / 2;
}

function finite(reader: ByteReader): number {
  const value = reader.f64();
  if (!Number.isFinite(value)) throw reader.wrong('a number that is not finite');
  return value;
}

function writeCategories(writer: ByteWriter, categories: CategorySummary): void {
  writer.varint(categories.count);
  writer.varint(categories.entries.length);
  for (const { value, count, error } of categories.entries) {
    writer.string(value);
    writer.varint(count);
    if (categories.truncated) writer.varint(error);
  }
}

function readCategories(reader: ByteReader, truncated: boolean): CategorySummary {
  const count = reader.varint();
  const length = reader.count(2);
  const entries: CategoryCount[] = [];
  for (let i = 0; i < length; i += 1) {
    const value = reader.string();
    const times = reader.varint();
    entries.push({ value, count: times, error: truncated ? reader.varint() : 0 });
  }
  return { count, entries, truncated };
}
