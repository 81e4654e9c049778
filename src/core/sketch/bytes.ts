/** Bytes out and in: the alphabet of the wire format. Little-endian; a varint is LEB128 of a safe integer, at most 8 bytes. */
import { InputError, InvariantError } from '../errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Grows as it is written to. `finish` gives the bytes. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @param capacity first size of the buffer, in bytes. */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(Math.max(16, capacity));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A whole number of magnitude up to 2^52 - 1, small ones in few bytes. */
  signed(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw new InvariantError(`a varint holds a whole number from 0 to 2^53 - 1, not ${value}`);
    this.#reserve(8);
    let rest = value;
    while (rest > 0xfff_ffff) {
      this.#bytes[this.#length] = (rest % 128) | 128;
      this.#length += 1;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.#bytes[this.#length] = (rest & 127) | 128;
      this.#length += 1;
      rest >>>= 7;
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  /** A length and UTF-8. Text must be well-formed to come back the same. */
  string(text: string): void {
    this.bytes(encoder.encode(text));
  }

  /** A length and the bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The bytes written, as a copy of their own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** The number that `ByteWriter.signed` wrote as this varint. */
export function signedOf(code: number): number {
  // Bits of small ones: the remainder of a double is a slow call.
  if (code <= 0x7fff_fffe) return (code & 1) === 1 ? -((code + 1) >> 1) : code >> 1;
  return code % 2 === 1 ? -(code + 1) / 2 : code / 2;
}

/** Reads what `ByteWriter` wrote. Short or wrong bytes are an `InputError` that names the position; nothing outside is ever read. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  u8(): number {
    return this.#bytes[this.#take(1, 'a byte')]!;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4, 'a 32-bit number'), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8, 'a 64-bit number'), true);
  }

  signed(): number {
    return signedOf(this.varint());
  }

  /** As many varints as the list has places. What a restart reads is mostly these: one or two bytes each, without a call. */
  varints(into: Float64Array): void {
    const bytes = this.#bytes;
    for (let i = 0; i < into.length; i += 1) {
      const position = this.#position;
      const first = bytes[position];
      const second = bytes[position + 1];
      if (first !== undefined && first < 128) {
        into[i] = first;
        this.#position = position + 1;
      } else if (first !== undefined && second !== undefined && second < 128) {
        into[i] = (first & 127) | (second << 7);
        this.#position = position + 2;
      } else into[i] = this.varint();
    }
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i += 1) {
      const byte = this.#bytes[this.#take(1, 'a varint')]!;
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw this.wrong('a varint over 2^53 - 1');
  }

  /** A varint that counts things of at least `bytesEach` bytes: more than can follow is refused before anything is allocated. */
  count(bytesEach: number): number {
    const count = this.varint();
    if (count * bytesEach > this.remaining)
      throw this.wrong(`a count of ${count}, more than the remaining ${this.remaining} bytes can hold`);
    return count;
  }

  string(): string {
    const bytes = this.bytes();
    try {
      return decoder.decode(bytes);
    } catch {
      throw this.wrong('text that is not UTF-8');
    }
  }

  /** A view of the bytes, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    const start = this.#take(length, `${length} bytes`);
    return this.#bytes.subarray(start, start + length);
  }

  /** The error for something that cannot be, just before this position. */
  wrong(what: string): InputError {
    return new InputError(`cannot read record: ${what}, before byte ${this.#position} of ${this.#bytes.length}`);
  }

  #take(count: number, what: string): number {
    const start = this.#position;
    if (count > this.#bytes.length - start) {
      throw new InputError(`cannot read record: it ends in the middle of ${what}, at byte ${start} of ${this.#bytes.length}`);
    }
    this.#position = start + count;
    return start;
  }
}

/** All of them, one after the other; those that are not there are passed over. */
export function joinBytes(parts: readonly (Uint8Array | undefined)[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + (part?.length ?? 0), 0));
  let at = 0;
  for (const part of parts) {
    if (part === undefined) continue;
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
