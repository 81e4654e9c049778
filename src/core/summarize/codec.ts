/**
 * The bytes of the `partials` topic. Every message begins with the version byte and a type byte; numbers, texts and summaries are written as in `sketch/wire.ts`,
 * so that the same message is the same bytes. A partial over the size limit is cut into parts (`parts.ts`).
 */
import { InputError } from '../errors.ts';
import { type IncidentKind, incidentKinds } from '../incident/event.ts';
import type { InvalidReason } from '../record/record.ts';
import type { SeriesSummary } from '../sketch/types.ts';
import {
  ByteReader,
  ByteWriter,
  readFeedbackSample,
  readPredictionSample,
  readSeriesSummary,
  writeFeedbackSample,
  writePredictionSample,
  writeSeriesSummary,
} from '../sketch/wire.ts';
import {
  type Cell,
  type CommandRecord,
  generationOf,
  type IdleRecord,
  type Loss,
  lossCauses,
  type PartialRecord,
  type PartialsMessage,
  type RecordCounts,
  type SegmentKey,
  type SourcePartition,
  type WatermarkRecord,
} from './messages.ts';

/** Version of the messages of the `partials` topic. */
const messageWireVersion = 1;

const typeCodes = { partial: 1, watermark: 2, idle: 3, part: 4, command: 5 } as const;
/** Added to the code of a watermark or idle record that ends with a loss: without one they are as they were before losses were told. */
const withLoss = 0x10;
/** Added to the code of a watermark record that ends with the end of what is not known. */
const withUnknown = 0x20;
/** Added to the role of a source that ends with a generation. */
const withGeneration = 2;

/** What identifies a partial and says what it covers; the same for all its parts. */
export type PartialHead = Omit<PartialRecord, 'type' | 'cells' | 'counts'>;

/** One of several pieces of an encoded partial. */
export interface PartialPart extends PartialHead {
  readonly type: 'part';
  /** 0 to `count` - 1. */
  readonly index: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** The bytes of a message, a partial in one piece whatever its size. */
export function encodeMessage(message: PartialsMessage | PartialPart): Uint8Array {
  const writer = new ByteWriter(message.type === 'partial' ? 16_384 : 256);
  writer.u8(messageWireVersion);
  writer.u8(typeCodes[message.type] + flagsOf(message));
  switch (message.type) {
    case 'partial':
      writeHead(writer, message);
      writeCounts(writer, message.counts);
      writer.varint(message.cells.length);
      for (const cell of message.cells) writeCell(writer, cell);
      break;
    case 'part':
      writeHead(writer, message);
      writer.varint(message.index);
      writer.varint(message.count);
      writer.bytes(message.bytes);
      break;
    case 'watermark':
      writeSource(writer, message.source);
      writer.varint(message.position);
      writer.varint(message.previous);
      writer.f64(message.watermarkMs);
      writer.varint(message.partitions);
      writeLoss(writer, message.lost);
      if (message.unknownUntilMs !== undefined) writer.f64(message.unknownUntilMs);
      break;
    case 'idle':
      writeSource(writer, message.source);
      writer.varint(message.position);
      writer.f64(message.idleForMs);
      writeTime(writer, message.watermarkMs);
      writer.varint(message.partitions);
      writeLoss(writer, message.lost);
      break;
    case 'command':
      writeCommand(writer, message);
      break;
  }
  return writer.finish();
}

/** Reads what `encodeMessage` wrote. `InputError` for anything else: bytes of another version, cut short, or with something behind them. */
export function decodeMessage(bytes: Uint8Array): PartialsMessage | PartialPart {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== messageWireVersion)
    throw new InputError(`cannot read a record of the partials topic: it has version ${version}, this program reads ${messageWireVersion}`);
  const message = readMessage(reader, reader.u8());
  if (reader.remaining > 0) throw reader.wrong(`${reader.remaining} bytes too many`);
  return message;
}

/** Whether these are the bytes of a watermark or idle record, without reading them whole. */
export function isAboutSource(bytes: Uint8Array): boolean {
  const type = (bytes[1] ?? 0) & ~(withLoss | withUnknown);
  return bytes[0] === messageWireVersion && (type === typeCodes.watermark || type === typeCodes.idle);
}

/** Identity of a partial: two of one identity are the same bytes, or one contains the other. Its parts have the same. */
export function partialKey({ source, chunk, paneMs, model }: PartialHead): string {
  return JSON.stringify([source.role, source.topic, source.partition, generationOf(source), chunk, paneMs, model]);
}

