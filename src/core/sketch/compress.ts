/**
 * The pure heart of the merging t-digest: sorted weighted points in, fewer of them out.
 *
 * A point carries its weight with a sign: negative where the point is one exact value, as often as the weight says (a single value, or an
 * atom: a value that occurs again and again); positive where it stands for different values around its mean. Points of one list are
 * sorted by mean and have distinct means.
 */
import type { Centroids } from './types.ts';

export interface Points {
  readonly means: Float64Array;
  readonly weights: Float64Array;
  size: number;
}

/** An empty list with room for `capacity` points. */
export function pointsFor(capacity: number): Points {
  return { means: new Float64Array(capacity), weights: new Float64Array(capacity), size: 0 };
}

/** Merges sorted single values (each of weight 1) into a list. `out` must have room for both. */
export function mergeValues(points: Points, values: Float64Array, count: number, out: Points): void {
  const { means: a, weights: aw, size: aSize } = points;
  const { means, weights } = out;
  let size = 0;
  let i = 0;
  let j = 0;
  let last = Number.NaN;
  while (j < count) {
    const value = values[j]!;
    while (i < aSize && a[i]! <= value) {
      last = a[i]!;
      means[size] = last;
      weights[size] = aw[i]!;
      size += 1;
      i += 1;
    }
    if (value === last) {
      weights[size - 1] = together(weights[size - 1]!, -1);
    } else {
      means[size] = value;
      weights[size] = -1;
      last = value;
      size += 1;
    }
    j += 1;
  }
  while (i < aSize) {
    means[size] = a[i]!;
    weights[size] = aw[i]!;
    size += 1;
    i += 1;
  }
  out.size = size;
}

/**
 * Weight of two points of equal mean. An exact value that meets a centroid which happens to have its mean swallows it: rare, and no
 * further off than that centroid was.
 */
function together(left: number, right: number): number {
  return left > 0 && right > 0 ? left + right : -(Math.abs(left) + Math.abs(right));
}

/**
 * Width of a cluster in units of the scale k1(q) = delta / (2 pi) * asin(2 q - 1) (Dunning & Ertl 2019). The scale is delta / 2 long and
 * clusters are filled to about .85, so this makes about delta of them.
 */
const clusterWidth = 0.6;

/** An exact value at least this many cluster widths heavy is kept apart, and so stays exact. */
const atomWidth = 0.5;

/**
 * A cluster that is a quarter full ends before a gap this many times wider than the gaps inside and before it: a cluster that bridged two lumps
 * would put its whole weight where there is nothing.
 */
const gapFactor = 12;
/** A gap this many times wider ends any cluster. */
const wideGapFactor = 100;

/** Points this little over delta are not worth a compression: what was compressed once would only lose. */
const slack = 1.25;

/**
 * Compresses sorted points of the given total weight to about `delta` of them. Up to `delta` distinct values are kept as they are.
 * A cluster grows while it is no wider than `clusterWidth`; the angle addition theorem gives its end without a call of asin or sin.
 */
export function compress(points: Points, total: number, delta: number, out: Points): void {
  const { means, weights, size } = points;
  const { means: outMeans, weights: outWeights } = out;
  if (size <= delta * slack) {
    out.means.set(means.subarray(0, size));
    out.weights.set(weights.subarray(0, size));
    out.size = size;
    return;
  }
  const step = (2 * Math.PI * clusterWidth) / delta;
  const sine = Math.sin(step);
  const cosine = Math.cos(step);
  let kept = 0;
  let afterGap = false;
  let done = 0;
  let i = 0;
  while (i < size) {
    const first = i;
    let weight = Math.abs(weights[i]!);
    let sum = means[i]! * weight;
    const heavy = weights[i]! < -1 && isHeavy(weight, done, total, sine);
    i += 1;
    if (!heavy) {
      const s = (2 * done) / total - 1;
      const end = s >= cosine ? total : (total * (1 + s * cosine + Math.sqrt(Math.max(0, 1 - s * s)) * sine)) / 2;
      let widest = first > 0 ? means[first]! - means[first - 1]! : 0;
      if (afterGap && i < size) widest = Math.min(widest, means[i]! - means[first]!);
      afterGap = false;
      while (i < size) {
        const next = weights[i]!;
        const nextWeight = Math.abs(next);
        const gap = means[i]! - means[i - 1]!;
        if (gap > widest) {
          if (widest > 0 && gap > gapFactor * widest && (weight * 4 >= end - done || gap > wideGapFactor * widest)) {
            afterGap = true;
            break;
          }
          widest = gap;
        }
        if (done + weight + nextWeight > end || (next < -1 && isHeavy(nextWeight, done + weight, total, sine))) break;
        weight += nextWeight;
        sum += means[i]! * nextWeight;
        i += 1;
      }
    }
    if (i === first + 1) {
      outMeans[kept] = means[first]!;
      outWeights[kept] = weights[first]!;
    } else {
      const mean = sum / weight;
      // Rounding must not put centroids out of order; a sum that overflowed is taken again with care.
      outMeans[kept] = mean > means[first]! && mean < means[i - 1]! ? mean : meanOf(points, first, i, weight, sum);
      outWeights[kept] = weight;
    }
    kept += 1;
    done += weight;
  }
  out.size = kept;
}

