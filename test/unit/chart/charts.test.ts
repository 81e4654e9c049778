import { describe, expect, it } from 'vitest';
import { distributionChart } from '../../../src/chart/distributionChart.ts';
import { lineChart } from '../../../src/chart/lineChart.ts';
import { type Colours, pageColours } from '../../../src/chart/svg.ts';
import { categoricalDistribution, numericDistribution } from '../../../src/core/detect/distributionOf.ts';
import { hourMs } from '../../../src/core/duration.ts';
import { SeriesBuilder } from '../../../src/core/sketch/seriesBuilder.ts';
import type { CategorySummary, NumericSummary } from '../../../src/core/sketch/types.ts';

function numeric(values: readonly number[]): NumericSummary {
  const builder = new SeriesBuilder({ engine: 'merging', delta: 100 }, 100);
  for (const value of values) builder.pushNumber(value);
  const summary = builder.summary().numeric;
  if (summary === null) throw new Error('no numbers');
  return summary;
}

function categories(counts: Readonly<Record<string, number>>): CategorySummary {
  const entries = Object.entries(counts).map(([value, count]) => ({ value, count, error: 0 }));
  return { count: entries.reduce((sum, { count }) => sum + count, 0), entries, truncated: false };
}

const ramp = Array.from({ length: 1_000 }, (_, index) => index / 10);
const sizes = { baseline: 1_000, current: 1_000 };
const colours: Colours = { text: '#000', muted: '#111', grid: '#222', surface: '#fff', baseline: '#333', current: '#444', alarm: '#555' };

const ofNumbers = (before: readonly number[], now: readonly number[], title = 'amount') =>
  distributionChart(numericDistribution(numeric(before), numeric(now)), sizes, { title });

describe('the distribution chart', () => {
  const shifted = ramp.map((value) => value + 50);
  const svg = ofNumbers(ramp, shifted);

  it('is one SVG element, the same bytes for the same input, without ids or scripts', () => {
    expect(svg).toMatch(/^<svg [^>]*>.*<\/svg>$/s);
    expect(ofNumbers(ramp, shifted)).toBe(svg);
    expect(svg).not.toMatch(/ id=|<script|NaN|Infinity|undefined/);
  });

  it('tells both medians and both sizes', () => {
    expect(svg).toContain('49.9');
    expect(svg).toContain('99.9');
    expect(svg.match(/n = 1,000/g)).toHaveLength(2);
  });

  it('draws a shift to the right further right, inside the frame', () => {
    const [baseline = [], current = []] = [...svg.matchAll(/d="([^"]*Z)"/g)].map(([, d = '']) =>
      [...d.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) })),
    );
    const firstAbove = (points: readonly { x: number; y: number }[]) => points.find(({ y }) => y < 150)?.x ?? Number.NaN;
    expect(firstAbove(current)).toBeGreaterThan(firstAbove(baseline) + 60);
    for (const { x, y } of [...baseline, ...current]) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(460);
      expect(y).toBeLessThanOrEqual(220);
    }
  });

  it('draws a constant, a single value and huge values', () => {
    for (const values of [[0, 0, 0], [7], [-1e300, 1e300], [1e-12]]) expect(ofNumbers(values, [1, 2])).not.toMatch(/NaN|Infinity/);
  });

  it('pairs the bars of the categories that are largest on either side, adds up the rest, and shows the one it is about', () => {
    const baseline = categories({ a: 50, b: 20, c: 10, d: 8, e: 6, f: 3, g: 2, h: 1 });
    const current = categories({ a: 50, b: 1, fresh: 49 });
    const drawn = distributionChart(categoricalDistribution(baseline, current, 'fresh'), sizes, { title: 'plan', deciding: 'fresh' });
    for (const name of ['a', 'b', 'fresh', '(other)']) expect(drawn).toContain(`>${name}<`);
    expect(drawn).toMatch(/font-weight="bold"[^>]*>fresh</);
    expect(drawn).toContain('>50 %<');
    expect(drawn).toContain('>49 %<');
  });

  it('escapes names, shortens long ones, and survives control characters', () => {
    const name = `<script>"&\u0000${'x'.repeat(200)}`;
    const one = categories({ [name]: 1 });
    const drawn = distributionChart(categoricalDistribution(one, one, null), sizes, { title: name });
    expect(drawn).not.toContain('<script');
    expect(drawn).not.toContain('\u0000');
    const [words = ''] = drawn.split('<text').slice(1);
    expect(words).not.toContain('x'.repeat(200));
    expect(words).toContain('…');
    expect(drawn).toContain('&lt;script&gt;');
  });

  it('takes other colours where there is no page to set the variables', () => {
    const drawn = distributionChart(categoricalDistribution(categories({ a: 1 }), categories({ a: 1 }), null), sizes, {
      title: 'x',
      colours,
    });
    expect(drawn).toContain('fill="#333"');
    expect(drawn).not.toContain('var(');
    expect(pageColours.baseline).toMatch(/^var\(--chart-baseline, #[0-9a-f]{6}\)$/);
  });
});

