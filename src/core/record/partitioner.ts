/**
 * Which partition of an internal topic a key belongs to. Every write names its partition, so that both logs and every client agree: the function is that of
 * Kafka's own default partitioner (murmur2 of the UTF-8 bytes, seed 0x9747b28c; `org.apache.kafka.common.utils.Utils`).
 */

const utf8 = new TextEncoder();

/** Partition of a key, 0 to `count` - 1. `count` is the number of partitions of the topic, at least 1. */
export function partitionOf(key: string, count: number): number {
  return (murmur2(utf8.encode(key)) & 0x7fffffff) % count;
}

/** Kafka's 32-bit murmur2 of some bytes, as a signed integer. */
export function murmur2(data: Uint8Array): number {
  const multiplier = 0x5bd1e995;
  const length = data.length;
  let hash = 0x9747b28c ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = byteAt(data, at) | (byteAt(data, at + 1) << 8) | (byteAt(data, at + 2) << 16) | (byteAt(data, at + 3) << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  if (at < length) {
    for (let rest = length - 1; rest >= at; rest -= 1) hash ^= byteAt(data, rest) << ((rest - at) * 8);
    hash = Math.imul(hash, multiplier);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

function byteAt(data: Uint8Array, index: number): number {
  return data[index] ?? 0;
}
