/** Two distributions of one series, the baseline's and a window's: densities of numbers as areas, shares of categories as pairs of bars. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { area, curveStepAfter } from 'd3-shape';
import type { CategoryShares, Distribution } from '../core/incident/picture.ts';
import { bottomAxis, type Frame, heading, type Look, leftAxis, legend, numberText, shareText, wholeText } from './axes.ts';
import { type ChartOptions, coordinate, element, label, pageColours, pageFontSize, picture } from './svg.ts';
import { fitted, textWidth } from './textWidth.ts';

/** What both sides are made from. */
export interface Sizes {
  readonly baseline: number;
  readonly current: number;
}

type Numeric = Extract<Distribution, { kind: 'numeric' }>;

/** `deciding`: name of the category that it is about. */
type DistributionOptions = ChartOptions & { readonly deciding?: string };

/** SVG text of both distributions. */
export function distributionChart(distribution: Distribution, sizes: Sizes, options: DistributionOptions): string {
  return distribution.kind === 'numeric' ? densities(distribution, sizes, options) : bars(distribution.rows, sizes, options);
}

interface Edge {
  readonly x: number;
  readonly baseline: number;
  readonly current: number;
}

function densities(distribution: Numeric, sizes: Sizes, options: ChartOptions): string {
  const { title, width = 460, height = 220, colours = pageColours, fontSize = pageFontSize } = options;
  const look: Look = { colours, fontSize };
  const frame: Frame = { left: fontSize * 3.8, right: width - 12, top: fontSize * 5, bottom: height - fontSize * 2.2 };
  const { from, to, axis, baseline, current, baselineMedian, currentMedian } = distribution;
  const places: [number, number] = [frame.left, frame.right];
  const x = axis === 'log' ? scaleLog([from, to], places) : scaleLinear([from, to], places);
  const size = (frame.right - frame.left) / baseline.length;
  const edges = Array.from({ length: baseline.length + 1 }, (_, index): Edge => {
    const at = (values: readonly number[]) => values[index] ?? 0;
    return { x: frame.left + index * size, baseline: at(baseline), current: at(current) };
  });
  const top = Math.max(...baseline, ...current);
  const y = scaleLinear([0, top > 0 ? top * 1.05 : 1], [frame.bottom, frame.top]);
  const shape = (side: 'baseline' | 'current') =>
    element('path', {
      d:
        area<Edge>(
          (edge) => edge.x,
          frame.bottom,
          (edge) => y(edge[side]),
        )
          .curve(curveStepAfter)
          .digits(1)(edges) ?? '',
      fill: colours[side],
      'fill-opacity': '0.28',
      stroke: colours[side],
      'stroke-width': 1.6,
    });
  const median = (value: number, side: 'baseline' | 'current') => {
    const at = Math.min(Math.max(x(value), frame.left), frame.right);
    return element('path', {
      d: `M${coordinate(at)},${coordinate(frame.top)}V${coordinate(frame.bottom)}`,
      stroke: colours[side],
      'stroke-width': 1.6,
      'stroke-dasharray': side === 'baseline' ? '2 3' : '7 3',
    });
  };
  const ticks = spread(
    x
      .ticks(Math.max(2, Math.floor((frame.right - frame.left) / (fontSize * 5.5))))
      .map((tick) => ({ at: x(tick), text: numberText(tick) })),
    fontSize,
  );
  return picture(
    { ...options, width, height },
    `${title}: distribution of the baseline (median ${numberText(baselineMedian)}) and now (median ${numberText(currentMedian)})`,
    heading({ ...frame, left: 8 }, title, look),
    legend(
      8,
      fontSize * 2.75,
      [
        { text: `baseline, ${sizeText(sizes.baseline)}`, colour: colours.baseline },
        { text: `now, ${sizeText(sizes.current)}`, colour: colours.current },
      ],
      look,
    ),
    label(`median ${numberText(baselineMedian)} → ${numberText(currentMedian)}`, { x: 8, y: fontSize * 4.1, fill: colours.muted }),
    leftAxis(
      frame,
      y.ticks(3).map((tick) => ({ at: y(tick), text: shareText(tick) })),
      look,
    ),
    shape('baseline'),
    shape('current'),
    median(baselineMedian, 'baseline'),
    median(currentMedian, 'current'),
    bottomAxis(frame, ticks, look),
  );
}