describe('the line chart', () => {
  const startMs = Date.UTC(2026, 0, 1);
  const points = Array.from({ length: 48 }, (_, hour) => ({ timeMs: startMs + hour * hourMs, value: hour / 48 }));

  it('draws values upwards, breaks the line where there is no answer, and dots alarms', () => {
    const svg = lineChart(
      { points: points.map((point, hour) => (hour === 20 ? { ...point, value: null } : { ...point, isAlarm: hour > 44 })) },
      { title: 'accuracy' },
    );
    const d = /d="(M[^"]*)" fill="none"/.exec(svg)?.[1] ?? '';
    expect(d.match(/M/g)).toHaveLength(2);
    const [, first, last] = /^M[\d.]+,([\d.]+).*,([\d.]+)$/.exec(d) ?? [];
    expect(Number(first)).toBeGreaterThan(Number(last));
    expect(svg.match(/<circle/g)).toHaveLength(3);
  });

  it('draws the band, the limit and markers inside the frame, with times in UTC', () => {
    const svg = lineChart(
      {
        points: points.map((point) => ({ ...point, band: [point.value - 0.1, point.value + 0.1] as const })),
        limit: { value: 2, text: 'limit' },
        markers: [{ timeMs: startMs + 40 * hourMs, text: 'opened' }],
      },
      { title: 'accuracy' },
    );
    expect(svg).toContain('>limit<');
    expect(svg).toContain('>opened<');
    expect(svg).toContain('>2 Jan<');
    expect(svg).toContain('fill-opacity="0.16"');
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  it('draws probabilities so that the unusual stands out, down to 1e-12 and zero', () => {
    const svg = lineChart(
      { points: [1, 1e-6, 1e-12, 1e-40, 0].map((value, hour) => ({ timeMs: startMs + hour * hourMs, value })), axis: 'probability' },
      { title: 'p' },
    );
    const heights =
      /d="(M[^"]*)" fill="none"/
        .exec(svg)?.[1]
        ?.split(/[ML]/)
        .slice(1)
        .map((pair) => Number(pair.split(',')[1])) ?? [];
    expect(heights).toHaveLength(5);
    const [bottom = 0, middle = 0, ...least] = heights;
    expect(middle).toBeCloseTo((bottom + (least[0] ?? 0)) / 2, 1);
    expect(new Set(least).size).toBe(1);
    expect(least[0]).toBeLessThan(bottom);
  });

  it('draws a single point and equal values', () => {
    for (const values of [[0.5], [0.5, 0.5], [0, 0]]) {
      const svg = lineChart({ points: values.map((value, hour) => ({ timeMs: startMs + hour * hourMs, value })) }, { title: 'x' });
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });
});