function readMessage(reader: ByteReader, type: number): PartialsMessage | PartialPart {
  switch (type) {
    case typeCodes.partial: {
      const head = readHead(reader);
      const counts = readCounts(reader);
      const cells = Array.from({ length: reader.count(4) }, () => readCell(reader));
      return { type: 'partial', ...head, cells, counts };
    }
    case typeCodes.part: {
      const part: PartialPart = {
        type: 'part',
        ...readHead(reader),
        index: reader.varint(),
        count: reader.varint(),
        bytes: reader.bytes(),
      };
      if (part.index >= part.count || part.count > 0xffff) throw reader.wrong(`part ${part.index} of ${part.count}`);
      return part;
    }
    case typeCodes.watermark: {
      const watermark: WatermarkRecord = {
        type: 'watermark',
        source: readSource(reader),
        position: reader.varint(),
        previous: reader.varint(),
        watermarkMs: readFinite(reader),
        partitions: reader.varint(),
      };
      return watermark;
    }
    case typeCodes.idle: {
      const idle: IdleRecord = {
        type: 'idle',
        source: readSource(reader),
        position: reader.varint(),
        idleForMs: readFinite(reader),
        watermarkMs: readTime(reader),
        partitions: reader.varint(),
      };
      return idle;
    }
    case typeCodes.command:
      return readCommand(reader);
    case typeCodes.watermark + withLoss:
    case typeCodes.idle + withLoss: {
      const known = readMessage(reader, type - withLoss);
      if (known.type !== 'watermark' && known.type !== 'idle') throw reader.wrong(`unknown message type ${type}`);
      return { ...known, lost: readLoss(reader) };
    }
    case typeCodes.watermark + withUnknown:
    case typeCodes.watermark + withLoss + withUnknown: {
      const known = readMessage(reader, type - withUnknown);
      if (known.type !== 'watermark') throw reader.wrong(`unknown message type ${type}`);
      return { ...known, unknownUntilMs: readFinite(reader) };
    }
    default:
      throw reader.wrong(`unknown message type ${type}`);
  }
}

function writeHead(writer: ByteWriter, head: PartialHead): void {
  writeSource(writer, head.source);
  writer.varint(head.chunk);
  writeTime(writer, head.paneMs);
  writer.string(head.model);
  writer.varint(head.from);
  writer.varint(head.to);
  writer.varint(head.first);
  writeFlag(writer, head.complete);
  writer.string(head.configHash);
}

function readHead(reader: ByteReader): PartialHead {
  return {
    source: readSource(reader),
    chunk: reader.varint(),
    paneMs: readTime(reader),
    model: reader.string(),
    from: reader.varint(),
    to: reader.varint(),
    first: reader.varint(),
    complete: readFlag(reader),
    configHash: reader.string(),
  };
}

const actions: readonly CommandRecord['action'][] = ['accept', 'mute', 'unmute'];

function writeCommand(writer: ByteWriter, command: CommandRecord): void {
  for (const text of [command.id, command.action, command.model, command.kind ?? '']) writer.string(text);
  writeSegment(writer, command.segment);
  writer.varint(command.series.length);
  for (const text of [...command.series, command.by, command.reason]) writer.string(text);
  writeTime(writer, command.untilMs);
  writer.f64(command.atMs);
}

function readCommand(reader: ByteReader): CommandRecord {
  const id = reader.string();
  const action = readWord(reader, actions);
  const model = reader.string();
  const kind = readWord<IncidentKind | ''>(reader, ['', ...incidentKinds]);
  const segment = readSegment(reader);
  const series = Array.from({ length: reader.count(1) }, () => reader.string());
  const [by, reason] = [reader.string(), reader.string()];
  const [untilMs, atMs] = [readTime(reader), readFinite(reader)];
  if (action === 'mute' && untilMs === null) throw reader.wrong('a mute without an end');
  return { type: 'command', id, action, model, kind: kind === '' ? null : kind, segment, series, by, reason, untilMs, atMs };
}

function readWord<Word extends string>(reader: ByteReader, words: readonly Word[]): Word {
  const text = reader.string();
  const word = words.find((one) => one === text);
  if (word === undefined) throw reader.wrong(`"${text}" where one of ${words.join(', ')} must stand`);
  return word;
}

function writeSegment(writer: ByteWriter, segment: SegmentKey): void {
  writeFlag(writer, segment !== null);
  if (segment !== null) for (const text of segment) writer.string(text);
}

function readSegment(reader: ByteReader): SegmentKey {
  return readFlag(reader) ? [reader.string(), reader.string()] : null;
}

function writeSource(writer: ByteWriter, source: SourcePartition): void {
  const generation = generationOf(source);
  writer.u8((source.role === 'feedback' ? 1 : 0) + (generation > 0 ? withGeneration : 0));
  writer.string(source.topic);
  writer.varint(source.partition);
  if (generation > 0) writer.varint(generation);
}

function readSource(reader: ByteReader): SourcePartition {
  const flags = reader.u8();
  if (flags >= 2 * withGeneration) throw reader.wrong(`${flags} where a source must stand`);
  const source = { role: (flags & 1) === 1 ? 'feedback' : 'predictions', topic: reader.string(), partition: reader.varint() } as const;
  if (flags < withGeneration) return source;
  const generation = reader.varint();
  if (generation === 0) throw reader.wrong('a generation that must not be written');
  return { ...source, generation };
}

