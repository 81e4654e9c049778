/** Intervals of a performance figure, for people: they say how well the labels so far know it, not whether it changed. */

/** Normal quantile of .975. */
const z95 = 1.959963984540054;

/**
 * Wilson's 95 % interval of a share (Wilson 1927), right near 0 and 1 where the normal one leaves the unit interval.
 *
 * @param share in [0, 1].
 * @param n rows, not necessarily whole (an effective number of weighted rows), above 0.
 */
export function wilsonInterval(share: number, n: number): readonly [number, number] {
  const square = z95 * z95;
  const centre = (share + square / (2 * n)) / (1 + square / n);
  const half = (z95 / (1 + square / n)) * Math.sqrt((share * (1 - share)) / n + square / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** 95 % interval of a mean by its standard error. `variance` is that of one row; `n` as for Wilson. The mean of errors is never below 0. */
export function meanInterval(mean: number, variance: number, n: number): readonly [number, number] {
  const half = z95 * Math.sqrt(Math.max(0, variance) / n);
  return [Math.max(0, mean - half), mean + half];
}
