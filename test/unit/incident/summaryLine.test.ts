import { describe, expect, it } from 'vitest';
import type { BookStep } from '../../../src/core/incident/bookState.ts';
import type { EventSeries } from '../../../src/core/incident/event.ts';
import { change, summaryLine } from '../../../src/core/incident/summaryLine.ts';
import { hex, series } from '../../support/events.ts';

const hour = 3_600_000;
const startMs = Date.UTC(2026, 2, 1, 9, 40);

function line(over: Partial<BookStep> = {}, atMs = startMs): string {
  const step: BookStep = {
    step: 'opened',
    incident: hex('a'),
    chain: hex('a'),
    ordinal: 0,
    kind: 'drift',
    segment: null,
    severity: 'info',
    scaleMs: hour,
    startMs,
    sinceMs: startMs,
    versions: [],
    series: [series('amount')],
    leading: null,
    ...over,
  };
  return summaryLine(step, atMs);
}

const accuracy = series('accuracy', {
  statistic: 'accuracy',
  n: 2_050,
  current: { observed: 0.831, low: 0.814, high: 0.846, coverage: 0.6 },
  baseline: { expected: 0.898 },
});
const missing = { statistic: 'miss', current: { observed: 0.4 }, baseline: { expected: 0.021 } };

describe('the line of an incident', () => {
  it('says what moved, from what to what, on how many rows, since when', () => {
    expect(line()).toBe('amount: median 44 -> 61 (+0.31 sigma), n = 48,210, since 2026-03-01 09:40Z');
  });

  it('says an accuracy once, with its interval', () => {
    expect(line({ kind: 'performance', versions: ['8'], series: [accuracy] })).toBe(
      'accuracy (version 8) 83.1 % (95 % interval 81.4 to 84.6), expected 89.8 %, n = 2,050, since 2026-03-01 09:40Z',
    );
  });

  it('says where it is, if not everywhere', () => {
    expect(line({ segment: ['plan', 'free'] })).toMatch(/^amount \(plan=free\): median /);
    expect(line({ versions: ['7', '8'], series: [series('score')] })).toMatch(/^score \(versions 7, 8\): median /);
    expect(line({ versions: ['8'] })).toMatch(/^amount: median /);
    expect(line({ versions: [''], series: [series('score')] })).toMatch(/^score: median /);
    expect(line({ versions: [''] })).toMatch(/^amount: median /);
  });

  it('names the other series that breached, three of them, and none that is only moving too', () => {
    const others = ['age', 'country', 'plan', 'score', 'city'].map((name) => series(name));
    expect(line({ series: [series('amount'), ...others, series('weak', { joined: false })] })).toMatch(
      /; also age, country, plan and 2 more$/,
    );
    expect(line({ series: [series('amount'), series('weak', { joined: false })] })).not.toContain('also');
  });

  it('says bad records and missing values in words', () => {
    expect(line({ kind: 'quality', series: [series('invalid', missing)] })).toMatch(/^bad records 40\.0 %, expected 2\.1 %, n = /);
    expect(line({ kind: 'quality', series: [series('late', missing)] })).toMatch(
      /^late records 40\.0 %, counted in no window \(does a clock run ahead\?\), expected 2\.1 %, n = /,
    );
    expect(line({ kind: 'quality', series: [series('age', missing)] })).toMatch(/^age: missing 40\.0 %, expected 2\.1 %, n = /);
  });

  it('says that it lasts, that it is over, and that data stopped', () => {
    expect(line({ step: 'reminded' }, startMs + 48 * hour)).toMatch(/, still so after 2d$/);
    expect(line({ step: 'recovered' }, startMs + 8 * hour)).toBe('Recovered after 8h: amount as in the baseline again');
    expect(line({ step: 'recovered', kind: 'performance', series: [accuracy], versions: ['8'] }, startMs + 8 * hour)).toBe(
      'Recovered after 8h: accuracy (version 8) as expected again',
    );
    expect(line({ step: 'ended', versions: ['7'], series: [series('score')] }, startMs + 30 * hour)).toBe(
      'Ended after 30h: no data for a day (version 7)',
    );
  });
});

describe('what changed, by the statistic that decided', () => {
  const text = (statistic: string, over: Partial<EventSeries> = {}) =>
    change(series('amount', { statistic, current: { observed: 0.073 }, baseline: { expected: 0.0512 }, ...over }));

  it.each([
    ['loc', 'location +0.31 sigma'],
    ['spread', 'spread +0.31 sigma'],
    ['zero', 'zeros 7.3 %, expected 5.1 %'],
    ['above', "7.3 % above the baseline's maximum"],
    ['below', "7.3 % below the baseline's minimum"],
    ['(new)', 'categories never seen before in 7.3 %, expected 5.1 %'],
    ['(other)', 'rare categories 7.3 %, expected 5.1 %'],
    ['category:US', 'share of US 7.3 %, expected 5.1 %'],
    ['chi2', 'distribution over categories moved, total variation 0.31'],
  ])('%s', (statistic, expected) => {
    expect(text(statistic)).toBe(expected);
  });

  it.each([
    ['cut:1949', '1949'],
    ['cut:20240315', '20240315'],
    ['cut:12345.678', '12346'],
    ['cut:0.123456789', '0.1235'],
    ['cut:-1.5e-7', '-1.50e-7'],
  ])('%s without digits that nobody reads and without losing those before the point', (statistic, cut) => {
    expect(text(statistic)).toBe(`7.3 % at most ${cut}, expected 5.1 %`);
  });

  it('gives small shares two digits', () => {
    expect(text('category:LGA', { current: { observed: 0.0034 }, baseline: { expected: 0 } })).toBe('share of LGA 0.34 %, expected 0.0 %');
  });
});
