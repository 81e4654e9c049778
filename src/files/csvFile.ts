/** CSV files: the first line names the columns, text that parses as a finite number is a number, an empty cell is missing. */
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { InputError } from '../core/errors.ts';
import type { SourceRole } from '../core/summarize/messages.ts';
import { rowMessages } from './tableRecords.ts';
import { byteStream, nameOf, reasonOf } from './textLines.ts';

/** Fields whose text is a name: `007` stays `007`. */
const textFields = ['id', 'model', 'version'];
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** One row: its message, or why there is none. `row` counts the rows after the header from 0. */
export interface TableRow {
  readonly row: number;
  readonly message: Uint8Array | { readonly problem: string };
}

/**
 * Reads a CSV file (RFC 4180, comma, optional byte order mark) row by row. A row with another number of cells than the header is given
 * back as a problem; empty lines are skipped.
 * @throws InputError where the file cannot be read or its quotes do not match, naming the line.
 */
export async function* csvRows(path: string, role: SourceRole): AsyncIterable<TableRow> {
  const parser = parse({ bom: true, skip_empty_lines: true, relax_column_count: true, max_record_size: 64 * 1024 * 1024 });
  // The parser fails with the error of the stream: the loop below sees it.
  pipeline(byteStream(path), parser, () => undefined);
  let columns: readonly string[] | null = null;
  let messageOf = rowMessages([], role);
  let row = 0;
  try {
    for await (const record of parser) {
      const cells = texts(record);
      if (columns === null) {
        columns = cells;
        messageOf = rowMessages(columns, role);
        continue;
      }
      const header = columns;
      const message =
        cells.length === header.length
          ? messageOf(cells.map((cell, index) => cellValue(header[index] ?? '', cell)))
          : { problem: `the row has ${cells.length} cells, its header ${header.length}` };
      yield { row, message };
      row += 1;
    }
  } catch (cause) {
    const where = columns === null ? 'cannot be read as CSV' : `cannot be read as CSV after row ${row}`;
    throw new InputError(`${nameOf(path)}: ${where}: ${reasonOf(cause)}`, { cause });
  }
}

function texts(record: unknown): readonly string[] {
  if (!Array.isArray(record)) throw new Error('the CSV parser gave no list of cells');
  return record.map(String);
}

function cellValue(column: string, cell: string): string | number | null {
  if (cell === '') return null;
  if (textFields.includes(column) || column.startsWith('segments.') || !decimal.test(cell)) return cell;
  const value = Number(cell);
  return Number.isFinite(value) ? value : cell;
}
