import { describe, expect, it } from 'vitest';
import { distributionChart } from '../../../src/chart/distributionChart.ts';
import { lineChart } from '../../../src/chart/lineChart.ts';
import { type Colours, pageColours } from '../../../src/chart/svg.ts';
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
const colours: Colours = { text: '#000', muted: '#111', grid: '#222', baseline: '#333', current: '#444', alarm: '#555' };

describe('the distribution chart', () => {
  const svg = distributionChart(
    { kind: 'numeric', baseline: numeric(ramp), current: numeric(ramp.map((value) => value + 50)) },
    { title: 'amount' },
  );

  it('is one SVG element, the same bytes for the same input, without ids or scripts', () => {
    expect(svg).toMatch(/^<svg [^>]*>.*<\/svg>$/s);
    expect(
      distributionChart(
        { kind: 'numeric', baseline: numeric(ramp), current: numeric(ramp.map((value) => value + 50)) },
        { title: 'amount' },
      ),
    ).toBe(svg);
    expect(svg).not.toMatch(/ id=|<script|NaN|Infinity|undefined/);
  });

  it('tells both medians to those who cannot see it', () => {
    expect(svg).toContain('aria-label="amount: distribution of the baseline (median 49.9) and now (median 99.9)"');
  });

  it('draws a shift to the right further right, inside the frame', () => {
    const [baseline = [], current = []] = [...svg.matchAll(/d="([^"]*Z)"/g)].map(([, d = '']) =>
      [...d.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) })),
    );
    const firstAbove = (points: readonly { x: number; y: number }[]) => points.find(({ y }) => y < 100)?.x ?? Number.NaN;
    expect(firstAbove(current)).toBeGreaterThan(firstAbove(baseline) + 60);
    for (const { x, y } of [...baseline, ...current]) {
      expect(x).toBeGreaterThanOrEqual(44);
      expect(x).toBeLessThanOrEqual(448);
      expect(y).toBeLessThanOrEqual(176);
    }
  });

  it('draws a constant, a single value and huge values', () => {
    for (const values of [[0, 0, 0], [7], [-1e300, 1e300], [1e-12]]) {
      const drawn = distributionChart({ kind: 'numeric', baseline: numeric(values), current: numeric([1, 2]) }, { title: 'x' });
      expect(drawn).not.toMatch(/NaN|Infinity/);
    }
  });

  it('pairs the bars of the categories that are largest on either side and adds up the rest', () => {
    const baseline = categories({ a: 50, b: 20, c: 10, d: 8, e: 6, f: 3, g: 2, h: 1 });
    const drawn = distributionChart({ kind: 'categorical', baseline, current: categories({ a: 50, new: 50 }) }, { title: 'plan' });
    const names = [...drawn.matchAll(/text-anchor="end" fill="var\(--chart-text, #1f2933\)">([^<]*)</g)].map(([, name]) => name);
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'new', '(other)']);
    expect(drawn.match(/<rect x="120"/g)).toHaveLength(16);
    expect(drawn).toContain('>50 %<');
  });

  it('escapes names, shortens long ones, and survives control characters', () => {
    const name = `<script>"&\u0000${'x'.repeat(200)}`;
    const drawn = distributionChart(
      { kind: 'categorical', baseline: categories({ [name]: 1 }), current: categories({ [name]: 1 }) },
      { title: name },
    );
    expect(drawn).not.toContain('<script');
    expect(drawn).not.toContain('\u0000');
    expect(drawn).toContain('&lt;script&gt;&quot;&amp;\ufffd');
  });

  it('takes other colours where there is no page to set the variables', () => {
    const drawn = distributionChart(
      { kind: 'categorical', baseline: categories({ a: 1 }), current: categories({ a: 1 }) },
      { title: 'x', colours },
    );
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
    expect(heights[0]).toBe(156);
    expect(heights[1]).toBeCloseTo((156 + 26) / 2, 6);
    expect(heights.slice(2)).toEqual([26, 26, 26]);
  });

  it('draws a single point and equal values', () => {
    for (const values of [[0.5], [0.5, 0.5], [0, 0]]) {
      const svg = lineChart({ points: values.map((value, hour) => ({ timeMs: startMs + hour * hourMs, value })) }, { title: 'x' });
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });
});
