/** Count, mean and sum of squared deviations: exact to rounding, and finite for every finite input. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly m2: number;
}

/** Sums of squares beyond the largest double are held at it: a summary never carries Infinity. */
export function saturated(m2: number): number {
  return m2 <= Number.MAX_VALUE ? m2 : Number.MAX_VALUE;
}

/** Moments of the union (Chan, Golub, LeVeque 1979). */
export function mergeMoments(left: Moments, right: Moments): Moments {
  if (left.count === 0) return right;
  if (right.count === 0) return left;
  const count = left.count + right.count;
  const delta = right.mean - left.mean;
  const share = right.count / count;
  const mean = Number.isFinite(delta) ? left.mean + delta * share : left.mean * (1 - share) + right.mean * share;
  return { count, mean, m2: saturated(left.m2 + right.m2 + delta * delta * left.count * share) };
}
