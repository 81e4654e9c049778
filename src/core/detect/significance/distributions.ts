/**
 * The distributions that the decision rule needs. Tails are computed directly, never as one minus a cdf: at p = 1e-11 that would
 * leave five digits.
 */
import betainc from '@stdlib/math-base-special-betainc';
import erfc from '@stdlib/math-base-special-erfc';

/** Value of the polynomial with these coefficients, the constant first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (let index = coefficients.length - 1; index >= 0; index -= 1) value = value * x + coefficients[index]!;
  return value;
}

// Wichura 1988, algorithm AS 241 (PPND16): rational approximations for the centre, the shoulders and the far tails.
const centreOver = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087, 33430.57558358813,
  2509.0809287301227,
];
const centreUnder = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854,
];
const shoulderOver = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684, 0.2417807251774506,
  0.022723844989269184, 0.0007745450142783414,
];
const shoulderUnder = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457, 0.0005475938084995345,
  1.0507500716444169e-9,
];
const tailOver = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124, 0.0012426609473880784,
  2.7115555687434876e-5, 2.0103343992922881e-7,
];
const tailUnder = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5, 1.421511758316446e-7,
  2.0442631033899397e-15,
];

/** Standard normal quantile of `p` in (0, 1), right to 1e-15 (Wichura 1988, AS 241); infinite at 0 and 1. */
export function normalQuantile(p: number): number {
  const centred = p - 0.5;
  if (Math.abs(centred) <= 0.425) {
    const r = 0.180625 - centred * centred;
    return (centred * polynomial(centreOver, r)) / polynomial(centreUnder, r);
  }
  const tail = centred < 0 ? p : 1 - p;
  if (tail <= 0) return centred < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const r = Math.sqrt(-Math.log(tail));
  const size =
    r <= 5
      ? polynomial(shoulderOver, r - 1.6) / polynomial(shoulderUnder, r - 1.6)
      : polynomial(tailOver, r - 5) / polynomial(tailUnder, r - 5);
  return centred < 0 ? -size : size;
}

/** P(Z > z) of a standard normal Z. */
export function normalUpperTail(z: number): number {
  return erfc(z / Math.SQRT2) / 2;
}

/** P(|T| > |t|) of Student's t with `nu` > 0 degrees of freedom (not necessarily whole). */
export function studentTwoSided(t: number, nu: number): number {
  if (!Number.isFinite(t)) return 0;
  return betainc(nu / (nu + t * t), nu / 2, 0.5);
}

/** P(F > f) of Fisher's F with `d1` and `d2` > 0 degrees of freedom (not necessarily whole); 1 for f <= 0. */
export function fUpperTail(f: number, d1: number, d2: number): number {
  if (f <= 0) return 1;
  if (!Number.isFinite(f)) return 0;
  return betainc(d2 / (d2 + d1 * f), d2 / 2, d1 / 2);
}

/**
 * The t >= 0 that |T| exceeds with probability `p` in (0, 1]: `studentTwoSided` inverted, by bisection on the logarithm of t. Serves
 * figures for people (`detectable`), so it stops at a relative error of 1e-6.
 */
export function studentTwoSidedQuantile(p: number, nu: number): number {
  return invertTail((t) => studentTwoSided(t, nu), p);
}

/** The f >= 0 that F exceeds with probability `p`: `fUpperTail` inverted, with the accuracy of `studentTwoSidedQuantile`. */
export function fUpperQuantile(p: number, d1: number, d2: number): number {
  return invertTail((f) => fUpperTail(f, d1, d2), p);
}

function invertTail(tail: (x: number) => number, p: number): number {
  if (p >= 1) return 0;
  let low = -20;
  let high = 60;
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (tail(Math.exp(middle)) > p) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}