function isHeavy(weight: number, before: number, total: number, sine: number): boolean {
  const q = (before + weight / 2) / total;
  return weight >= atomWidth * sine * total * Math.sqrt(q * (1 - q));
}

/** Mean of the points [from, to), never outside of them: rounding must not put centroids out of order. */
function meanOf(points: Points, from: number, to: number, weight: number, sum: number): number {
  let mean = sum / weight;
  if (!Number.isFinite(sum)) {
    mean = 0;
    for (let i = from; i < to; i += 1) mean += points.means[i]! * (Math.abs(points.weights[i]!) / weight);
  }
  return Math.min(Math.max(mean, points.means[from]!), points.means[to - 1]!);
}

/**
 * Points as centroids at rest: an atom becomes two centroids of equal mean, by which it is known again. The mean of a cluster is
 * rounded to about 1/256 of the distance to its neighbour (a cluster says no more than that about where its values lie), which leaves
 * zeros at the end of the double that the wire form does not write. Exact values stay as they are.
 */
export function toCentroids(points: Points): Centroids {
  const { means, weights, size } = points;
  let length = size;
  for (let i = 0; i < size; i += 1) if (weights[i]! < -1) length += 1;
  const out = { means: new Float64Array(length), weights: new Float64Array(length) };
  let at = 0;
  for (let i = 0; i < size; i += 1) {
    const mean = means[i]!;
    const weight = weights[i]!;
    if (weight > 0) {
      const left = i > 0 ? mean - means[i - 1]! : Number.POSITIVE_INFINITY;
      const right = i + 1 < size ? means[i + 1]! - mean : Number.POSITIVE_INFINITY;
      out.means[at] = rounded(mean, Math.min(left, right));
      out.weights[at] = weight;
      at += 1;
      continue;
    }
    if (weight < -1) {
      out.means[at] = mean;
      out.weights[at] = -weight - 1;
      at += 1;
    }
    out.means[at] = mean;
    out.weights[at] = 1;
    at += 1;
  }
  return out;
}

/** Adding and taking away a number 2^44 times the gap drops what is below about gap / 256: the last place of their sum. */
function rounded(mean: number, gap: number): number {
  const anchor = gap * 2 ** 44;
  const value = mean + anchor - anchor;
  return Math.abs(value - mean) <= gap / 128 ? value : mean;
}

/**
 * Appends centroids at rest to points: single values and runs of equal means are exact values. The caller has seen to it that there is
 * room, and sorts and calls `joinEqual` when all are in.
 */
export function appendCentroids(points: Points, centroids: Centroids): void {
  const { means, weights } = centroids;
  const { means: outMeans, weights: outWeights } = points;
  const { length } = means;
  let size = points.size;
  let last = Number.NaN;
  for (let i = 0; i < length; i += 1) {
    const mean = means[i]!;
    const weight = weights[i]!;
    if (mean === last) {
      outWeights[size - 1] = -Math.abs(outWeights[size - 1]!) - weight;
    } else {
      outMeans[size] = mean;
      outWeights[size] = weight === 1 ? -1 : weight;
      last = mean;
      size += 1;
    }
  }
  points.size = size;
}

/** Makes sorted points of equal mean one point. */
export function joinEqual(points: Points): void {
  const { means, weights } = points;
  const length = points.size;
  let i = 1;
  // Mostly there are none, and looking is cheaper than moving.
  while (i < length && means[i]! !== means[i - 1]!) i += 1;
  let size = Math.min(i, length);
  for (; i < length; i += 1) {
    if (means[i]! === means[size - 1]!) {
      weights[size - 1] = together(weights[size - 1]!, weights[i]!);
    } else {
      means[size] = means[i]!;
      weights[size] = weights[i]!;
      size += 1;
    }
  }
  points.size = size;
}
