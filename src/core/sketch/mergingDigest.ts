import { compress, fromCentroids, mergePoints, mergeValues, type Points, pointsFor, toCentroids } from './compress.ts';
import type { Centroids, Digest } from './types.ts';

const bufferSize = 512;
const firstBufferSize = 16;
/** Centroids of other digests are gathered up to this many before they are merged: a hundred parts are compressed once, not a hundred times. */
const pendingLimit = 16_384;

/** Shared by all digests of the thread: nothing in it outlives a call. */
let gathered = pointsFor(1_024);
let compressed = pointsFor(1_024);

/**
 * A t-digest that gathers values in a buffer and merges the sorted buffer into its centroids when it is full.
 *
 * Cost of a push: a store into a typed array, plus its share of one sort (log2 512 comparisons in native code) and of one pass over the
 * 512 + c points (c centroids, about 0.7 delta). Nothing is allocated per value. Cost of k merges of c centroids: one k-way merge of
 * k c points, log2 k comparisons each, and one compression.
 *
 * Memory: 8 bytes a buffered value (the buffer grows from 16 to 512 values as they come, so that a quiet series stays small) and 16 bytes a
 * centroid.
 *
 * What it is good at: any rank within a fraction of 1 / delta, best in the tails; exact up to delta distinct values, and for every value
 * that makes up a good share of the whole, so constants, flags and small integers lose nothing; minimum work per value. Price paid: between
 * two centroids the distribution is taken to be even, and the result depends (within the error) on the order of pushes, though on nothing
 * else: the same pushes give the same bits, on every machine.
 *
 * Values must be finite. Minus zero counts as zero.
 */
export class MergingDigest implements Digest {
  readonly #delta: number;
  #points: Points = pointsFor(0);
  #merged = 0;
  #buffer: Float64Array = new Float64Array(firstBufferSize);
  #buffered = 0;
  #pending: Centroids[] = [];
  #pendingPoints = 0;
  #pendingWeight = 0;

  /** @param delta about this many centroids at the most; at least 20. */
  constructor(delta: number) {
    this.#delta = Math.max(20, delta);
  }

  get count(): number {
    return this.#merged + this.#buffered + this.#pendingWeight;
  }

  push(value: number): void {
    if (this.#buffered === this.#buffer.length) this.#makeRoom();
    this.#buffer[this.#buffered] = value + 0;
    this.#buffered += 1;
  }

  merge(centroids: Centroids): void {
    if (centroids.means.length === 0) return;
    this.#pending.push(centroids);
    this.#pendingPoints += centroids.means.length;
    for (const weight of centroids.weights) this.#pendingWeight += weight;
    if (this.#pendingPoints > pendingLimit) this.#flush();
  }

  centroids(): Centroids {
    // Sorting the buffer is all that this changes, and nothing depends on the order in it.
    return this.#buffered === 0 && this.#pending.length === 0 ? toCentroids(this.#points) : toCentroids(this.#compressed());
  }

  bytes(): number {
    return 200 + this.#buffer.byteLength + this.#points.means.byteLength * 2 + this.#pendingPoints * 16;
  }

  #makeRoom(): void {
    if (this.#buffer.length >= bufferSize) {
      this.#flush();
      return;
    }
    const larger = new Float64Array(this.#buffer.length * 2);
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  #flush(): void {
    const result = this.#compressed();
    if (result.size > this.#points.means.length) this.#points = pointsFor(result.size + 8);
    this.#points.means.set(result.means.subarray(0, result.size));
    this.#points.weights.set(result.weights.subarray(0, result.size));
    this.#points.size = result.size;
    this.#merged = this.count;
    this.#buffered = 0;
    this.#pending = [];
    this.#pendingPoints = 0;
    this.#pendingWeight = 0;
  }

  /** The state with everything gathered merged in, in the shared scratch. */
  #compressed(): Points {
    const most = this.#points.size + this.#buffered + this.#pendingPoints;
    if (gathered.means.length < most) gathered = pointsFor(most * 2);
    if (compressed.means.length < most) compressed = pointsFor(most * 2);
    const values = this.#buffer.subarray(0, this.#buffered).sort();
    mergeValues(this.#points, values, this.#buffered, gathered);
    const all = this.#pending.length === 0 ? gathered : mergeRuns([copyOf(gathered), ...this.#pending.map(fromCentroids)]);
    compress(all, this.count, this.#delta, compressed);
    return compressed;
  }
}

/** Merges sorted lists, neighbours two by two. */
function mergeRuns(runs: readonly Points[]): Points {
  let current = runs;
  while (current.length > 1) {
    const next: Points[] = [];
    for (let i = 0; i < current.length; i += 2) {
      const left = current[i]!;
      const right = current[i + 1];
      if (right === undefined) {
        next.push(left);
      } else {
        const both = pointsFor(left.size + right.size);
        mergePoints(left, right, both);
        next.push(both);
      }
    }
    current = next;
  }
  return current[0]!;
}

function copyOf(points: Points): Points {
  return { means: points.means.slice(0, points.size), weights: points.weights.slice(0, points.size), size: points.size };
}