function flagsOf(message: PartialsMessage | PartialPart): number {
  if (message.type !== 'watermark' && message.type !== 'idle') return 0;
  const isUnknown = message.type === 'watermark' && message.unknownUntilMs !== undefined;
  return (message.lost === undefined ? 0 : withLoss) + (isUnknown ? withUnknown : 0);
}

function writeLoss(writer: ByteWriter, lost: Loss | undefined): void {
  if (lost === undefined) return;
  writer.string(lost.cause);
  writer.varint(lost.from);
  writer.varint(lost.to);
}

function readLoss(reader: ByteReader): Loss {
  return { cause: readWord(reader, lossCauses), from: reader.varint(), to: reader.varint() };
}

/** Place in this list = code on the wire: only ever add at its end. */
const reasonCodes: Readonly<Record<InvalidReason, number>> = {
  'not-json': 0,
  'not-object': 1,
  'too-large': 2,
  'too-deep': 3,
  'no-id': 4,
  'no-time': 5,
  'bad-time': 6,
  'ahead-of-log': 7,
  'bad-model': 8,
  'bad-version': 9,
  'bad-features': 10,
  'bad-prediction': 11,
  'bad-score': 12,
  'bad-segments': 13,
  'no-label': 14,
  'bad-label': 15,
};
const reasonsByCode: ReadonlyMap<number, InvalidReason> = new Map(entriesOf(reasonCodes).map(([reason, code]) => [code, reason]));

function writeCounts(writer: ByteWriter, counts: RecordCounts | null): void {
  writeFlag(writer, counts !== null);
  if (counts === null) return;
  writer.varint(counts.records);
  writer.varint(counts.late);
  writer.varint(counts.skipped);
  writer.varint(counts.capped);
  const invalid = entriesOf(counts.invalid);
  writer.varint(invalid.length);
  for (const [reason, count] of invalid) {
    writer.u8(reasonCodes[reason]);
    writer.varint(count ?? 0);
  }
}

function readCounts(reader: ByteReader): RecordCounts | null {
  if (!readFlag(reader)) return null;
  const [records, late, skipped, capped] = [reader.varint(), reader.varint(), reader.varint(), reader.varint()];
  const invalid: Partial<Record<InvalidReason, number>> = {};
  for (let left = reader.count(2); left > 0; left -= 1) {
    const code = reader.u8();
    const reason = reasonsByCode.get(code);
    if (reason === undefined) throw reader.wrong(`unknown reason ${code}`);
    invalid[reason] = reader.varint();
  }
  return { records, late, skipped, capped, invalid };
}

function writeCell(writer: ByteWriter, cell: Cell): void {
  writer.string(cell.version);
  writeSegment(writer, cell.segment);
  writer.varint(cell.rows);
  writer.varint(cell.capped);
  writer.varint(cell.series.size);
  for (const [name, summary] of cell.series) {
    writer.string(name);
    writeSeriesSummary(writer, summary);
  }
  writeFlag(writer, cell.predictions !== null);
  if (cell.predictions !== null) writePredictionSample(writer, cell.predictions);
  writeFlag(writer, cell.feedback !== null);
  if (cell.feedback !== null) writeFeedbackSample(writer, cell.feedback);
}

function readCell(reader: ByteReader): Cell {
  const version = reader.string();
  const segment = readSegment(reader);
  const [rows, capped] = [reader.varint(), reader.varint()];
  const series = new Map<string, SeriesSummary>();
  for (let left = reader.count(3); left > 0; left -= 1) {
    const name = reader.string();
    series.set(name, readSeriesSummary(reader));
  }
  const predictions = readFlag(reader) ? readPredictionSample(reader) : null;
  const feedback = readFlag(reader) ? readFeedbackSample(reader) : null;
  return { version, segment, rows, series, capped, predictions, feedback };
}

function writeTime(writer: ByteWriter, timeMs: number | null): void {
  writeFlag(writer, timeMs !== null);
  if (timeMs !== null) writer.f64(timeMs);
}

function readTime(reader: ByteReader): number | null {
  return readFlag(reader) ? readFinite(reader) : null;
}

function readFinite(reader: ByteReader): number {
  const value = reader.f64();
  if (!Number.isFinite(value)) throw reader.wrong('a number that is not finite');
  return value;
}

function writeFlag(writer: ByteWriter, flag: boolean): void {
  writer.u8(flag ? 1 : 0);
}

function readFlag(reader: ByteReader): boolean {
  const value = reader.u8();
  if (value > 1) throw reader.wrong(`${value} where 0 or 1 must stand`);
  return value === 1;
}

/** `Object.entries` that keeps the type of the keys: these records are built here and in `paneBuilder.ts`, of known keys alone. */
function entriesOf<Key extends string, Value>(record: Readonly<Partial<Record<Key, Value>>>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}
