/**
 * Immutable facts of the `history` topic (docs/design/protocol.md, Facts). The key is the canonical JSON of what the fact is about, the value its
 * bytes, null a tombstone. "Newest" goes by pane, never by offset: a zombie appends late.
 */
import { canonicalJson } from '../canonicalJson.ts';
import { InputError } from '../errors.ts';
import type { SourceRange } from '../incident/event.ts';
import type { FeedbackSampleEntry, PredictionSampleEntry, Sample, SeriesSummary } from '../sketch/types.ts';
import {
  ByteReader,
  ByteWriter,
  joinBytes,
  readFeedbackSample,
  readPredictionSample,
  readSeriesSummary,
  writeFeedbackSample,
  writePredictionSample,
  writeSeriesSummary,
} from '../sketch/wire.ts';
import type { SeriesReference } from './cellFit.ts';
import { KeyReader } from './keyReader.ts';
import type { CellKey, Node, NodeUnit } from './node.ts';

export interface Fact {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** Which of the two clocks decided. */
type DecisionClock = 'data' | 'label';

/** What a fact is about. `part` counts pieces of what does not fit one record. */
export type FactSubject =
  | {
      readonly fact: 'node';
      readonly model: string;
      readonly cell: CellKey;
      readonly stepMs: number;
      readonly endMs: number;
      readonly part: number;
    }
  | { readonly fact: 'baseline'; readonly model: string; readonly cell: CellKey; readonly number: number }
  | { readonly fact: 'reference'; readonly model: string; readonly cell: CellKey; readonly number: number; readonly series: string }
  | { readonly fact: 'predictions'; readonly model: string; readonly version: string; readonly endMs: number; readonly part: number }
  | { readonly fact: 'feedback'; readonly model: string; readonly endMs: number; readonly part: number }
  | { readonly fact: 'state'; readonly model: string; readonly clock: DecisionClock; readonly endMs: number; readonly part: number }
  | { readonly fact: 'decided'; readonly dataEndMs: number | null; readonly labelEndMs: number | null };

const decoder = new TextDecoder();

/** Version byte of binary fact values. */
const factVersion = 1;

/** A record of `history` stays below this, far from a broker's usual limit of 1 MB. */
const largestPart = 512 * 1024;

/** Entries of a sample in one fact: at most 100 bytes each, with segments. */
const entriesPerPart = 4096;

export function factKey(subject: FactSubject): string {
  switch (subject.fact) {
    case 'node':
      return canonicalJson([
        'node',
        subject.model,
        subject.cell.version,
        subject.cell.segment,
        subject.stepMs,
        subject.endMs,
        subject.part,
      ]);
    case 'baseline':
      return canonicalJson(['baseline', subject.model, subject.cell.version, subject.cell.segment, subject.number]);
    case 'reference':
      return canonicalJson(['reference', subject.model, subject.cell.version, subject.cell.segment, subject.number, subject.series]);
    case 'predictions':
      return canonicalJson(['predictions', subject.model, subject.version, subject.endMs, subject.part]);
    case 'feedback':
      return canonicalJson(['feedback', subject.model, subject.endMs, subject.part]);
    case 'state':
      // The first part has the key that states had before they could have parts.
      return canonicalJson(['state', subject.model, subject.clock, subject.endMs, ...(subject.part === 0 ? [] : [subject.part])]);
    case 'decided':
      return canonicalJson(['decided', subject.dataEndMs, subject.labelEndMs]);
  }
}

/** What the key of a fact says; null for a record that is none (a barrier). Throws `InputError` for a key of an unknown shape. */
export function parseFactKey(key: string): FactSubject | null {
  const reader = new KeyReader(key);
  const fact = reader.text();
  switch (fact) {
    case 'node':
      return { fact, model: reader.text(), cell: cellOf(reader), stepMs: reader.number(), endMs: reader.number(), part: reader.number() };
    case 'baseline':
      return { fact, model: reader.text(), cell: cellOf(reader), number: reader.number() };
    case 'reference':
      return { fact, model: reader.text(), cell: cellOf(reader), number: reader.number(), series: reader.text() };
    case 'predictions':
      return { fact, model: reader.text(), version: reader.text(), endMs: reader.number(), part: reader.number() };
    case 'feedback':
      return { fact, model: reader.text(), endMs: reader.number(), part: reader.number() };
    case 'state':
      return { fact, model: reader.text(), clock: clockOf(reader), endMs: reader.number(), part: reader.hasMore ? reader.number() : 0 };
    case 'decided':
      return { fact, dataEndMs: reader.numberOrNull(), labelEndMs: reader.numberOrNull() };
    case 'barrier':
      return null;
    default:
      throw reader.wrong('a kind of fact that this version knows');
  }
}

function cellOf(reader: KeyReader): CellKey {
  return { version: reader.text(), segment: reader.segment() };
}

function clockOf(reader: KeyReader): DecisionClock {
  const clock = reader.text();
  if (clock !== 'data' && clock !== 'label') throw reader.wrong('the clock data or label');
  return clock;
}

export function jsonValue(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

/** The state of a model on a clock: one fact, or, where it is large, one that says how many pieces of its bytes follow. */
export function stateFacts(of: { readonly model: string; readonly clock: DecisionClock; readonly endMs: number }, state: unknown): Fact[] {
  const bytes = jsonValue(state);
  const pieces: Uint8Array[] = [];
  if (bytes.length > largestPart)
    for (let from = 0; from < bytes.length; from += largestPart) pieces.push(bytes.slice(from, from + largestPart));
  const values = pieces.length === 0 ? [bytes] : [jsonValue({ parts: pieces.length }), ...pieces];
  return values.map((value, part) => ({ key: factKey({ fact: 'state', ...of, part }), value }));
}

/** The state, from the values of its facts in the order of their parts; null while parts are missing. The caller knows whose it is. */
export function readState<State>([head, ...pieces]: readonly Uint8Array[]): State | null {
  if (head === undefined) return null;
  const state: State | { readonly parts: number } = JSON.parse(decoder.decode(head));
  if (typeof state !== 'object' || state === null || !('parts' in state)) return state as State;
  return pieces.length === state.parts ? JSON.parse(decoder.decode(joinBytes(pieces))) : null;
}

/** The node's facts: one, or several parts cut by series where it is large. */
export function nodeFacts(model: string, cell: CellKey, node: Node): Fact[] {
  const pieces: Uint8Array[] = [];
  let writer = new ByteWriter();
  let names: number[] = [];
  let size = 0;
  const flush = () => {
    const body = writer.finish();
    const head = new ByteWriter();
    head.varint(names.length);
    head.bytes(body);
    pieces.push(head.finish().slice());
    writer = new ByteWriter();
    names = [];
    size = 0;
  };
  for (const [index, [name, summary]] of [...node.series].entries()) {
    const one = new ByteWriter();
    one.string(name);
    writeSeriesSummary(one, summary);
    one.varint(node.units.length);
    for (const unit of node.units) {
      one.varint(unit.numeric[index] ?? 0);
      one.varint(unit.categorical[index] ?? 0);
    }
    const bytes = one.finish();
    if (size > 0 && size + bytes.length > largestPart) flush();
    writer.bytes(bytes);
    names.push(index);
    size += bytes.length;
  }
  flush();
  return pieces.map((piece, part) => {
    const out = new ByteWriter(piece.length + 256);
    out.u8(factVersion);
    out.varint(pieces.length);
    out.string(
      canonicalJson({
        rows: node.rows,
        records: node.records,
        invalid: node.invalid,
        late: node.late,
        units: node.units.map((unit) => [unit.unit, unit.rows]),
        sources: node.sources,
        inexact: node.inexact,
      }),
    );
    out.bytes(piece);
    return { key: factKey({ fact: 'node', model, cell, stepMs: node.stepMs, endMs: node.endMs, part }), value: out.finish() };
  });
}

/** A node from its parts in order; null while parts are missing. */
export function readNode(parts: readonly Uint8Array[], stepMs: number, endMs: number): Node | null {
  const series = new Map<string, SeriesSummary>();
  let head: {
    rows: number;
    records: number;
    invalid: number;
    /** Absent in facts of releases that did not compare it. */
    late?: number;
    units: [number, number][];
    sources: SourceRange[];
    inexact: string[];
  } | null = null;
  const numeric: number[][] = [];
  const categorical: number[][] = [];
  for (const bytes of parts) {
    const reader = new ByteReader(bytes);
    const version = reader.u8();
    if (version !== factVersion) throw new InputError(`history: a node of version ${version}; this program reads version ${factVersion}`);
    if (reader.varint() !== parts.length) return null;
    head = JSON.parse(reader.string());
    const piece = new ByteReader(reader.bytes());
    const count = piece.varint();
    const body = new ByteReader(piece.bytes());
    for (let i = 0; i < count; i++) {
      const one = new ByteReader(body.bytes());
      series.set(one.string(), readSeriesSummary(one));
      const units = one.varint();
      for (let at = 0; at < units; at++) {
        numeric[at] ??= [];
        categorical[at] ??= [];
        numeric[at]?.push(one.varint());
        categorical[at]?.push(one.varint());
      }
    }
  }
  if (head === null) return null;
  const units: NodeUnit[] = head.units.map(([unit, rows], at) => ({
    unit,
    rows,
    numeric: numeric[at] ?? [],
    categorical: categorical[at] ?? [],
  }));
  return {
    endMs,
    stepMs,
    rows: head.rows,
    series,
    records: head.records,
    invalid: head.invalid,
    late: head.late ?? 0,
    units,
    sources: head.sources,
    inexact: head.inexact,
  };
}

/** One series of a fit: the statistics as JSON, the summary in the sketch's wire form. */
export function referenceValue(reference: SeriesReference): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(factVersion);
  writer.string(canonicalJson(reference.fitted));
  writer.u8(reference.summary === null ? 0 : 1);
  if (reference.summary !== null) writeSeriesSummary(writer, reference.summary);
  return writer.finish();
}

export function readReference(value: Uint8Array): SeriesReference {
  const reader = new ByteReader(value);
  const version = reader.u8();
  if (version !== factVersion) throw new InputError(`history: a baseline of version ${version}; this program reads version ${factVersion}`);
  const fitted = JSON.parse(reader.string());
  return { fitted, summary: reader.u8() === 1 ? readSeriesSummary(reader) : null };
}

/** A sample and the source offsets behind it, in parts. */
export function predictionValues(sample: Sample<PredictionSampleEntry>, sources: readonly SourceRange[]): Uint8Array[] {
  return sampleValues(sample, sources, writePredictionSample);
}

export function feedbackValues(sample: Sample<FeedbackSampleEntry>, sources: readonly SourceRange[]): Uint8Array[] {
  return sampleValues(sample, sources, writeFeedbackSample);
}

/** Null while parts are missing. */
export function readPredictions(parts: readonly Uint8Array[]): { sample: Sample<PredictionSampleEntry>; sources: SourceRange[] } | null {
  return readSampleParts(parts, readPredictionSample);
}

export function readFeedback(parts: readonly Uint8Array[]): { sample: Sample<FeedbackSampleEntry>; sources: SourceRange[] } | null {
  return readSampleParts(parts, readFeedbackSample);
}

type Entry = PredictionSampleEntry | FeedbackSampleEntry;

function sampleValues<E extends Entry>(
  sample: Sample<E>,
  sources: readonly SourceRange[],
  write: (writer: ByteWriter, sample: Sample<E>) => void,
): Uint8Array[] {
  const count = Math.max(1, Math.ceil(sample.entries.length / entriesPerPart));
  return Array.from({ length: count }, (_, part) => {
    const writer = new ByteWriter();
    writer.u8(factVersion);
    writer.varint(count);
    writer.string(canonicalJson(sources));
    const entries = sample.entries.slice(part * entriesPerPart, (part + 1) * entriesPerPart);
    write(writer, { entries, threshold: sample.threshold, duplicates: part === 0 ? sample.duplicates : 0 });
    return writer.finish();
  });
}

function readSampleParts<E extends Entry>(
  parts: readonly Uint8Array[],
  read: (reader: ByteReader) => Sample<E>,
): { sample: Sample<E>; sources: SourceRange[] } | null {
  const entries: E[] = [];
  let last: { sample: Sample<E>; sources: SourceRange[] } | null = null;
  let duplicates = 0;
  for (const bytes of parts) {
    const reader = new ByteReader(bytes);
    const version = reader.u8();
    if (version !== factVersion) throw new InputError(`history: a sample of version ${version}; this program reads version ${factVersion}`);
    if (reader.varint() !== parts.length) return null;
    const sources: SourceRange[] = JSON.parse(reader.string());
    const sample = read(reader);
    entries.push(...sample.entries);
    duplicates += sample.duplicates;
    last = { sample, sources };
  }
  return last === null ? null : { sample: { entries, threshold: last.sample.threshold, duplicates }, sources: last.sources };
}
