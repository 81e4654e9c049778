/**
 * The one hash of the wire format: the first 64 bits of MurmurHash3_x86_128 (Austin Appleby, public domain), seed 0, over UTF-8.
 * The 32-bit variant is taken because its arithmetic is `Math.imul`; a 64-bit product would need four of them.
 */
import type { Hash64 } from './types.ts';

const c1 = 0x239b961b;
const c2 = 0xab0e9789;
const c3 = 0x38b34ae5;
const c4 = 0xa1e38b93;

const encoder = new TextEncoder();
/** Reused for every id: hashing allocates nothing but its result. Grows to the longest text seen, at most `scratchLimit` bytes. */
let scratch = new Uint8Array(512);
const scratchLimit = 65_536;

/** 64-bit hash of an id. Distinct texts that are not well-formed UTF-16 may share one: lone surrogates count as U+FFFD. */
export function hashId(id: string): Hash64 {
  const length = id.length;
  if (length <= scratch.length) {
    // Nearly all ids are ASCII: copying character codes is several times as fast as a call of the encoder.
    let at = 0;
    for (; at < length; at += 1) {
      const code = id.charCodeAt(at);
      if (code > 127) break;
      scratch[at] = code;
    }
    if (at === length) return murmur128(scratch, length);
  }
  return hashUtf8(id);
}

/** 32-bit hash of a name, for caps that keep the names with the smallest hash. */
export function hashText(text: string): number {
  return hashId(text).high;
}

/** Order of hashes: negative, zero or positive. */
export function compareHash(left: Hash64, right: Hash64): number {
  return left.high - right.high || left.low - right.low;
}

/** A hash as a share of the hash space, in (0, 1]: the inclusion probability of an id under this threshold. */
export function hashShare(hash: Hash64): number {
  return (hash.high * 0x1_0000_0000 + hash.low + 1) / 0x1_0000_0000_0000_0000;
}

function hashUtf8(text: string): Hash64 {
  const most = text.length * 3;
  if (most > scratchLimit) {
    const bytes = encoder.encode(text);
    return murmur128(bytes, bytes.length);
  }
  if (most > scratch.length) scratch = new Uint8Array(most);
  return murmur128(scratch, encoder.encodeInto(text, scratch).written);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finalMix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Little-endian word at `at`; bytes from `end` on count as zero, which is what the reference does with a tail. */
function word(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = Math.min(at + 3, end - 1); i >= at; i -= 1) value = (value << 8) | bytes[i]!;
  return value;
}

/** First half of MurmurHash3_x86_128, seed 0, of the first `length` bytes. */
function murmur128(bytes: Uint8Array, length: number): Hash64 {
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  let at = 0;
  for (; at + 16 <= length; at += 16) {
    h1 ^= Math.imul(rotateLeft(Math.imul(word(bytes, at, length), c1), 15), c2);
    h1 = (Math.imul(rotateLeft(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotateLeft(Math.imul(word(bytes, at + 4, length), c2), 16), c3);
    h2 = (Math.imul(rotateLeft(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotateLeft(Math.imul(word(bytes, at + 8, length), c3), 17), c4);
    h3 = (Math.imul(rotateLeft(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotateLeft(Math.imul(word(bytes, at + 12, length), c4), 18), c1);
    h4 = (Math.imul(rotateLeft(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  // A word without bytes is zero and leaves its lane as it is, so the tail needs no switch over its length.
  h4 ^= Math.imul(rotateLeft(Math.imul(word(bytes, at + 12, length), c4), 18), c1);
  h3 ^= Math.imul(rotateLeft(Math.imul(word(bytes, at + 8, length), c3), 17), c4);
  h2 ^= Math.imul(rotateLeft(Math.imul(word(bytes, at + 4, length), c2), 16), c3);
  h1 ^= Math.imul(rotateLeft(Math.imul(word(bytes, at, length), c1), 15), c2);
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = finalMix((h2 + h1) | 0);
  h3 = finalMix((h3 + h1) | 0);
  h4 = finalMix((h4 + h1) | 0);
  h1 = finalMix(h1);
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  return { high: h1 >>> 0, low: h2 >>> 0 };
}
