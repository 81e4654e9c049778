/**
 * The wire form of bottom-k samples: version, flags, threshold, duplicates, a table of the texts (predictions, labels and segments
 * repeat), then the entries by ascending hash.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';
import { compareHash } from './hash.ts';
import type { FeedbackSampleEntry, Hash64, PredictionSampleEntry, Sample } from './types.ts';
import { readVersion, writeVersion } from './wireVersion.ts';

const hasThreshold = 1;
const timesAreWhole = 2;

/** Whole times up to this magnitude are written as differences, which then are safe integers too. */
const largestWholeTime = 2 ** 50;

type Scalar = number | string | null;

/** Writes a sample of predictions. */
export function writePredictionSample(writer: ByteWriter, sample: Sample<PredictionSampleEntry>): void {
  const out = new SampleWriter(writer, sample, [(entry) => entry.timeMs], (entry) => [entry.prediction, entry.label, ...entry.segments]);
  for (const entry of sample.entries) {
    out.hash(entry.hash);
    out.time(entry.timeMs, 0);
    out.scalar(entry.prediction);
    out.scalar(entry.score);
    out.scalar(entry.label);
    writer.varint(entry.segments.length);
    for (const value of entry.segments) out.scalar(value);
  }
}

/** Reads a sample of predictions. @throws InputError where the bytes are short, wrong or of another version. */
export function readPredictionSample(reader: ByteReader): Sample<PredictionSampleEntry> {
  return readSample(reader, (fields, hash) => {
    const timeMs = fields.time(0);
    const prediction = fields.scalar();
    const score = fields.numberOrNull();
    const label = fields.scalar();
    const segments = Array.from({ length: reader.count(1) }, () => fields.textOrNull());
    return { hash, timeMs, prediction, score, segments, label };
  });
}

/** Writes a sample of labels. */
export function writeFeedbackSample(writer: ByteWriter, sample: Sample<FeedbackSampleEntry>): void {
  const times = [(entry: FeedbackSampleEntry) => entry.timeMs, (entry: FeedbackSampleEntry) => entry.arrivalMs];
  const out = new SampleWriter(writer, sample, times, (entry) => [entry.label]);
  for (const entry of sample.entries) {
    out.hash(entry.hash);
    out.time(entry.timeMs, 0);
    out.time(entry.arrivalMs, 1);
    out.scalar(entry.label);
    writer.varint(entry.partition);
    writer.varint(entry.offset);
  }
}

/** Reads a sample of labels. @throws InputError where the bytes are short, wrong or of another version. */
export function readFeedbackSample(reader: ByteReader): Sample<FeedbackSampleEntry> {
  return readSample(reader, (fields, hash) => {
    const timeMs = fields.time(0);
    const arrivalMs = fields.time(1);
    const label = fields.scalar();
    if (label === null) throw reader.wrong('a label that is null');
    return { hash, timeMs, arrivalMs, label, partition: reader.varint(), offset: reader.varint() };
  });
}

/** Writes the head of a sample, then the fields of its entries. */
class SampleWriter<Entry extends { readonly hash: Hash64 }> {
  readonly #writer: ByteWriter;
  readonly #places = new Map<string, number>();
  readonly #timesAreWhole: boolean;
  readonly #previous = [0, 0];

  constructor(
    writer: ByteWriter,
    sample: Sample<Entry>,
    times: readonly ((entry: Entry) => number)[],
    scalars: (entry: Entry) => readonly Scalar[],
  ) {
    this.#writer = writer;
    this.#timesAreWhole = sample.entries.every((entry) => times.every((time) => isWholeTime(time(entry))));
    for (const entry of sample.entries) {
      for (const value of scalars(entry)) {
        if (typeof value === 'string' && !this.#places.has(value)) this.#places.set(value, this.#places.size);
      }
    }
    writeVersion(writer);
    writer.u8((sample.threshold === null ? 0 : hasThreshold) | (this.#timesAreWhole ? timesAreWhole : 0));
    if (sample.threshold !== null) this.hash(sample.threshold);
    writer.varint(sample.duplicates);
    writer.varint(this.#places.size);
    for (const text of this.#places.keys()) writer.string(text);
    writer.varint(sample.entries.length);
  }

  hash(hash: Hash64): void {
    this.#writer.u32(hash.high);
    this.#writer.u32(hash.low);
  }

  /** `column` tells the times of one entry apart: each is written as the difference to the entry before. */
  time(timeMs: number, column: number): void {
    if (!this.#timesAreWhole) {
      this.#writer.f64(timeMs);
      return;
    }
    const difference = timeMs - this.#previous[column]!;
    this.#previous[column] = timeMs;
    this.#writer.signed(difference);
  }

  /** 0 null, 1 a number (8 bytes follow), 2 + place of a text. */
  scalar(value: Scalar): void {
    if (value === null) {
      this.#writer.varint(0);
    } else if (typeof value === 'number') {
      this.#writer.varint(1);
      this.#writer.f64(value);
    } else {
      this.#writer.varint(2 + this.#places.get(value)!);
    }
  }
}

/** Fields of the entries of one sample, as `SampleWriter` wrote them. */
class FieldReader {
  readonly #reader: ByteReader;
  readonly #texts: readonly string[];
  readonly #timesAreWhole: boolean;
  readonly #previous = [0, 0];

  constructor(reader: ByteReader, texts: readonly string[], timesWhole: boolean) {
    this.#reader = reader;
    this.#texts = texts;
    this.#timesAreWhole = timesWhole;
  }

  time(column: number): number {
    if (!this.#timesAreWhole) return this.#reader.f64();
    const timeMs = this.#previous[column]! + this.#reader.signed();
    this.#previous[column] = timeMs;
    return timeMs;
  }

  scalar(): Scalar {
    const code = this.#reader.varint();
    if (code === 0) return null;
    if (code === 1) return this.#reader.f64();
    const text = this.#texts[code - 2];
    if (text === undefined) throw this.#reader.wrong(`text ${code - 2} of ${this.#texts.length}`);
    return text;
  }

  numberOrNull(): number | null {
    const value = this.scalar();
    if (typeof value === 'string') throw this.#reader.wrong('a text where a number belongs');
    return value;
  }

  textOrNull(): string | null {
    const value = this.scalar();
    if (typeof value === 'number') throw this.#reader.wrong('a number where a text belongs');
    return value;
  }
}

function readSample<Entry extends { readonly hash: Hash64 }>(
  reader: ByteReader,
  readEntry: (fields: FieldReader, hash: Hash64) => Entry,
): Sample<Entry> {
  readVersion(reader);
  const flags = reader.u8();
  if (flags > 3) throw reader.wrong(`unknown flags ${flags} of a sample`);
  const threshold = flags & hasThreshold ? readHash(reader) : null;
  const duplicates = reader.varint();
  const texts = Array.from({ length: reader.count(1) }, () => reader.string());
  const fields = new FieldReader(reader, texts, (flags & timesAreWhole) > 0);
  const length = reader.count(9);
  const entries: Entry[] = [];
  for (let i = 0; i < length; i += 1) {
    const hash = readHash(reader);
    const last = entries.at(-1);
    if (last !== undefined && compareHash(last.hash, hash) >= 0) throw reader.wrong('entries of a sample out of order');
    entries.push(readEntry(fields, hash));
  }
  return { entries, threshold, duplicates };
}

function readHash(reader: ByteReader): Hash64 {
  const high = reader.u32();
  return { high, low: reader.u32() };
}

function isWholeTime(timeMs: number): boolean {
  return Number.isInteger(timeMs) && Math.abs(timeMs) <= largestWholeTime && !Object.is(timeMs, -0);
}
