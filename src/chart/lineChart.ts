/**
 * One quantity over time: with the band in which chance would leave it, what was expected, a limit, the moments when something was opened, and
 * under it how many rows, and which share of them all, each point is made from.
 */
import { scaleLinear, scaleLog, scaleUtc } from 'd3-scale';
import { area, line } from 'd3-shape';
import { bottomAxis, type Frame, heading, type Look, leftAxis, numberText, shareText, wholeText } from './axes.ts';
import { type ChartOptions, coordinate, element, label, pageColours, pageFontSize, picture } from './svg.ts';
import { textWidth } from './textWidth.ts';

export interface LinePoint {
  readonly timeMs: number;
  /** Null leaves a gap: there is no answer for this moment. */
  readonly value: number | null;
  /** Lower and upper end of an interval of this moment. */
  readonly band?: readonly [low: number, high: number];
  /** What the baseline leads one to expect of this moment. */
  readonly expected?: number;
  /** How many rows it is made from: drawn as bars under the line. */
  readonly rows?: number;
  /** Share of something that those are, in 0..1: as bars too. */
  readonly coverage?: number;
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
  /** A line under the title: what a point is. Markers then have their words above the frame, and every point a dot. */
  readonly caption?: string;
  /** Words for the bars. */
  readonly barTitles?: { readonly rows: string; readonly coverage: string };
}

/** Smaller probabilities are drawn at this one. */
const smallestProbability = 1e-12;

/** SVG text of the line. */
export function lineChart(lines: Lines, options: ChartOptions): string {
  const { title, width = 720, height = 180, colours = pageColours, fontSize = pageFontSize } = options;
  const look: Look = { colours, fontSize };
  const { points, limit, caption, markers = [], axis = 'linear', format = axis === 'linear' ? numberText : probabilityText } = lines;
  const strips = stripsOf(lines);
  const stripHeight = fontSize * 3.2;
  const axisY = height - fontSize * 2.2;
  const frame: Frame = {
    left: fontSize * 5.3,
    right: width - 16,
    top: fontSize * (caption === undefined ? 2.4 : 4.8),
    bottom: axisY - strips.length * stripHeight,
  };
  const times = [...points, ...markers].map(({ timeMs }) => timeMs);
  const padding = strips.length > 0 ? (frame.right - frame.left) / (2 * points.length + 2) : 0;
  const x = scaleUtc(extent(times), [frame.left + padding, frame.right - padding]);
  const y = verticalScale(lines, frame);

  const line = lineOf((point) => x(point.timeMs), y.at);
  const path = line((point) => point.value)([...points]);
  const expected = line((point) => point.expected ?? null)([...points]);
  const band = area<LinePoint>(
    (point) => x(point.timeMs),
    (point) => y.at(point.band?.[0] ?? 0),
    (point) => y.at(point.band?.[1] ?? 0),
  )
    .defined((point) => point.band !== undefined && point.value !== null)
    .digits(2)([...points]);

  const drawn: string[] = [
    heading({ ...frame, left: caption === undefined ? frame.left : 8 }, title, look),
    caption === undefined ? '' : label(caption, { x: 8, y: fontSize * 2.6, fill: colours.muted }),
    leftAxis(
      frame,
      y.ticks.map((tick) => ({ at: y.at(tick), text: format(tick) })),
      look,
    ),
  ];
  if (band !== null) drawn.push(element('path', { d: band, fill: colours.baseline, 'fill-opacity': '0.16' }));
  if (expected !== null)
    drawn.push(element('path', { d: expected, fill: 'none', stroke: colours.muted, 'stroke-width': 1.6, 'stroke-dasharray': '2 3' }));
  if (limit !== undefined) {
    const at = y.at(limit.value);
    drawn.push(
      element('path', {
        d: `M${coordinate(frame.left)},${coordinate(at)}H${coordinate(frame.right)}`,
        stroke: colours.alarm,
        'stroke-width': fontSize / 9,
        'stroke-dasharray': '7 4',
      }),
    );
  }
  if (path !== null)
    drawn.push(
      element('path', { d: path, fill: 'none', stroke: colours.baseline, 'stroke-width': fontSize / 7, 'stroke-linejoin': 'round' }),
    );
  for (const { timeMs, value, isAlarm } of points) {
    if (value === null || (isAlarm !== true && caption === undefined)) continue;
    const shape = { cx: x(timeMs), cy: y.at(value), r: fontSize / 3.2 };
    drawn.push(
      isAlarm === true
        ? element('circle', { ...shape, fill: colours.current })
        : element('circle', { ...shape, r: fontSize / 4.5, fill: colours.baseline }),
    );
  }
  if (limit !== undefined)
    drawn.push(limitText(limit, points.findLast(({ expected: usual }) => usual !== undefined)?.expected, y.at, frame, look));
  drawn.push(
    ...markerLines(
      markers.map(({ timeMs, text }) => ({ at: x(timeMs), text })),
      frame,
      { bottom: axisY, isAbove: caption !== undefined },
      look,
    ),
  );
  for (const [index, strip] of strips.entries()) {
    const bottom = frame.bottom + (index + 1) * stripHeight;
    drawn.push(barsOf(strip, points, x, { ...frame, top: bottom - stripHeight + fontSize * 1.5, bottom }, look));
  }
  drawn.push(
    bottomAxis({ ...frame, bottom: axisY }, timeTicks(x, Math.max(2, Math.floor((frame.right - frame.left) / (fontSize * 5)))), look),
  );
  return picture({ ...options, width, height }, `${title}: over time`, ...drawn);
}

