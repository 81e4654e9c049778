/** One quantity over time, with the band in which chance would leave it, a limit, and the moments when something was opened. */
import { scaleLinear, scaleLog, scaleUtc } from 'd3-scale';
import { area, line } from 'd3-shape';
import { bottomAxis, type Frame, heading, leftAxis, numberText } from './axes.ts';
import type { ChartOptions } from './distributionChart.ts';
import { coordinate, element, label, pageColours, picture, shortened } from './svg.ts';

interface LinePoint {
  readonly timeMs: number;
  /** Null leaves a gap: there is no answer for this moment. */
  readonly value: number | null;
  /** Lower and upper end of an interval of this moment. */
  readonly band?: readonly [low: number, high: number];
  /** Drawn as a dot of alarm. */
  readonly isAlarm?: boolean;
}

export interface Lines {
  /** Ascending by time, at least one. */
  readonly points: readonly LinePoint[];
  readonly limit?: { readonly value: number; readonly text: string };
  readonly markers?: readonly { readonly timeMs: number; readonly text: string }[];
  /** `probability`: logarithmic from 1 at the bottom to 1e-12 at the top, so that the unusual stands out. */
  readonly axis?: 'linear' | 'probability';
  /** Values of the axis as text. */
  readonly format?: (value: number) => string;
}

/** Smaller probabilities are drawn at this one. */
const smallestProbability = 1e-12;

/** SVG text of the line. */
export function lineChart(lines: Lines, options: ChartOptions): string {
  const { title, width = 720, height = 180, colours = pageColours } = options;
  const frame: Frame = { left: 58, right: width - 16, top: 26, bottom: height - 24 };
  const { points, limit, markers = [], axis = 'linear', format = axis === 'linear' ? numberText : probabilityText } = lines;
  const x = scaleUtc(extent([...points, ...markers].map(({ timeMs }) => timeMs)), [frame.left, frame.right]);
  const y = verticalScale(lines, frame);

  const path = line<LinePoint>(
    (point) => x(point.timeMs),
    (point) => y.at(point.value ?? 0),
  )
    .defined((point) => point.value !== null)
    .digits(2)([...points]);
  const band = area<LinePoint>(
    (point) => x(point.timeMs),
    (point) => y.at(point.band?.[0] ?? 0),
    (point) => y.at(point.band?.[1] ?? 0),
  )
    .defined((point) => point.band !== undefined)
    .digits(2)([...points]);

  const drawn: string[] = [
    heading(frame, shortened(title, Math.floor(width / 8)), [], colours),
    leftAxis(
      frame,
      y.ticks.map((tick) => ({ at: y.at(tick), text: format(tick) })),
      colours,
    ),
  ];
  if (band !== null) drawn.push(element('path', { d: band, fill: colours.baseline, 'fill-opacity': '0.16' }));
  if (limit !== undefined) {
    const at = y.at(limit.value);
    drawn.push(
      element('path', {
        d: `M${frame.left},${coordinate(at)}H${frame.right}`,
        stroke: colours.alarm,
        'stroke-dasharray': '5 4',
      }),
      label(limit.text, { x: frame.right, y: at - 4, 'text-anchor': 'end', 'font-size': 10, fill: colours.alarm }),
    );
  }
  if (path !== null)
    drawn.push(element('path', { d: path, fill: 'none', stroke: colours.baseline, 'stroke-width': 1.6, 'stroke-linejoin': 'round' }));
  for (const point of points) {
    if (point.isAlarm !== true || point.value === null) continue;
    drawn.push(element('circle', { cx: x(point.timeMs), cy: y.at(point.value), r: 3, fill: colours.current }));
  }
  drawn.push(
    ...markerLines(
      markers.map(({ timeMs, text }) => ({ at: x(timeMs), text })),
      frame,
      colours.alarm,
    ),
  );
  drawn.push(bottomAxis(frame, timeTicks(x, width), colours));
  return picture(width, height, `${title}: over time`, ...drawn);
}

/** Vertical lines with their words, one under the other where they would cover each other. */
function markerLines(markers: readonly { readonly at: number; readonly text: string }[], frame: Frame, colour: string): readonly string[] {
  let lastAt = Number.NEGATIVE_INFINITY;
  let depth = 0;
  return markers.map(({ at, text }) => {
    depth = at - lastAt < 70 ? depth + 1 : 0;
    lastAt = at;
    const isRight = at > (frame.left + frame.right) / 2;
    return [
      element('path', { d: `M${coordinate(at)},${frame.top}V${frame.bottom}`, stroke: colour, 'stroke-width': 1.2 }),
      label(text, {
        x: at + (isRight ? -5 : 5),
        y: frame.top + 9 + (depth % 5) * 12,
        'text-anchor': isRight ? 'end' : 'start',
        'font-size': 10,
        fill: colour,
      }),
    ].join('');
  });
}

interface Vertical {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

function verticalScale({ points, limit, axis = 'linear' }: Lines, frame: Frame): Vertical {
  if (axis === 'probability') {
    const scale = scaleLog([1, smallestProbability], [frame.bottom, frame.top]).clamp(true);
    return { at: (value) => scale(Math.max(value, smallestProbability)), ticks: [1, 1e-3, 1e-6, 1e-9, 1e-12] };
  }
  const values = points.flatMap(({ value, band = [] }) => [...(value === null ? [] : [value]), ...band]);
  const [low, high] = extent(limit === undefined ? values : [...values, limit.value]);
  const scale = scaleLinear([low, high], [frame.bottom, frame.top + 4]).nice(4);
  return { at: scale, ticks: scale.ticks(4) };
}

function timeTicks(x: ReturnType<typeof scaleUtc<number>>, width: number) {
  const wanted = Math.max(2, Math.floor(width / 110));
  return x.ticks(wanted).map((time) => {
    const text = time.toISOString();
    return { at: x(time), text: text.endsWith('T00:00:00.000Z') ? dayText(time) : text.slice(11, 16) };
  });
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayText(time: Date): string {
  return `${time.getUTCDate()} ${months[time.getUTCMonth()]}`;
}

/** Smallest and largest; never an empty range. */
function extent(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  return low === high ? [low - Math.max(1e-9, Math.abs(low) * 0.1), high + Math.max(1e-9, Math.abs(high) * 0.1)] : [low, high];
}

function probabilityText(value: number): string {
  return value === 1 ? 'p = 1' : value.toExponential(0);
}
