/**
 * How much more a sum varies from block to block than independent rows would (recipe, section 4): the dispersion phi of every block
 * length, from the baseline alone, with the degrees of freedom nu that say how well it is known.
 */
import { dayMs, hourMs } from '../../duration.ts';
import { fUpperTail } from './distributions.ts';

/** Block lengths after the first, one unit. */
const blockLengthsMs = [3, 6, 12, 24, 48].map((hours) => hours * hourMs);
/** A block length needs this many blocks in the baseline. */
const minimumBlocks = 4.5;
/** At most this many degrees of freedom of the shorter blocks count as the prior of the next. */
const kappa = 20;
/** The tail weight of windows of at least this length is measured on blocks of at least this length. */
const longTailMs = 3 * hourMs;
/** The baseline's own mean wanders like windows of at least this length. */
const ownMeanMs = 3 * dayMs;

/** One block length of the chain. */
export interface DispersionLink {
  readonly units: number;
  /** What these blocks alone say. */
  readonly estimate: number;
  /** With the shorter blocks as its prior; not yet "at least 1". */
  readonly phi: number;
  /** Degrees of freedom of `phi`, without the tail weight. */
  readonly nu: number;
}

/** Excess kurtosis of block sums over what the statistic has by nature and by chance; at least 0. */
export interface TailWeight {
  readonly units: number;
  readonly excess: number;
}

export interface Dispersion {
  readonly unitMs: number;
  /** Links by rising block length; at least one. */
  readonly links: readonly DispersionLink[];
  /** For windows under 3 h. */
  readonly shortTail: TailWeight;
  /** For windows of 3 h and more. */
  readonly longTail: TailWeight;
}

/** Sums of the baseline's units less what was expected of them. All arrays have one entry a unit. */
export interface UnitResiduals {
  readonly rows: Float64Array;
  readonly residuals: Float64Array;
  /** Only for `spread`: the location that its sums are cleared of. `expected` is the expected sum of the unit. */
  readonly location?: { readonly expected: Float64Array; readonly residuals: Float64Array };
}

export interface DispersionOptions {
  readonly unitMs: number;
  /** Number of slots of the expected values: with one, the own mean takes degrees of freedom by block length, else by days. */
  readonly slots: number;
  /** Variance of one row's score. */
  readonly s2: number;
  /** Excess kurtosis by nature of a sum of that many independent rows. */
  readonly naturalExcess: (rows: number) => number;
}

/**
 * Fits the chain and the tail weights.
 *
 * @returns null where the baseline has fewer than 4.5 units: no variation can be read from it.
 */
export function fitDispersion(units: UnitResiduals, options: DispersionOptions): Dispersion | null {
  const { unitMs, slots, s2 } = options;
  const baselineUnits = units.rows.length;
  const unitsPerDay = dayMs / unitMs;
  const days = baselineUnits / unitsPerDay;
  const prefix = prefixSums(units);
  const links: DispersionLink[] = [];
  let shortTail: TailWeight = { units: 1, excess: 0 };
  let longTail: TailWeight | null = null;

  for (const length of [1, ...blockLengthsMs.map((lengthMs) => lengthMs / unitMs)]) {
    const isRepeat = length <= (links.at(-1)?.units ?? 0);
    if (isRepeat || !Number.isInteger(length) || baselineUnits / length < minimumBlocks) continue;
    const blocks = blockMoments(prefix, length);
    const lost = slots === 1 ? length / baselineUnits : Math.max(length, unitsPerDay) / baselineUnits;
    const estimate = s2 > 0 && blocks.rows > 0 ? blocks.second / (s2 * blocks.rows * (1 - lost)) : 1;
    const free = (baselineUnits / length) * (1 - (slots === 1 ? length / baselineUnits : 1 / days)) * (length > 1 ? 1.4 : 1);
    links.push(nextLink(links, length, estimate, free));

    const tail: TailWeight = { units: length, excess: s2 > 0 ? excessOf(blocks, length, baselineUnits, options.naturalExcess) : 0 };
    if (length === 1) shortTail = tail;
    if (longTail === null && length * unitMs >= longTailMs) longTail = tail;
  }
  if (links.length === 0) return null;
  return { unitMs, links, shortTail, longTail: longTail ?? shortTail };
}

/** A later, longer link: what its blocks say, weighed against the links before it carried on at the rate at which they grew. */
function nextLink(links: readonly DispersionLink[], units: number, estimate: number, free: number): DispersionLink {
  const last = links.at(-1);
  if (last === undefined) return { units, estimate, phi: estimate, nu: free };
  const prior = last.phi * growth(links, units);
  const surprise = prior > 0 ? fUpperTail(estimate / prior, free, last.nu) : 0;
  const weight = Math.min(kappa, last.nu) * Math.min(1, surprise / 0.25);
  return { units, estimate, phi: (weight * prior + free * estimate) / (weight + free), nu: weight + free };
}

/** How much phi grows from the last link to a longer block, if it goes on as between the last two; 1 while there are fewer. */
function growth(links: readonly { readonly units: number; readonly phi: number }[], units: number): number {
  const last = links.at(-1);
  const before = links.at(-2);
  if (last === undefined || before === undefined) return 1;
  const slope = Math.log(Math.max(1, last.phi) / Math.max(1, before.phi)) / Math.log(last.units / before.units);
  return (units / last.units) ** Math.min(1, Math.max(0, slope));
}