function lineOf(x: (point: LinePoint) => number, y: (value: number) => number) {
  return (value: (point: LinePoint) => number | null) =>
    line<LinePoint>(x, (point) => y(value(point) ?? 0))
      .defined((point) => value(point) !== null)
      .digits(2);
}

/** The words of the limit, on the side of it that is away from what is expected, where there is room. */
function limitText(
  { value, text }: NonNullable<Lines['limit']>,
  expected: number | undefined,
  y: (value: number) => number,
  frame: Frame,
  { colours, fontSize }: Look,
): string {
  const at = y(value);
  const isLower = expected !== undefined && value < expected;
  const under = at + fontSize * 1.1;
  const over = at - fontSize * 0.4;
  return label(text, {
    x: frame.left + 6,
    y: isLower ? (under < frame.bottom ? under : over) : over > frame.top + fontSize * 0.8 ? over : under,
    'font-size': Math.round(fontSize * 0.92),
    ...readable(colours),
  });
}

/** Words that may lie on lines. */
function readable({ alarm, surface }: Look['colours']) {
  return { fill: alarm, stroke: surface, 'stroke-width': 3, 'stroke-linejoin': 'round', 'paint-order': 'stroke' };
}

/** Bars under the line: one quantity of all points. */
interface Strip {
  readonly title: string;
  readonly value: (point: LinePoint) => number | null;
  /** What the highest bar stands for. */
  readonly most: number;
  readonly format: (value: number) => string;
}

function stripsOf({ points, barTitles = { rows: 'n', coverage: 'share' } }: Lines): Strip[] {
  const strips: Strip[] = [];
  if (points.some(({ rows }) => rows !== undefined)) {
    const most = Math.max(1, ...points.map(({ rows = 0 }) => rows));
    strips.push({ title: barTitles.rows, value: ({ rows = null }) => rows, most, format: wholeText });
  }
  if (points.some(({ coverage }) => coverage !== undefined))
    strips.push({ title: barTitles.coverage, value: ({ coverage = null }) => coverage, most: 1, format: shareText });
  return strips;
}

function barsOf(strip: Strip, points: readonly LinePoint[], x: (timeMs: number) => number, frame: Frame, look: Look): string {
  const { colours, fontSize } = look;
  const places = points.map(({ timeMs }) => x(timeMs));
  const gaps = places.slice(1).map((place, index) => place - places[index]!);
  const usual = gaps.sort((left, right) => left - right)[gaps.length >> 1] ?? Number.POSITIVE_INFINITY;
  const barWidth = Math.max(1, Math.min(usual, (frame.right - frame.left) / 8) * 0.45);
  const newest = points.findLast((point) => strip.value(point) !== null);
  const words = newest === undefined ? strip.title : `${strip.title}: newest ${strip.format(strip.value(newest) ?? 0)}`;
  return [
    label(words, { x: frame.left, y: frame.top - fontSize * 0.35, 'font-size': Math.round(fontSize * 0.92), fill: colours.muted }),
    element('path', { d: `M${coordinate(frame.left)},${coordinate(frame.bottom)}H${coordinate(frame.right)}`, stroke: colours.grid }),
    ...points.map((point, index) => {
      const height = ((strip.value(point) ?? 0) / strip.most) * (frame.bottom - frame.top);
      return element('rect', {
        x: (places[index] ?? 0) - barWidth / 2,
        y: frame.bottom - height,
        width: barWidth,
        height,
        fill: colours.muted,
        'fill-opacity': '0.55',
      });
    }),
  ].join('');
}

/** Vertical lines with their words, one under the other where they would cover each other. */
function markerLines(
  markers: readonly { readonly at: number; readonly text: string }[],
  frame: Frame,
  { bottom, isAbove }: { readonly bottom: number; readonly isAbove: boolean },
  { colours, fontSize }: Look,
): readonly string[] {
  let lastAt = Number.NEGATIVE_INFINITY;
  let depth = 0;
  return markers.map(({ at, text }) => {
    const size = Math.round(fontSize * 0.92);
    depth = at - lastAt < textWidth(text, size) + 10 ? depth + 1 : 0;
    lastAt = at;
    const isRight = at > (frame.left + frame.right) / 2;
    return [
      element('path', {
        d: `M${coordinate(at)},${coordinate(isAbove ? frame.top - fontSize * 1.4 : frame.top)}V${coordinate(bottom)}`,
        stroke: colours.alarm,
        'stroke-width': fontSize / 9,
      }),
      label(text, {
        x: at + (isRight ? -5 : 5),
        y: isAbove ? frame.top - fontSize * 0.4 : frame.top + fontSize * 0.82 + (depth % 5) * fontSize * 1.1,
        'text-anchor': isRight ? 'end' : 'start',
        'font-size': size,
        ...readable(colours),
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
  const values = points.flatMap(({ value, band = [], expected }) => [
    ...(value === null ? [] : [value, ...band]),
    ...(expected === undefined ? [] : [expected]),
  ]);
  const [low, high] = extent(limit === undefined ? values : [...values, limit.value]);
  const scale = scaleLinear([low, high], [frame.bottom, frame.top + 4]).nice(4);
  return { at: scale, ticks: scale.ticks(4) };
}

function timeTicks(x: ReturnType<typeof scaleUtc<number>>, wanted: number) {
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
