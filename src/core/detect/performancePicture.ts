/** What the picture of a performance incident shows: the metric over time, with its interval, what was expected, and how many labels there are. */
import { formatDuration } from '../duration.ts';
import type { Picture, PicturePoint } from '../incident/picture.ts';
import type { PerformanceEvaluation } from '../performance/types.ts';
import { short } from './distributionOf.ts';

/** Null without a window. `trail`: windows of one series, ascending; `minDrop`: smallest drop worth a page, of accuracy in points, of an error as a share. */
export function performancePicture(trail: readonly PerformanceEvaluation[], minDrop: number): Picture | null {
  const newest = trail.at(-1);
  if (newest === undefined) return null;
  return {
    series: newest.metric,
    version: newest.version,
    statistic: newest.metric,
    measure: 'performance',
    span: formatDuration(newest.scaleMs),
    points: trail.map(pointOf),
    limit: limitOf(newest, minDrop),
    distribution: null,
    n: Math.round(newest.n),
    baselineN: newest.baselineN,
  };
}

function pointOf({ windowEndMs, observed, n, expected, interval, coverage }: PerformanceEvaluation): PicturePoint {
  return {
    end: new Date(windowEndMs).toISOString(),
    value: observed === null ? null : metric(observed),
    n: Math.round(n),
    ...(expected === null ? {} : { expected: metric(expected) }),
    ...(interval === null ? {} : { low: metric(interval[0]), high: metric(interval[1]) }),
    coverage: short(coverage),
  };
}

/** The value that would just have opened an incident. */
function limitOf({ metric: name, expected, detectable }: PerformanceEvaluation, minDrop: number): number | null {
  if (expected === null || detectable === null) return null;
  const reach = Math.max(minDrop, detectable);
  return metric(name === 'accuracy' ? Math.max(0, expected - reach) : expected * (1 + reach));
}

/** A digit more than shares have: accuracies are told apart in their third digit. */
function metric(value: number): number {
  return Number(value.toPrecision(4));
}
