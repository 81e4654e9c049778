import { CategoryCounter } from './categories.ts';
import { createDigest } from './digest.ts';
import { saturated } from './moments.ts';
import type { Digest, DigestSettings, NumericSummary, SeriesSummary } from './types.ts';

/** The finite numbers of one series. */
class NumericBuilder {
  readonly #digest: Digest;
  #count = 0;
  #zeros = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #mean = 0;
  #m2 = 0;

  constructor(settings: DigestSettings) {
    this.#digest = createDigest(settings);
  }

  get count(): number {
    return this.#count;
  }

  push(x: number): void {
    this.#count += 1;
    if (x === 0) this.#zeros += 1;
    if (x < this.#min) this.#min = x;
    if (x > this.#max) this.#max = x;
    // Welford 1962.
    const delta = x - this.#mean;
    if (delta <= Number.MAX_VALUE && delta >= -Number.MAX_VALUE) {
      this.#mean += delta / this.#count;
      this.#m2 += delta * (x - this.#mean);
    } else {
      this.#mean = this.#mean * (1 - 1 / this.#count) + x / this.#count;
      this.#m2 = Number.MAX_VALUE;
    }
    this.#digest.push(x);
  }

  summary(): NumericSummary {
    return {
      count: this.#count,
      zeros: this.#zeros,
      min: this.#min,
      max: this.#max,
      mean: this.#mean,
      m2: saturated(this.#m2),
      centroids: this.#digest.centroids(),
    };
  }

  bytes(): number {
    return 120 + this.#digest.bytes();
  }
}

/**
 * One live series of a cell: the hot path of summarize. A series without numbers holds no digest, one without text no map. A push of a number
 * costs the digest's (bench/digest.ts) and a few additions.
 */
export class SeriesBuilder {
  readonly #digest: DigestSettings;
  readonly #categoryCap: number;
  #numeric: NumericBuilder | null = null;
  #categories: CategoryCounter | null = null;
  #nonFinite = 0;
  #unsupported = 0;

  /** @param categoryCap most categories that are counted one by one. */
  constructor(digest: DigestSettings, categoryCap: number) {
    this.#digest = digest;
    this.#categoryCap = categoryCap;
  }

  /** Everything counted so far: numbers, categories, non-finite and unsupported values. */
  get valueCount(): number {
    return (this.#numeric?.count ?? 0) + (this.#categories?.count ?? 0) + this.#nonFinite + this.#unsupported;
  }

  /** Adds a number, which must be finite: the caller sends the others to `countNonFinite`. Minus zero is zero. */
  pushNumber(x: number): void {
    this.#numeric ??= new NumericBuilder(this.#digest);
    this.#numeric.push(x + 0);
  }

  /** Adds a category. Values over 200 characters are kept as a prefix and a hash. */
  pushCategory(value: string): void {
    this.#categories ??= new CategoryCounter(this.#categoryCap);
    this.#categories.add(value);
  }

  countNonFinite(): void {
    this.#nonFinite += 1;
  }

  countUnsupported(): void {
    this.#unsupported += 1;
  }

  /** The state as plain data. Does not disturb: pushes go on as if it had not been called. */
  summary(): SeriesSummary {
    return {
      numeric: this.#numeric?.summary() ?? null,
      categories: this.#categories?.summary() ?? null,
      nonFinite: this.#nonFinite,
      unsupported: this.#unsupported,
    };
  }

  /** Estimate of the memory held, in bytes. */
  bytes(): number {
    return 100 + (this.#numeric?.bytes() ?? 0) + (this.#categories?.bytes() ?? 0);
  }
}
