/** Events with pictures of every kind, as detect makes them, for the tests and the bench of the picture. */
import { categoricalDistribution, numericDistribution } from '../../src/core/detect/distributionOf.ts';
import type { EventRecord, EventSeries } from '../../src/core/incident/event.ts';
import type { Picture, PicturePoint } from '../../src/core/incident/picture.ts';
import { SeriesBuilder } from '../../src/core/sketch/seriesBuilder.ts';
import type { CategorySummary, NumericSummary } from '../../src/core/sketch/types.ts';
import { event, series } from './events.ts';
import { Random } from './random.ts';

const random = new Random(7);
const startMs = Date.UTC(2026, 2, 1);
const hourMs = 3_600_000;

function points(count: number, of: (index: number) => Omit<PicturePoint, 'end'>): PicturePoint[] {
  return Array.from({ length: count }, (_, index) => ({
    end: new Date(startMs + (10 - (count - 1 - index) / 2) * hourMs).toISOString(),
    ...of(index),
  }));
}

/** Quiet, then up in the last three. */
function jump(size: number) {
  return (index: number) => ({
    value: index > 8 ? size : Math.round(random.normal() * size * 20) / 1_000 + 0,
    n: 40_000 + random.int(8_000),
  });
}

function numeric(count: number, of: () => number): NumericSummary {
  const builder = new SeriesBuilder({ engine: 'merging', delta: 100 }, 100);
  for (let index = 0; index < count; index++) builder.pushNumber(of());
  const { numeric: summary } = builder.summary();
  if (summary === null) throw new Error('no numbers');
  return summary;
}

function categories(counts: Readonly<Record<string, number>>): CategorySummary {
  const entries = Object.entries(counts)
    .map(([value, count]) => ({ value, count, error: 0 }))
    .sort((left, right) => right.count - left.count);
  return { count: entries.reduce((sum, { count }) => sum + count, 0), entries, truncated: false };
}

function pictured(
  of: Partial<Picture> & Pick<Picture, 'series' | 'statistic'>,
  one: Partial<EventSeries> = {},
  over: Partial<EventRecord> = {},
): EventRecord {
  const picture: Picture = {
    version: null,
    measure: 'effect',
    span: '1h',
    points: points(12, jump(0.31)),
    limit: 0.12,
    distribution: null,
    n: 48_210,
    baselineN: 512_000,
    ...of,
  };
  return event(of.series, 0, 'opened', { series: [series(of.series, { statistic: of.statistic, ...one })], picture, ...over });
}

const before = numeric(20_000, () => Math.exp(3.8 + 0.8 * random.normal()));
const after = numeric(5_000, () => Math.exp(4.2 + 0.9 * random.normal()));
const domains = categoricalDistribution(
  categories({ 'planted-category.example': 50, b: 50 }),
  categories({ 'planted-category.example': 90, b: 10 }),
  null,
);

/** One event a kind. `email` is meant to be declared sensitive. */
export const pictures = {
  numeric: pictured({ series: 'amount', statistic: 'loc', distribution: numericDistribution(before, after) }),
  category: pictured({
    series: 'country',
    statistic: 'category:NL',
    limit: 0.02,
    points: points(12, jump(0.18)),
    distribution: categoricalDistribution(
      categories({ US: 500, DE: 200, FR: 90, NL: 31 }),
      categories({ US: 380, DE: 170, FR: 70, NL: 214 }),
      'NL',
    ),
  }),
  missing: pictured(
    {
      series: 'age',
      statistic: 'miss',
      measure: 'rate',
      limit: 0.015,
      points: points(12, (at) => ({ value: at > 8 ? 0.38 : 0.004, expected: 0.004, n: 9_000 })),
    },
    {},
    { kind: 'quality', severity: 'error' },
  ),
  accuracy: pictured(
    {
      series: 'accuracy',
      version: '8',
      statistic: 'accuracy',
      measure: 'performance',
      span: '1d',
      limit: 0.87,
      points: points(12, (at) => {
        const value = at > 8 ? 0.84 : 0.91;
        return { value, low: value - 0.012, high: value + 0.012, expected: 0.91, coverage: at > 8 ? 0.4 : 0.95, n: 5_000 };
      }),
    },
    {},
    { kind: 'performance', severity: 'error', step: 'escalated' },
  ),
  sensitive: pictured({ series: 'email', statistic: 'category:planted-category.example', distribution: domains }),
  longNames: pictured(
    { series: `features.${'customer.'.repeat(20)}balance`, statistic: 'loc', distribution: numericDistribution(before, after) },
    {},
    { model: 'a-model-named-after-its-branch-'.repeat(5), segment: { регион: 'Москва' } },
  ),
} satisfies Readonly<Record<string, EventRecord>>;
