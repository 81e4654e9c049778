import { appendCentroids, compress, joinEqual, mergeValues, type Points, pointsFor, toCentroids } from './compress.ts';
import { sortPoints } from './sortPoints.ts';
import type { Centroids, Digest } from './types.ts';

const bufferSize = 512;
const firstBufferSize = 16;
/** Centroids of other digests are gathered up to this many before they are merged: a hundred parts are compressed once, not a hundred times. */
const pendingLimit = 16_384;

/**
 * While it lives, a digest keeps its clusters this many times finer than it shows them: values that wander (a daily rhythm, a trend) end up
 * in clusters that overlap, and that error shrinks with the square of their width.
 */
const liveFineness = 2;

/** Shared by all digests of the thread: nothing in it outlives a call. */
let gathered = pointsFor(1_024);
let compressed = pointsFor(1_024);

/**
 * A t-digest that gathers values in a buffer and merges the sorted buffer into its centroids when it is full.
 *
 * Cost of a push: a store into a typed array, plus its share of one sort (by buckets, linear) and of one pass over the
 * 512 + c points (c live centroids, up to 2 delta). Nothing is allocated per value. Cost of k merges of c centroids: one
 * sort of k c points and one compression.
 *
 * Memory: 8 bytes a buffered value (the buffer grows from 16 to 512 values as they come, so that a quiet series stays small) and 16 bytes a
 * centroid.
 *
 * What it is good at: any rank within a fraction of 1 / delta, best in the tails; exact up to delta distinct values, and for every value
 * that makes up a good share of the whole, so constants, flags and small integers lose nothing; minimum work per value. Price paid: between
 * two centroids the distribution is taken to be even, which beside a gap or an atom costs up to 1 % in rank; and the result depends (within the error) on the order of pushes, though on nothing
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
    const { length } = centroids.means;
    if (length === 0) return;
    this.#pending.push(centroids);
    this.#pendingPoints += length;
    for (let i = 0; i < length; i += 1) this.#pendingWeight += centroids.weights[i]!;
    if (this.#pendingPoints > pendingLimit) this.#flush();
  }

  centroids(): Centroids {
    // Sorting the buffer is all that this changes, and nothing depends on the order in it.
    return toCentroids(this.#compressed(this.#delta));
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
    const result = this.#compressed(this.#delta * liveFineness);
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
  #compressed(delta: number): Points {
    const most = this.#points.size + this.#buffered + this.#pendingPoints;
    if (gathered.means.length < most) gathered = pointsFor(most * 2);
    if (compressed.means.length < most) compressed = pointsFor(most * 2);
    sortPoints(this.#buffer, null, this.#buffered);
    mergeValues(this.#points, this.#buffer, this.#buffered, gathered);
    if (this.#pending.length > 0) {
      for (const centroids of this.#pending) appendCentroids(gathered, centroids);
      sortPoints(gathered.means, gathered.weights, gathered.size);
      joinEqual(gathered);
    }
    compress(gathered, this.count, delta, compressed);
    return compressed;
  }
}