/** phi of blocks as long as the window: the longest link that fits in, carried on beyond the last one; at least 1. */
function phiAt(dispersion: Dispersion, lengthMs: number): number {
  const units = lengthMs / dispersion.unitMs;
  const link = linkAt(dispersion, units);
  const isLast = link === dispersion.links.at(-1);
  return Math.max(1, isLast && units > link.units ? link.phi * growth(dispersion.links, units) : link.phi);
}

function linkAt(dispersion: Dispersion, units: number): DispersionLink {
  let found = dispersion.links[0]!;
  for (const link of dispersion.links) if (link.units <= units) found = link;
  return found;
}

/**
 * phi of the difference between a window and the baseline. `rowVariance` is the window's share of the variance (1/n), `ownVariance`
 * the baseline's (A): the baseline's own mean wanders like long blocks.
 */
export function phiOfWindow(dispersion: Dispersion, windowMs: number, rowVariance: number, ownVariance: number): number {
  const phi = phiAt(dispersion, windowMs);
  const ownPhi = Math.max(phi, phiAt(dispersion, Math.max(windowMs, ownMeanMs)));
  return (phi * rowVariance + ownPhi * ownVariance) / (rowVariance + ownVariance);
}

/** Degrees of freedom for a window, tail weight included: bursts give the t their excess kurtosis. */
export function nuOfWindow(dispersion: Dispersion, windowMs: number): number {
  const units = windowMs / dispersion.unitMs;
  const { nu } = linkAt(dispersion, units);
  const tail = windowMs >= longTailMs ? dispersion.longTail : dispersion.shortTail;
  if (tail.excess <= 0) return nu;
  return 1 / (1 / nu + 1 / (4 + (6 * units) / (tail.excess * tail.units)));
}

/**
 * What a statistic that hardly occurs in the baseline takes over: at every block length the larger of its own phi and the mean phi
 * of the lenders. Without lenders phi is 1. (nu is limited by the caller: it depends on the window.)
 */
export function borrow(own: Dispersion, lenders: readonly Dispersion[]): Dispersion {
  const links = own.links.map((link, index) => {
    if (lenders.length === 0) return { ...link, phi: 1 };
    let sum = 0;
    for (const lender of lenders) sum += lender.links[index]!.phi;
    return { ...link, phi: Math.max(link.phi, sum / lenders.length) };
  });
  return { ...own, links };
}

interface Prefix {
  readonly rows: Float64Array;
  readonly residuals: Float64Array;
  readonly expected: Float64Array | null;
  readonly locationResiduals: Float64Array | null;
}

function prefixSums(units: UnitResiduals): Prefix {
  return {
    rows: cumulate(units.rows),
    residuals: cumulate(units.residuals),
    expected: units.location === undefined ? null : cumulate(units.location.expected),
    locationResiduals: units.location === undefined ? null : cumulate(units.location.residuals),
  };
}

function cumulate(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let index = 0; index < values.length; index += 1) sums[index + 1] = sums[index]! + values[index]!;
  return sums;
}

/** Sum of squares, of fourth powers and of rows over all overlapping blocks of one length. */
interface BlockMoments {
  readonly blocks: number;
  readonly second: number;
  readonly fourth: number;
  readonly rows: number;
}

/** One pass over the B - L + 1 blocks; a few additions each, so that 15 statistics x 6 lengths x 168 units take well under 1 ms. */
function blockMoments(prefix: Prefix, length: number): BlockMoments {
  const blocks = prefix.rows.length - length;
  let second = 0;
  let fourth = 0;
  let totalRows = 0;
  for (let from = 0; from < blocks; from += 1) {
    const rows = prefix.rows[from + length]! - prefix.rows[from]!;
    let residual = prefix.residuals[from + length]! - prefix.residuals[from]!;
    if (prefix.expected !== null && prefix.locationResiduals !== null && rows > 0) {
      const expected = prefix.expected[from + length]! - prefix.expected[from]!;
      const shift = prefix.locationResiduals[from + length]! - prefix.locationResiduals[from]!;
      residual -= spreadOfShift(rows, expected, shift);
    }
    const square = residual * residual;
    second += square;
    fourth += square * square;
    totalRows += rows;
  }
  return { blocks, second, fourth, rows: totalRows };
}

/**
 * What a shift of the location alone adds to a sum of squared scores: n (2 m t + t^2), with m = expected / n and t = shift / n.
 * `spread` is cleared of it, else a wandering mean would give it chi-square tails.
 */
export function spreadOfShift(rows: number, expected: number, shift: number): number {
  return ((2 * expected + shift) * shift) / rows;
}

function excessOf(blocks: BlockMoments, length: number, baselineUnits: number, naturalExcess: (rows: number) => number): number {
  if (blocks.second <= 0) return 0;
  const kurtosis = (blocks.fourth * blocks.blocks) / (blocks.second * blocks.second);
  const chance = Math.sqrt((24 * length) / baselineUnits);
  return Math.max(0, kurtosis - 3 - naturalExcess(blocks.rows / blocks.blocks) - chance);
}
