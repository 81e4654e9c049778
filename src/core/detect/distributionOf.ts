/** Baseline and window of one series, reduced to what a picture of both distributions needs. For people; never used to decide. */
import type { CategoryShares, Distribution } from '../incident/picture.ts';
import { RankCurve } from '../sketch/quantile.ts';
import type { CategorySummary, NumericSummary } from '../sketch/types.ts';

const binCount = 32;
/** Categories that are listed on their own. */
const listedCategories = 7;
/** Longest name of a category, in characters. */
const nameLength = 40;
/** Positive values are drawn on a logarithmic axis where the ends have more than this ratio, and half of one side is in less than this share of the axis. */
const logRatio = 200;
const crowdedShare = 0.05;

/** Bins of both sides. The outermost half per cent of either side is left out, as are values beyond. */
export function numericDistribution(baseline: NumericSummary, current: NumericSummary): Distribution {
  const before = new RankCurve(baseline);
  const now = new RankCurve(current);
  const low = Math.min(before.quantile(0.005), now.quantile(0.005));
  const high = Math.max(before.quantile(0.995), now.quantile(0.995));
  const baselineMedian = before.quantile(0.5);
  const currentMedian = now.quantile(0.5);
  const isCrowded = Math.min(baselineMedian, currentMedian) - low < crowdedShare * (high - low);
  const isLog = low > 0 && high / low > logRatio && isCrowded;
  const [from, to] = isLog ? [low, high] : widened(low, high);
  const edge = (index: number) => {
    const share = index / binCount;
    return isLog ? from * (to / from) ** share : from * (1 - share) + to * share;
  };
  const shares = (curve: RankCurve) =>
    Array.from({ length: binCount }, (_, index) => {
      const below = index === 0 && isLog ? curve.cdfBelow(edge(0)) : curve.cdf(edge(index));
      return short(Math.max(0, curve.cdf(edge(index + 1)) - below));
    });
  return {
    kind: 'numeric',
    axis: isLog ? 'log' : 'linear',
    from,
    to,
    baseline: shares(before),
    current: shares(now),
    baselineMedian: sized(baselineMedian),
    currentMedian: sized(currentMedian),
  };
}

/** A bin of air on either side, also around a constant; never past what a number can hold. */
function widened(low: number, high: number): [number, number] {
  const most = Number.MAX_VALUE;
  const margin = high > low ? Math.min(most, high / binCount - low / binCount) : Math.max(1, Math.abs(low) * 0.1);
  return [Math.max(-most, low - margin), Math.min(most, high + margin)];
}

/**
 * The categories with the largest share on either side, `deciding` among them, by falling share of the baseline. The rest is added up: what
 * the baseline does not have, where its list is whole, and all else.
 */
export function categoricalDistribution(baseline: CategorySummary, current: CategorySummary, deciding: string | null): Distribution {
  const shares = new Map<string, { baseline: number; current: number }>();
  const add = (summary: CategorySummary, side: 'baseline' | 'current') => {
    for (const { value, count } of summary.entries) {
      const row = shares.get(value) ?? { baseline: 0, current: 0 };
      row[side] = summary.count === 0 ? 0 : count / summary.count;
      shares.set(value, row);
    }
  };
  add(baseline, 'baseline');
  add(current, 'current');
  const byName = (left: string, right: string) => (left < right ? -1 : 1);
  const byWeight = [...shares].sort(
    ([leftName, left], [rightName, right]) =>
      Number(rightName === deciding) - Number(leftName === deciding) ||
      Math.max(right.baseline, right.current) - Math.max(left.baseline, left.current) ||
      byName(leftName, rightName),
  );
  const kept = byWeight
    .slice(0, listedCategories)
    .sort(
      ([leftName, left], [rightName, right]) =>
        right.baseline - left.baseline || right.current - left.current || byName(leftName, rightName),
    );
  const unseen = baseline.truncated
    ? 0
    : byWeight.slice(listedCategories).reduce((sum, [, row]) => sum + (row.baseline === 0 ? row.current : 0), 0);
  const left = (side: 'baseline' | 'current') => Math.max(0, 1 - kept.reduce((sum, [, row]) => sum + row[side], 0));
  const rows: CategoryShares[] = kept.map(([name, row]) => ({
    kind: 'category',
    name: cut(name),
    baseline: short(row.baseline),
    current: short(row.current),
  }));
  if (unseen > 0) rows.push({ kind: 'new', name: '', baseline: 0, current: short(unseen) });
  const other = { baseline: short(left('baseline')), current: short(Math.max(0, left('current') - unseen)) };
  if (other.baseline > 1e-6 || other.current > 1e-6) rows.push({ kind: 'other', name: '', ...other });
  return { kind: 'categorical', rows };
}

function cut(name: string): string {
  const characters = [...name];
  return characters.length <= nameLength ? name : `${characters.slice(0, nameLength - 1).join('')}…`;
}

/** A share, effect or rate as a picture can show it: three significant digits, and none of what is nothing. */
export function short(value: number): number {
  return Number.isFinite(value) && Math.abs(value) >= 1e-9 ? Number(value.toPrecision(3)) : 0;
}

/** A place on an axis. */
function sized(value: number): number {
  return Number(value.toPrecision(6));
}
