/** The picture of an event, read from JSON that comes from outside. */
import { InputError } from '../errors.ts';
import { list, members, number, refuse, text, time, word } from './fields.ts';
import type { CategoryShares, Distribution, Picture, PicturePoint } from './picture.ts';

/** Null for a picture that this release cannot read: an event without its picture is better than no event. */
export function readPicture(value: unknown): Picture | null {
  try {
    return pictureOf(value);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

function pictureOf(value: unknown): Picture {
  const field = members(value, 'picture');
  return {
    series: text(field.series, 'picture.series'),
    version: field.version === null ? null : text(field.version, 'picture.version'),
    statistic: text(field.statistic, 'picture.statistic'),
    measure: word(field.measure, 'picture.measure', ['effect', 'rate', 'performance'] as const),
    span: text(field.span, 'picture.span'),
    points: list(field.points, 'picture.points').map((point, index) => pointOf(point, `picture.points[${index}]`)),
    limit: orNull(field.limit, 'picture.limit'),
    distribution: field.distribution === null ? null : distributionOf(field.distribution),
    n: number(field.n, 'picture.n'),
    baselineN: number(field.baselineN, 'picture.baselineN'),
  };
}

function pointOf(value: unknown, path: string): PicturePoint {
  const field = members(value, path);
  const optional = ['expected', 'low', 'high', 'coverage'] as const;
  return {
    end: time(field.end, `${path}.end`),
    value: orNull(field.value, `${path}.value`),
    n: number(field.n, `${path}.n`),
    ...Object.fromEntries(
      optional.filter((name) => field[name] !== undefined).map((name) => [name, number(field[name], `${path}.${name}`)]),
    ),
  };
}

function distributionOf(value: unknown): Distribution {
  const path = 'picture.distribution';
  const field = members(value, path);
  if (word(field.kind, `${path}.kind`, ['numeric', 'categorical'] as const) === 'categorical') {
    return { kind: 'categorical', rows: list(field.rows, `${path}.rows`).map((row, index) => categoryOf(row, `${path}.rows[${index}]`)) };
  }
  const shares = (side: 'baseline' | 'current') =>
    list(field[side], `${path}.${side}`).map((share, index) => number(share, `${path}.${side}[${index}]`));
  const baseline = shares('baseline');
  const current = shares('current');
  if (baseline.length !== current.length || baseline.length === 0) refuse(path, 'two lists of the same length');
  return {
    kind: 'numeric',
    axis: word(field.axis, `${path}.axis`, ['linear', 'log'] as const),
    from: number(field.from, `${path}.from`),
    to: number(field.to, `${path}.to`),
    baseline,
    current,
    baselineMedian: number(field.baselineMedian, `${path}.baselineMedian`),
    currentMedian: number(field.currentMedian, `${path}.currentMedian`),
  };
}

function categoryOf(value: unknown, path: string): CategoryShares {
  const field = members(value, path);
  return {
    kind: word(field.kind, `${path}.kind`, ['category', 'new', 'other'] as const),
    name: text(field.name, `${path}.name`),
    baseline: number(field.baseline, `${path}.baseline`),
    current: number(field.current, `${path}.current`),
  };
}

function orNull(value: unknown, path: string): number | null {
  return value === null ? null : number(value, path);
}
