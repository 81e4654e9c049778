/** Two distributions of one series, the baseline's and a window's: densities of numbers as areas, shares of categories as pairs of bars. */
import { scaleLinear } from 'd3-scale';
import { area, curveStepAfter } from 'd3-shape';
import { cdf, quantile } from '../core/sketch/quantile.ts';
import type { CategorySummary, NumericSummary } from '../core/sketch/types.ts';
import { bottomAxis, type Frame, heading, leftAxis, numberText, shareText } from './axes.ts';
import { type Colours, element, label, pageColours, picture, shortened } from './svg.ts';

/** What is compared. Both sides must be of the same kind, with at least one value. */
export type Distributions =
  | { readonly kind: 'numeric'; readonly baseline: NumericSummary; readonly current: NumericSummary }
  | { readonly kind: 'categorical'; readonly baseline: CategorySummary; readonly current: CategorySummary };

export interface ChartOptions {
  readonly title: string;
  readonly width?: number;
  readonly height?: number;
  readonly colours?: Colours;
}

const binCount = 40;
/** Categories that are drawn on their own; the rest is `(other)`. */
const shownCategories = 7;

/** SVG text of both distributions. */
export function distributionChart(distributions: Distributions, options: ChartOptions): string {
  return distributions.kind === 'numeric'
    ? densities(distributions.baseline, distributions.current, options)
    : bars(distributions.baseline, distributions.current, options);
}

interface Bin {
  readonly from: number;
  readonly baseline: number;
  readonly current: number;
}

/** Share of the values per bin. The bins cover all but the outermost half per cent of either side. */
function densities(baseline: NumericSummary, current: NumericSummary, options: ChartOptions): string {
  const { title, width = 460, height = 200, colours = pageColours } = options;
  const frame: Frame = { left: 44, right: width - 12, top: 26, bottom: height - 24 };
  const low = Math.min(quantile(baseline, 0.005), quantile(current, 0.005));
  const high = Math.max(quantile(baseline, 0.995), quantile(current, 0.995));
  const margin = high > low ? (high - low) / binCount : Math.max(1, Math.abs(low) * 0.1);
  const first = low - margin;
  const size = (high + margin - first) / binCount;
  const bins: Bin[] = [];
  for (let index = 0; index <= binCount; index += 1) {
    const from = first + index * size;
    const isEnd = index === binCount;
    bins.push({
      from,
      baseline: isEnd ? 0 : shareIn(baseline, from, from + size),
      current: isEnd ? 0 : shareIn(current, from, from + size),
    });
  }
  const x = scaleLinear([first, first + binCount * size], [frame.left, frame.right]);
  const top = Math.max(...bins.map((bin) => Math.max(bin.baseline, bin.current)));
  const y = scaleLinear([0, top > 0 ? top * 1.05 : 1], [frame.bottom, frame.top]);
  const shape = (side: 'baseline' | 'current') =>
    element('path', {
      d:
        area<Bin>(
          (bin) => x(bin.from),
          frame.bottom,
          (bin) => y(bin[side]),
        )
          .curve(curveStepAfter)
          .digits(2)(bins) ?? '',
      fill: colours[side],
      'fill-opacity': '0.28',
      stroke: colours[side],
      'stroke-width': 1.5,
    });
  return picture(
    width,
    height,
    `${title}: distribution of the baseline (median ${numberText(quantile(baseline, 0.5))}) and now (median ${numberText(quantile(current, 0.5))})`,
    heading(frame, shortened(title, Math.floor(width / 14)), legend(colours), colours),
    leftAxis(
      frame,
      y.ticks(3).map((tick) => ({ at: y(tick), text: shareText(tick) })),
      colours,
    ),
    shape('baseline'),
    shape('current'),
    bottomAxis(
      frame,
      x.ticks(6).map((tick) => ({ at: x(tick), text: numberText(tick) })),
      colours,
    ),
  );
}

function shareIn(summary: NumericSummary, from: number, to: number): number {
  return Math.max(0, cdf(summary, to) - cdf(summary, from));
}

function bars(baseline: CategorySummary, current: CategorySummary, options: ChartOptions): string {
  const rows = categoryRows(baseline, current);
  const { title, width = 460, height = 30 + rows.length * 30, colours = pageColours } = options;
  const frame: Frame = { left: 120, right: width - 52, top: 28, bottom: height - 4 };
  const x = scaleLinear([0, Math.max(...rows.map((row) => Math.max(row.baseline, row.current)), 1e-9)], [frame.left, frame.right]);
  const step = (frame.bottom - frame.top) / rows.length;
  const bar = (side: 'baseline' | 'current', share: number, at: number) =>
    element('rect', { x: frame.left, y: at, width: Math.max(0.5, x(share) - frame.left), height: step * 0.36, fill: colours[side] }) +
    label(shareText(share), { x: x(share) + 4, y: at + step * 0.18 + 3.5, 'font-size': 10, fill: colours.muted });
  const drawn = rows.map((row, index) => {
    const at = frame.top + index * step;
    return [
      label(shortened(row.name, 16), { x: frame.left - 8, y: at + step * 0.36 + 4, 'text-anchor': 'end', fill: colours.text }),
      bar('baseline', row.baseline, at),
      bar('current', row.current, at + step * 0.4),
    ].join('');
  });
  return picture(
    width,
    height,
    `${title}: shares of the categories in the baseline and now`,
    heading({ ...frame, left: 12, right: width - 12 }, shortened(title, Math.floor(width / 14)), legend(colours), colours),
    ...drawn,
  );
}

/** The categories with the largest share on either side, by falling share of the baseline; the rest is added up. */
function categoryRows(baseline: CategorySummary, current: CategorySummary): { name: string; baseline: number; current: number }[] {
  const shares = new Map<string, { name: string; baseline: number; current: number }>();
  const add = (summary: CategorySummary, side: 'baseline' | 'current') => {
    for (const { value, count } of summary.entries) {
      const row = shares.get(value) ?? { name: value, baseline: 0, current: 0 };
      row[side] = summary.count === 0 ? 0 : count / summary.count;
      shares.set(value, row);
    }
  };
  add(baseline, 'baseline');
  add(current, 'current');
  const byName = (left: string, right: string) => (left < right ? -1 : 1);
  const kept = [...shares.values()]
    .sort((left, right) => Math.max(right.baseline, right.current) - Math.max(left.baseline, left.current) || byName(left.name, right.name))
    .slice(0, shownCategories)
    .sort((left, right) => right.baseline - left.baseline || right.current - left.current || byName(left.name, right.name));
  const rest = (side: 'baseline' | 'current') => Math.max(0, 1 - kept.reduce((sum, row) => sum + row[side], 0));
  const other = { name: '(other)', baseline: rest('baseline'), current: rest('current') };
  return other.baseline > 1e-9 || other.current > 1e-9 ? [...kept, other] : kept;
}

function legend(colours: Colours) {
  return [
    { text: 'baseline', colour: colours.baseline },
    { text: 'now', colour: colours.current },
  ];
}