/** Without ticks whose words would run into those before them: a logarithmic axis has many. */
function spread<Tick extends { readonly at: number; readonly text: string }>(ticks: readonly Tick[], fontSize: number): readonly Tick[] {
  let end = Number.NEGATIVE_INFINITY;
  return ticks.filter(({ at, text }) => {
    const half = textWidth(text, fontSize) / 2;
    if (at - half < end + fontSize * 0.6) return false;
    end = at + half;
    return true;
  });
}

function bars(rows: readonly CategoryShares[], sizes: Sizes, options: DistributionOptions): string {
  const { title, colours = pageColours, fontSize = pageFontSize, width = 460, height = fontSize * (3.6 + rows.length * 2.6) } = options;
  const look: Look = { colours, fontSize };
  const names = rows.map(rowName);
  const widest = Math.max(...names.map((name) => textWidth(name, fontSize, true)));
  const left = 8 + Math.min(widest, width * 0.44) + 8;
  const frame: Frame = { left, right: width - fontSize * 4.4, top: fontSize * 3.6, bottom: height - 4 };
  // The rest has no bar longer than that of a category: it would leave the categories no room.
  const longest = Math.max(1e-9, ...rows.filter(({ kind }) => kind !== 'other').map((row) => Math.max(row.baseline, row.current)));
  const x = scaleLinear([0, longest], [frame.left, frame.right]).clamp(true);
  const step = Math.min((frame.bottom - frame.top) / rows.length, fontSize * 4);
  const bar = (side: 'baseline' | 'current', share: number, at: number) => {
    const isCut = share > longest;
    return (
      element('rect', {
        x: frame.left,
        y: at,
        width: Math.max(0.5, x(share) - frame.left),
        height: step * 0.4,
        fill: colours[side],
        ...(isCut ? { 'fill-opacity': '0.35' } : {}),
      }) +
      label(`${isCut ? '… ' : ''}${shareText(share)}`, {
        x: x(share) + 5,
        y: at + step * 0.2 + fontSize * 0.33,
        'font-size': Math.round(fontSize * 0.92),
        fill: colours.muted,
      })
    );
  };
  const drawn = rows.map((row, index) => {
    const at = frame.top + index * step;
    return [
      label(fitted(names[index] ?? '', left - 16, fontSize, true), {
        x: frame.left - 8,
        y: at + step * 0.42 + fontSize * 0.36,
        'text-anchor': 'end',
        fill: row.kind === 'category' ? colours.text : colours.muted,
        ...(row.kind === 'category' && row.name === options.deciding ? { 'font-weight': 'bold' } : {}),
      }),
      bar('baseline', row.baseline, at),
      bar('current', row.current, at + step * 0.42),
    ].join('');
  });
  return picture(
    { ...options, width, height },
    `${title}: shares of the categories in the baseline and now`,
    heading({ ...frame, left: 8, right: width - 8 }, title, look),
    legend(
      8,
      fontSize * 2.75,
      [
        { text: `baseline, ${sizeText(sizes.baseline)}`, colour: colours.baseline },
        { text: `now, ${sizeText(sizes.current)}`, colour: colours.current },
      ],
      look,
    ),
    ...drawn,
  );
}

function rowName({ kind, name }: CategoryShares): string {
  switch (kind) {
    case 'category':
      return name === '' ? '(empty)' : name;
    case 'new':
      return '(also new)';
    case 'other':
      return '(other)';
  }
}

function sizeText(rows: number): string {
  return `n = ${rows < 1e6 ? wholeText(rows) : `${Number((rows / 1e6).toPrecision(3))} M`}`;
}
