import { TDigest } from 'tdigest';
import type { Centroids, Digest } from './types.ts';

/** Beyond this the package's arithmetic would overflow to Infinity. */
const largest = 1e290;

/**
 * The package compresses by feeding its centroids to itself in an order drawn from `Math.random`. This one draws from a generator of its
 * own that starts from the same seed every time, so that equal pushes give equal centroids.
 */
class DeterministicTDigest extends TDigest {
  #isCompressing = false;

  override compress(): void {
    if (this.#isCompressing) return;
    this.#isCompressing = true;
    const points = this.toArray();
    this.reset();
    let state = 0x9e3779b9;
    for (let left = points.length; left > 0; left -= 1) {
      // xorshift32 (Marsaglia 2003)
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const chosen = (state >>> 0) % left;
      const point = points[chosen]!;
      points[chosen] = points[left - 1]!;
      this.push_centroid(point);
    }
    // Reading everything brings the cached running totals up to date, as the package's own compress does at its end.
    this.toArray(true);
    this.#isCompressing = false;
  }
}

/**
 * The npm package `tdigest` behind the engine's interface, made deterministic. It keeps up to 25 delta centroids and takes several times as
 * long per value as `MergingDigest`: it is here for those who know and trust it, as the oracle of the tests and the peer of the bench.
 * Magnitudes above 1e290 are cut to that on the way
 * in; a summary's own minimum and maximum stay exact.
 */
export class TDigestEngine implements Digest {
  readonly #digest: TDigest;
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** @param delta the package's compression factor is 1 / delta. */
  constructor(delta: number) {
    this.#digest = new DeterministicTDigest(1 / delta);
  }

  get count(): number {
    return this.#count;
  }

  push(value: number): void {
    this.#add(value + 0, 1);
  }

  merge(centroids: Centroids): void {
    for (let i = 0; i < centroids.means.length; i += 1) {
      this.#add(centroids.means[i]!, centroids.weights[i]!);
    }
  }

  centroids(): Centroids {
    const all = this.#digest.toArray();
    return {
      means: Float64Array.from(all, (centroid) => clamp(centroid.mean, this.#min, this.#max)),
      weights: Float64Array.from(all, (centroid) => centroid.n),
    };
  }

  bytes(): number {
    // Measured: a tree node, a centroid of four numbers and their boxes.
    return 200 + this.#digest.size() * 120;
  }

  #add(value: number, weight: number): void {
    this.#digest.push(clamp(value, -largest, largest), weight);
    this.#count += weight;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
