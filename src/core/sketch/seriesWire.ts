/** The wire form of a series summary: compact, and bit for bit what was written. */
import type { ByteReader, ByteWriter } from './bytes.ts';
import { finite, readCentroids, writeCentroids } from './centroidWire.ts';
import type { CategoryCount, CategorySummary, NumericSummary, SeriesSummary } from './types.ts';
import { readVersion, writeVersion } from './wireVersion.ts';

const hasNumeric = 1;
const hasCategories = 2;
const hasCounts = 4;
const isTruncated = 8;

const minIsFirst = 1;
const maxIsLast = 2;

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
  const { means } = numeric.centroids;
  const flags = (Object.is(numeric.min, means[0]) ? minIsFirst : 0) | (Object.is(numeric.max, means.at(-1)) ? maxIsLast : 0);
  writer.u8(flags);
  writer.varint(numeric.count);
  writer.varint(numeric.zeros);
  writer.f64(numeric.mean);
  writer.f64(numeric.m2);
  if (!(flags & minIsFirst)) writer.f64(numeric.min);
  if (!(flags & maxIsLast)) writer.f64(numeric.max);
  writeCentroids(writer, numeric.centroids);
}

function readNumeric(reader: ByteReader): NumericSummary {
  const flags = reader.u8();
  if (flags > 3) throw reader.wrong(`unknown flags ${flags} of a numeric summary`);
  const count = reader.varint();
  const zeros = reader.varint();
  const mean = finite(reader);
  const m2 = finite(reader);
  const min = flags & minIsFirst ? null : finite(reader);
  const max = flags & maxIsLast ? null : finite(reader);
  const centroids = readCentroids(reader);
  const first = centroids.means[0];
  const last = centroids.means.at(-1);
  if (first === undefined || last === undefined) throw reader.wrong('a numeric summary without centroids');
  return { count, zeros, min: min ?? first, max: max ?? last, mean, m2, centroids };
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
