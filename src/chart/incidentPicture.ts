/**
 * The picture of an incident: what happened in words, both distributions, and how far it has moved over time. One SVG of fixed size, on white, that stays readable at the
 * two thirds of it that an issue page has room for.
 */
import type { Picture, PicturePoint } from '../core/incident/picture.ts';
import { invalidSeries, lateSeries } from '../core/summarize/seriesNames.ts';
import { numberText, shareText } from './axes.ts';
import { distributionChart } from './distributionChart.ts';
import { type LinePoint, type Lines, lineChart } from './lineChart.ts';
import { element, label, picture, pictureColours } from './svg.ts';
import { fitted, textWidth, wrapped } from './textWidth.ts';

const rateTitles: ReadonlyMap<string, string> = new Map([
  [invalidSeries, 'Bad records, of all records'],
  [lateSeries, 'Late records, of all records'],
]);

/** Words of the picture, and what may be shown. */
export interface PictureWords {
  /** `Data drift: fraud / amount`. */
  readonly title: string;
  /** The one line that a person can act on; two lines of it are shown. */
  readonly line: string;
  /** `opened`, `escalated`. */
  readonly step: string;
  readonly severity: 'info' | 'warning' | 'error';
  /** When the incident opened, ISO time. */
  readonly start: string;
  /** Whether the values of the series must not be seen: how far it moved may. */
  readonly isWithheld: boolean;
}

const width = 900;
const height = 480;
const margin = 20;
/** At two thirds of its size 16 pixels are still 11. */
const fontSize = 16;
/** The largest at which the title fits; the smallest cuts it. */
const titleSizes = [24, 21, 18];
const lineHeight = 22;

const categoryPrefix = 'category:';

/** A colour and, for those who do not see it, a word each. Okabe and Ito's blue, orange and vermilion; the text on them has a contrast of 4.5 and more. */
const severityColours = {
  info: { fill: '#0072b2', text: '#ffffff' },
  warning: { fill: '#e69f00', text: '#1f2933' },
  error: { fill: '#b84f00', text: '#ffffff' },
} as const;

/** SVG text of the picture. */
export function incidentPicture(shown: Picture, words: PictureWords): string {
  const distribution = words.isWithheld ? null : shown.distribution;
  const wide = width - 2 * margin;
  const left = distribution === null ? 0 : Math.round(wide * 0.47);
  const lines = wrapped(words.line, wide, fontSize, 2);
  const panelsTop = 82 + lines.length * lineHeight;
  const panel = { height: height - panelsTop - 8, colours: pictureColours, fontSize };
  return picture(
    { title: words.title, width, height, fontSize },
    `${words.title}. ${words.line}`,
    element('rect', { width, height, fill: '#ffffff' }),
    header(words, lines),
    distribution === null
      ? ''
      : distributionChart(
          distribution,
          { baseline: shown.baselineN, current: shown.n },
          {
            ...panel,
            title: shown.version === null || shown.version === '' ? shown.series : `${shown.series}, version ${shown.version}`,
            width: left,
            at: { x: margin, y: panelsTop },
            ...(shown.statistic.startsWith(categoryPrefix) ? { deciding: shown.statistic.slice(categoryPrefix.length) } : {}),
          },
        ),
    lineChart(linesOf(shown, words), {
      ...panel,
      title: trailTitle(shown, words),
      width: wide - left - (left === 0 ? 0 : 12),
      at: { x: margin + left + (left === 0 ? 0 : 12), y: panelsTop },
    }),
  );
}

function header({ title, step, severity, isWithheld }: PictureWords, lines: readonly string[]): string {
  const badge = `${severity} · ${step}${isWithheld ? ' · values withheld' : ''}`;
  const badgeWidth = textWidth(badge, fontSize, true) + 20;
  const { fill, text } = severityColours[severity];
  const room = width - badgeWidth - 3 * margin;
  const titleSize = titleSizes.find((size) => textWidth(title, size, true) <= room) ?? Math.min(...titleSizes);
  return [
    element('rect', { width: 8, height, fill }),
    label(fitted(title, room, titleSize, true), {
      x: margin,
      y: 40,
      'font-size': titleSize,
      'font-weight': 'bold',
      fill: pictureColours.text,
    }),
    element('rect', { x: width - margin - badgeWidth, y: 17, width: badgeWidth, height: 30, rx: 6, fill }),
    label(badge, { x: width - margin - badgeWidth / 2, y: 37.5, 'text-anchor': 'middle', 'font-weight': 'bold', fill: text }),
    ...lines.map((part, index) => label(part, { x: margin, y: 72 + index * lineHeight, fill: pictureColours.text })),
  ].join('');
}

