/** Bytes and lines of text files: plain or gzip, from a path or from standard input. */
import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InputError } from '../core/errors.ts';

/** Longest line that is read: longer ones are an error of the file, not of a record. 64 MiB. */
const longestLine = 64 * 1024 * 1024;
const newline = 0x0a;

/** Text of whatever was thrown. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Bytes of a file, unpacked where its name ends in `.gz`; `-` is standard input. Errors of the streams reach the reader. */
export function byteStream(path: string): Readable {
  if (path === '-') return process.stdin;
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  if (!path.toLowerCase().endsWith('.gz')) return file;
  // Whoever reads the unpacked end sees the error of either stream: nothing is left to do in the callback.
  return pipeline(file, createGunzip(), () => undefined);
}

/** One line without its line end; `row` counts all lines from 0, the empty ones too. */
export interface Line {
  readonly row: number;
  readonly bytes: Uint8Array;
}

/**
 * Cuts a file into lines without decoding them, so that invalid UTF-8 stays visible to the decoder. Lines are views of the chunk read:
 * use one before asking for the next.
 * @throws InputError where the file cannot be opened, unpacked or read on, naming the line reached.
 */
export async function* lines(path: string): AsyncIterable<Line> {
  let row = 0;
  let rest: Uint8Array[] = [];
  let restLength = 0;
  const stream = byteStream(path);
  try {
    for await (const chunk of stream) {
      const bytes: unknown = chunk;
      if (!(bytes instanceof Uint8Array)) throw new Error('the stream gave text where bytes were expected');
      let from = 0;
      for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, from)) {
        const piece = bytes.subarray(from, at);
        yield { row, bytes: withoutReturn(restLength === 0 ? piece : Buffer.concat([...rest, piece])) };
        row += 1;
        rest = [];
        restLength = 0;
        from = at + 1;
      }
      if (from < bytes.length) {
        rest.push(bytes.subarray(from));
        restLength += bytes.length - from;
        if (restLength > longestLine) throw new Error(`it has more than ${longestLine} bytes without a line end`);
      }
    }
  } catch (cause) {
    throw new InputError(`${nameOf(path)}: cannot be read at line ${row + 1}: ${reasonOf(cause)}`, { cause });
  }
  if (restLength > 0) yield { row, bytes: withoutReturn(Buffer.concat(rest)) };
}

/** How messages name a path. */
export function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}

function withoutReturn(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
}
