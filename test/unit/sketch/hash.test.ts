import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareHash, hashId, hashShare, hashText } from '../../../src/core/sketch/hash.ts';

function hexOf(text: string): string {
  const { high, low } = hashId(text);
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** The first is the published example of murmurHash3.js; all were checked with the reference implementation (mmh3 for Python). */
const vectors = [
  ["I will not buy this tobacconist's, it is scratched.", '9b5b7ba2ef3f7866'],
  ['', '0000000000000000'],
  ['a', 'a794933c5556b01b'],
  ['ab', '158451df25be3010'],
  ['abc', '75cdc6d1a2b006a5'],
  ['abcd', '96b6ccaa45afc62e'],
  ['abcde', 'c5402efb5d24c5bc'],
  ['hello, world', '8b21605cb9b98a1e'],
  ['0123456789abcdef', 'fb7d440936aed30a'],
  ['0123456789abcdef0123456789abcdefX', 'af4d6d01c20c68b5'],
  ['The quick brown fox jumps over the lazy dog', '2f1583c3ecee2c67'],
  ['día ☀ 日本 𝄞', '4ee26682e3feaef0'],
] as const;

describe('the hash of ids', () => {
  it.each(vectors)('of %j is the first half of MurmurHash3_x86_128', (text, hex) => {
    expect(hexOf(text)).toBe(hex);
  });

  it('is the same whatever was hashed before it, long and short, ASCII or not', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 700 }), { minLength: 2, maxLength: 6 }), (texts) => {
        const alone = texts.map(hexOf);
        expect([...texts].reverse().map(hexOf).reverse()).toEqual(alone);
      }),
    );
    expect(hexOf('é'.repeat(50_000))).toBe(hexOf('é'.repeat(50_000)));
  });

  it('spreads ids evenly: a threshold keeps its share of them', () => {
    const shares = Array.from({ length: 20_000 }, (_, i) => hashShare(hashId(`order-${i}`)));
    for (const threshold of [0.01, 0.1, 0.5, 0.9]) {
      const kept = shares.filter((share) => share <= threshold).length / shares.length;
      expect(Math.abs(kept - threshold)).toBeLessThan(4 * Math.sqrt((threshold * (1 - threshold)) / shares.length));
    }
  });

  it('does not collide on a hundred thousand short ids', () => {
    expect(new Set(Array.from({ length: 100_000 }, (_, i) => hexOf(String(i)))).size).toBe(100_000);
  });
});

describe('hashes', () => {
  it('are compared high half first', () => {
    expect(compareHash({ high: 1, low: 9 }, { high: 2, low: 0 })).toBeLessThan(0);
    expect(compareHash({ high: 2, low: 9 }, { high: 2, low: 0 })).toBeGreaterThan(0);
    expect(compareHash({ high: 2, low: 9 }, { high: 2, low: 9 })).toBe(0);
  });

  it('are shares of the hash space above 0 and up to 1', () => {
    expect(hashShare({ high: 0, low: 0 })).toBe(2 ** -64);
    expect(hashShare({ high: 0x7fff_ffff, low: 0xffff_ffff })).toBe(0.5);
    expect(hashShare({ high: 0xffff_ffff, low: 0xffff_ffff })).toBe(1);
  });

  it('of names are the high half', () => {
    expect(hashText('amount')).toBe(hashId('amount').high);
  });
});
