/** Rows of a Parquet file, one row group in memory at a time. */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { InputError } from '../core/errors.ts';
import { reasonOf } from './textLines.ts';

/** One row as the file has it: INT64 columns are `bigint`, timestamps are `Date`. `row` counts from 0 over the whole file. */
export interface ParquetRow {
  readonly row: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/**
 * Reads a Parquet file row by row. Memory is that of one decoded row group (hyparquet decodes a whole row group whatever is asked
 * of it), so a file with huge row groups needs room for one of them.
 * @throws InputError naming the file, the rows that cannot be read, and the reason.
 */
export async function* parquetRows(path: string): AsyncIterable<ParquetRow> {
  const { file, metadata } = await open(path);
  let first = 0;
  for (const group of metadata.row_groups) {
    const end = first + Number(group.num_rows);
    const rows = await parquetReadObjects({ file, metadata, compressors, rowStart: first, rowEnd: end }).catch((cause: unknown) => {
      throw new InputError(`${path}: rows ${first + 1} to ${end} (one row group) cannot be decoded: ${reasonOf(cause)}`, { cause });
    });
    for (const [index, values] of rows.entries()) yield { row: first + index, values };
    first = end;
  }
}

async function open(path: string) {
  try {
    const file = await asyncBufferFromFile(path);
    return { file, metadata: await parquetMetadataAsync(file) };
  } catch (cause) {
    throw new InputError(`${path}: cannot be read as Parquet: ${reasonOf(cause)}`, { cause });
  }
}