function trailTitle({ measure, series, statistic }: Picture, { isWithheld }: PictureWords): string {
  switch (measure) {
    case 'effect':
      return effectName(isWithheld ? withoutValue(statistic) : statistic);
    case 'rate':
      return rateTitles.get(series) ?? `${series}: rows without a value`;
    case 'performance':
      return series === 'mae' ? 'Mean absolute error' : 'Accuracy';
  }
}

/** What a point is, and what is drawn beside it. */
function trailCaption({ measure, span, version }: Picture): string {
  const ofVersion = version === null || version === '' || measure !== 'performance' ? '' : `, version ${version}`;
  const parts = {
    effect: `windows of ${span}, UTC`,
    rate: `windows of ${span}, UTC; dotted: expected`,
    performance: `predictions of ${span}${ofVersion}, UTC; shaded: 95 % interval; dotted: expected`,
  };
  return parts[measure];
}

function withoutValue(statistic: string): string {
  return statistic.split(':', 1)[0] ?? '';
}

/** What moved, for people. */
function effectName(statistic: string): string {
  if (statistic === 'loc') return 'Shift of the mean (sigma)';
  if (statistic === 'spread') return 'Change of spread (sigma)';
  if (statistic === 'chi2') return 'Total variation';
  const [kind = '', ...value] = statistic.split(':');
  const name = value.join(':');
  switch (kind) {
    case 'category':
      return name === '' ? 'Change of the share of a category' : `Change of the share of ${name}`;
    case 'cut':
      return name === '' ? 'Change of a share' : `Change of the share ≤ ${numberText(Number(name))}`;
    case '(new)':
      return 'Change of the share of new categories';
    case '(other)':
      return 'Change of the share of rare categories';
    case 'zero':
      return 'Change of the share of zeros';
    case 'above':
      return 'Share above the baseline’s maximum';
    case 'below':
      return 'Share below the baseline’s minimum';
    default:
      return `Change of ${kind}`;
  }
}

/** Location and spread are told in standard deviations, all else in shares of the rows. */
function isInSigma({ measure, statistic, series }: Picture): boolean {
  return (measure === 'effect' && (statistic === 'loc' || statistic === 'spread')) || (measure === 'performance' && series === 'mae');
}

function linesOf(shown: Picture, { start }: PictureWords): Lines {
  const { points, limit, measure } = shown;
  const size = isInSigma(shown) ? numberText : measure === 'performance' ? exactShare : shareText;
  const format = (value: number) => `${value < 0 ? '−' : ''}${size(Math.abs(value))}`;
  const isAlarm = alarmsOf(shown);
  return {
    points: points.map((point): LinePoint => {
      const { end, value, n, expected, low, high, coverage } = point;
      return {
        timeMs: Date.parse(end),
        value,
        rows: n,
        isAlarm: isAlarm(point),
        ...(measure === 'effect' ? { expected: 0 } : expected === undefined ? {} : { expected }),
        ...(low === undefined || high === undefined ? {} : { band: [low, high] as const }),
        ...(coverage === undefined ? {} : { coverage }),
      };
    }),
    ...(limit === null ? {} : { limit: { value: limit, text: `opens at ${format(limit)}` } }),
    markers: [{ timeMs: Date.parse(start), text: `opened ${clock(start)}` }],
    format,
    caption: trailCaption(shown),
    barTitles: { rows: measure === 'performance' ? 'labels' : 'rows', coverage: 'share of predictions with a label' },
  };
}

/** Whether a point is at or beyond the limit, as seen from what was expected. */
function alarmsOf({ limit, points, measure }: Picture): (point: PicturePoint) => boolean {
  if (limit === null) return () => false;
  const expected = measure === 'effect' ? 0 : (points.findLast((point) => point.expected !== undefined)?.expected ?? limit);
  const side = Math.sign(limit - expected);
  return ({ value }) => value !== null && side * (value - limit) >= 0 && side !== 0;
}

/** Accuracies are told apart in their third digit. */
function exactShare(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function clock(iso: string): string {
  return iso.slice(11, 16);
}
