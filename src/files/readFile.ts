/**
 * Files of records, of a backtest or a baseline, as the records that the same rows on a Kafka topic would be: NDJSON, CSV (each also as
 * .gz) and Parquet, told apart by the file name; `-` is NDJSON on standard input. Memory does not grow with the file (Parquet: one row group).
 */
import { InputError } from '../core/errors.ts';
import { type DecodedRecord, pseudoModel } from '../core/record/record.ts';
import type { TopicSource } from '../core/settings.ts';
import type { SourceRole } from '../core/summarize/messages.ts';
import { jsonDecoder, type StandIns } from '../formats/json.ts';
import { csvRows, type TableRow } from './csvFile.ts';
import { parquetRows } from './parquetRows.ts';
import { rowMessages } from './tableRecords.ts';
import { lines } from './textLines.ts';

/** What the rows of a file are: its role, and the topic entry of the config that names its model. */
export interface FileOptions {
  readonly role: SourceRole;
  readonly source: TopicSource;
  /** Fields that rows of predictions may lack; left out: none. */
  readonly standIns?: StandIns;
}

export interface FileRecord {
  /** Offset of the record in its file: the row from 0 (NDJSON: the line, empty lines counted but not given). */
  readonly row: number;
  readonly decoded: DecodedRecord;
  /** What Kafka's timestamp would be: the record's own `ts`; for records without a readable one, that of the record before (0 at first). */
  readonly timestampMs: number;
}

/** Formats by the end of the name, `.gz` apart. */
const formats = { '.ndjson': 'ndjson', '.jsonl': 'ndjson', '.json': 'ndjson', '.csv': 'csv', '.parquet': 'parquet' } as const;

/**
 * Reads a file record by record. Rows that are no usable record come as `invalid` with their reason, as they would from a topic.
 * @throws InputError where the file as such cannot be read: name, place and what was expected.
 */
export async function* readFile(path: string, options: FileOptions): AsyncIterable<FileRecord> {
  const decode = jsonDecoder(options.source, options.role, undefined, options.standIns);
  let timestampMs = 0;
  for await (const { row, message } of rowsOf(path, options.role)) {
    const decoded: DecodedRecord =
      message instanceof Uint8Array
        ? decode(message, timestampMs)
        : {
            kind: 'invalid',
            reason: 'not-object',
            detail: message.problem,
            model: options.source.model ?? pseudoModel(options.source.topic),
          };
    if (decoded.kind === 'prediction' || decoded.kind === 'feedback') timestampMs = decoded.timeMs;
    yield { row, decoded, timestampMs };
  }
}

function rowsOf(path: string, role: SourceRole): AsyncIterable<TableRow> {
  if (path === '-') return ndjsonRows(path);
  const name = path.toLowerCase();
  const plain = name.endsWith('.gz') ? name.slice(0, -3) : name;
  const format = Object.entries(formats).find(([ending]) => plain.endsWith(ending))?.[1];
  if (format === 'ndjson') return ndjsonRows(path);
  if (format === 'csv') return csvRows(path, role);
  if (format === 'parquet' && plain === name) return parquetMessages(path, role);
  throw new InputError(
    `${path}: the name does not tell its format; expected one that ends with .ndjson, .jsonl, .json or .csv (each also with .gz) or .parquet`,
  );
}

async function* ndjsonRows(path: string): AsyncIterable<TableRow> {
  for await (const { row, bytes } of lines(path)) if (!isBlank(bytes)) yield { row, message: bytes };
}

async function* parquetMessages(path: string, role: SourceRole): AsyncIterable<TableRow> {
  let messageOf: ((values: Readonly<Record<string, unknown>>) => Uint8Array) | null = null;
  for await (const { row, values } of parquetRows(path)) {
    if (messageOf === null) {
      const columns = Object.keys(values);
      const toMessage = rowMessages(columns, role);
      messageOf = (of) => toMessage(columns.map((column) => of[column]));
    }
    yield { row, message: messageOf(values) };
  }
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09) return false;
  return true;
}
