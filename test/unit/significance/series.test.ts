/** A series from its summaries to its evaluation, as detect does it. */
import { describe, expect, test } from 'vitest';
import { addSums, emptySums, fitScores, type SummaryScores, scoreSeries } from '../../../src/core/detect/significance/scores.ts';
import {
  effectOf,
  evaluateSeries,
  fitFileSeries,
  fitRate,
  fitSeries,
  rateSums,
  type SeriesBaseline,
} from '../../../src/core/detect/significance/series.ts';
import type { SeriesEvaluation, WindowSums } from '../../../src/core/detect/significance/types.ts';
import { Random } from '../../support/random.ts';
import type { Row } from './exactRows.ts';
import { categoryCap, digest, hourMs, minimumEffect, summaryOf, times } from './traffic.ts';

const alpha = 1e-5;
const settings = { unitMs: hourMs, digest, categoryCap };
const firstUnit = 480_000;
const rowsPerHour = 60;

function fitHours(hours: readonly (readonly Row[])[], options: Partial<typeof settings> = {}): SeriesBaseline {
  const units = hours.map((rows, index) => ({ unit: firstUnit + index, rows: rows.length, summary: summaryOf(rows) }));
  return fitSeries(units, { ...settings, ...options })!;
}

/** The sums of hours of rows that follow the baseline, whose first unit has the number `unit`. */
function windowOf(baseline: SeriesBaseline, hours: readonly (readonly Row[])[], unit: number): WindowSums {
  const { scores } = baseline;
  if (scores.kind === 'rate') throw new Error('a rate has no rows');
  const sums = hours.map((rows) => scoreSeries(scores, summaryOf(rows), rows.length));
  return {
    units: sums.map(({ rows, n }, index) => ({ unit: unit + index, rows, n })),
    sums: sums.reduce(addSums, emptySums(scores)),
  };
}

function evaluate(baseline: SeriesBaseline, hours: readonly (readonly Row[])[]): SeriesEvaluation {
  return evaluateSeries(baseline, windowOf(baseline, hours, firstUnit + 168), hours.length * hourMs, minimumEffect, alpha);
}

/** A week of baseline hours and hours after it, both made row by row. */
function week(seed: number, draw: (random: Random, hour: number) => Row): { baseline: SeriesBaseline; random: Random } {
  const random = new Random(seed);
  return { baseline: fitHours(times(168, (hour) => times(rowsPerHour, () => draw(random, hour)))), random };
}

const normal = (random: Random): Row => random.normal();
const letter = (random: Random): Row => 'abcdefgh'[Math.floor(8 * random.next() ** 2)]!;

describe('what has not changed', () => {
  test.each([
    ['numbers', normal],
    ['categories', letter],
  ])('%s: is no drift, and says what it could detect', (_, draw) => {
    const { baseline, random } = week(1, draw);
    const evaluation = evaluate(
      baseline,
      times(12, () => times(rowsPerHour, () => draw(random))),
    );
    expect(evaluation.p).toBeGreaterThan(0.01);
    expect(evaluation.detectable).toBeGreaterThan(0.05);
    expect(evaluation.detectable).toBeLessThan(0.4);
    expect(evaluation.baselineN).toBe(168 * rowsPerHour);
    expect(evaluation.n).toBe(12 * rowsPerHour);
  });
});

describe('what changes within hours is found by the statistic that is made for it', () => {
  test('a shift of half a standard deviation: the location', () => {
    const { baseline, random } = week(2, normal);
    const evaluation = evaluate(
      baseline,
      times(6, () => times(rowsPerHour, () => 0.5 + random.normal())),
    );
    expect(evaluation.statistic).toBe('loc');
    expect(evaluation.p).toBeLessThan(alpha);
    expect(evaluation.effect).toBeCloseTo(0.5, 0);
    expect(evaluation.observed).toBeGreaterThan(evaluation.expected);
  });

  test('a constant that changes: above its maximum', () => {
    const { baseline } = week(3, () => 7);
    const evaluation = evaluate(baseline, [times(rowsPerHour, () => 12)]);
    expect(evaluation.statistic).toBe('above');
    expect(evaluation.p).toBeLessThan(alpha);
    expect(evaluation.effect).toBeGreaterThan(0.99);
    expect(evaluate(baseline, [times(rowsPerHour, () => 3)]).statistic).toBe('below');
  });

  test('5 % of rows turned to 0: the zeros', () => {
    const { baseline, random } = week(4, normal);
    const evaluation = evaluate(
      baseline,
      times(6, () => times(rowsPerHour, (row) => (row % 20 === 0 ? 0 : random.normal()))),
    );
    expect(evaluation.statistic).toBe('zero');
    expect(evaluation.p).toBeLessThan(alpha);
    expect(evaluation.effect).toBeCloseTo(0.05, 2);
  });

  test('a category never seen', () => {
    const { baseline, random } = week(5, letter);
    const evaluation = evaluate(
      baseline,
      times(3, () => times(rowsPerHour, (row) => (row % 15 === 0 ? 'z' : letter(random)))),
    );
    expect(evaluation.statistic).toBe('(new)');
    expect(evaluation.p).toBeLessThan(alpha);
  });

  test('every category a little: all of them together', () => {
    const names = times(40, (index) => `c${index}`);
    const { baseline, random } = week(6, (source) => names[source.int(40)]!);
    const drifted = (): Row => names[random.next() < 0.25 ? random.int(20) : random.int(40)]!;
    const evaluation = evaluate(
      baseline,
      times(24, () => times(2 * rowsPerHour, drifted)),
    );
    expect(evaluation.statistic).toBe('chi2');
    expect(evaluation.p).toBeLessThan(0.001);
    expect(evaluation.observed).toBe(evaluation.effect);
  });

  test('a few missing values where there were none, of numbers and of categories', () => {
    for (const draw of [normal, letter]) {
      const { baseline, random } = week(7, draw);
      const evaluation = evaluate(
        baseline,
        times(6, () => times(rowsPerHour, (row) => (row % 20 === 0 ? null : draw(random)))),
      );
      expect(evaluation.statistic).toBe('miss');
      expect(evaluation.p).toBeLessThan(alpha);
      expect(evaluation.n).toBe(6 * rowsPerHour);
      expect(evaluation.effect).toBeCloseTo(0.05, 6);
    }
  });

  test('a daily rhythm that comes twelve hours late', () => {
    const rhythm = (hour: number): number => Math.sin((2 * Math.PI * hour) / 24);
    const { baseline, random } = week(8, (source, hour) => rhythm(hour) + source.normal());
    const evaluation = evaluate(
      baseline,
      times(6, (hour) => times(rowsPerHour, () => rhythm(hour + 12) + random.normal())),
    );
    expect(evaluation.p).toBeLessThan(alpha);
  });
});

test('an effect below the minimum is no drift, however certain', () => {
  const random = new Random(9);
  const baseline = fitHours(times(168, () => times(300, () => random.normal())));
  const shifted = times(72, () => times(300, () => 0.08 + random.normal()));
  const window = windowOf(baseline, shifted, firstUnit + 168);
  const evaluateWith = (location: number): SeriesEvaluation =>
    evaluateSeries(baseline, window, 72 * hourMs, { ...minimumEffect, location, spread: 0.1, share: 0.1 }, alpha);
  const strict = evaluateWith(0.1);
  expect([strict.p, strict.statistic, strict.belowMinimum, strict.detectable]).toEqual([1, 'loc', true, 0.1]);
  const loose = evaluateWith(0.01);
  expect(loose.belowMinimum).toBe(false);
  expect(loose.p).toBeLessThan(alpha);
  expect(loose.detectable).toBeLessThan(0.1);
});

test.each([
  ['loc', normal, (shift: number, random: Random): Row => shift * 2 + random.normal()],
  ['category:a', letter, (shift: number, random: Random): Row => (random.next() < shift ? 'a' : letter(random))],
])('the detectable effect is the one at which p would be alpha (%s)', (statistic, draw, drifted) => {
  const { baseline, random } = week(10, draw);
  const shifts = times(30, (index) => index / 100);
  const evaluations = shifts.map((shift) =>
    evaluate(
      baseline,
      times(12, () => times(rowsPerHour, () => drifted(shift, random))),
    ),
  );
  const decided = evaluations.filter((evaluation) => evaluation.statistic === statistic && evaluation.p < 1);
  expect(decided.length).toBeGreaterThan(5);
  for (const { p, effect, detectable } of decided)
    expect(Math.abs(effect) > detectable, `${effect} of ${detectable}, p ${p}`).toBe(p < alpha);
});

describe('the newest third of a window', () => {
  test('shows the effect of a change that goes on, and none of one that is over', () => {
    const { baseline, random } = week(11, normal);
    const shifted = times(4, () => times(rowsPerHour, () => 1 + random.normal()));
    const usual = times(4, () => times(rowsPerHour, () => random.normal()));
    expect(effectOf(baseline, windowOf(baseline, shifted, firstUnit + 176), 'loc')).toBeGreaterThan(0.8);
    expect(Math.abs(effectOf(baseline, windowOf(baseline, usual, firstUnit + 176), 'loc'))).toBeLessThan(0.2);
  });

  test('has no effect without rows, and total variation for all categories together', () => {
    const { baseline } = week(12, letter);
    expect(effectOf(baseline, { units: [], sums: emptySums(baseline.scores) }, 'category:a')).toBe(0);
    expect(effectOf(baseline, windowOf(baseline, [times(rowsPerHour, () => 'a')], firstUnit), 'chi2')).toBeGreaterThan(0.5);
  });
});

describe('a baseline is a fact', () => {
  test.each([
    ['numbers', normal],
    ['a constant', () => 7],
    ['categories', letter],
    ['with gaps', (random: Random) => (random.next() < 0.2 ? null : random.normal())],
  ])('%s: its JSON decides bit for bit as it does', (_, draw) => {
    const { baseline, random } = week(13, draw);
    const stored: SeriesBaseline = JSON.parse(JSON.stringify(baseline));
    expect(stored).toEqual(baseline);
    const hours = times(6, () => times(rowsPerHour, () => draw(random)));
    expect(evaluate(stored, hours)).toEqual(evaluate(baseline, hours));
  });

  test('the same units give the same baseline', () => {
    expect(week(14, normal).baseline).toEqual(week(14, normal).baseline);
  });
});

describe('a baseline', () => {
  test('does not exist without a value, or with fewer than five units', () => {
    const empty = times(48, (index) => ({ unit: index, rows: 10, summary: null }));
    expect(fitSeries(empty, settings)).toBeNull();
    const short = times(4, (index) => ({ unit: index, rows: 10, summary: summaryOf(times(10, (row) => row)) }));
    expect(fitSeries(short, settings)).toBeNull();
  });

  test('of one day has one slot, and does not ask for new categories: it cannot know how often there are any', () => {
    const random = new Random(15);
    const baseline = fitHours(times(24, () => times(rowsPerHour, () => letter(random))));
    expect(baseline.slots.slots).toBe(1);
    expect(baseline.scores.statistics).not.toContain('(new)');
  });

  test('expects new categories of a series that always has some', () => {
    let next = 0;
    const { baseline } = week(16, (random) => (random.next() < 0.1 ? `id${next++}` : letter(random)));
    const usual = times(6, () => times(rowsPerHour, (row) => (row % 10 === 0 ? `id${next++}` : 'abcd'[row % 4]!)));
    expect(Math.abs(effectOf(baseline, windowOf(baseline, usual, firstUnit + 168), '(new)'))).toBeLessThan(0.03);
  });

  test('learns from days that do not follow each other', () => {
    const random = new Random(17);
    const units = times(96, (index) => {
      const rows = times(rowsPerHour, () => random.normal());
      return { unit: firstUnit + index + (index < 48 ? 0 : 24), rows: rows.length, summary: summaryOf(rows) };
    });
    expect(fitSeries(units, settings)?.slots.slots).toBe(24);
  });

  test('hours without rows are hours with n = 0', () => {
    const random = new Random(18);
    const baseline = fitHours(times(168, (hour) => (hour % 24 < 6 ? [] : times(rowsPerHour, () => random.normal()))));
    // The six silent hours joined the seventh.
    expect(baseline.slots.slots).toBe(18);
    const evaluation = evaluate(
      baseline,
      times(24, (hour) => (hour % 24 < 6 ? [] : times(rowsPerHour, () => random.normal()))),
    );
    expect(evaluation.p).toBeGreaterThan(0.01);
  });
});

describe('a window without rows', () => {
  test.each([
    ['numbers', normal],
    ['categories', letter],
  ])('%s: says nothing', (_, draw) => {
    const { baseline } = week(19, draw);
    expect(evaluate(baseline, [[]]).p).toBe(1);
  });

  test('with values that are all missing is decided by what is missing', () => {
    const { baseline } = week(20, normal);
    const evaluation = evaluate(baseline, [times(rowsPerHour, () => null)]);
    expect([evaluation.statistic, evaluation.effect]).toEqual(['miss', 1]);
    expect(evaluation.p).toBeLessThan(alpha);
  });
});

describe('the rate of bad records', () => {
  const units = times(168, (index) => ({ unit: firstUnit + index, n: 500, x: index % 3 }));
  const baseline = fitRate(units, { unitMs: hourMs })!;
  const evaluateRate = (n: number, x: number): SeriesEvaluation =>
    evaluateSeries(baseline, { units: [{ unit: firstUnit + 168, rows: n, n }], sums: rateSums(n, x) }, hourMs, minimumEffect, alpha);

  test('is a matter of quality, decided like a missing rate', () => {
    const evaluation = evaluateRate(500, 25);
    expect(evaluation.statistic).toBe('miss');
    expect(evaluation.effect).toBeCloseTo(0.048, 2);
    expect(evaluation.p).toBeLessThan(alpha);
    expect(evaluateRate(500, 2).p).toBe(1);
  });

  test('does not exist without records', () => {
    expect(fitRate([], { unitMs: hourMs })).toBeNull();
    expect(
      fitRate(
        times(48, (unit) => ({ unit, n: 0, x: 0 })),
        { unitMs: hourMs },
      ),
    ).toBeNull();
  });
});

describe('a file baseline', () => {
  const random = new Random(21);
  const live = (scores: SummaryScores, hours: readonly (readonly Row[])[]) =>
    hours.map((rows, index) => ({ unit: firstUnit + index, sums: scoreSeries(scores, summaryOf(rows), rows.length) }));
  const file = summaryOf(times(20_000, () => random.normal()));
  const scores = fitScores(file)!;
  // The live mean wanders by the hour, and has a level of its own.
  const wandering = times(72, () => {
    const level = 0.3 + 0.5 * random.normal();
    return times(rowsPerHour, () => level + random.normal());
  });
  const baseline = fitFileSeries(file, 20_000, live(scores, wandering), { unitMs: hourMs })!;

  test('compares with the file, in one slot', () => {
    expect([baseline.n, baseline.slots.slots]).toEqual([20_000, 1]);
    const likeTheFile = times(24, () => times(rowsPerHour, () => random.normal()));
    expect(Math.abs(effectOf(baseline, windowOf(baseline, likeTheFile, firstUnit + 72), 'loc'))).toBeLessThan(0.1);
    expect(effectOf(baseline, windowOf(baseline, wandering, firstUnit), 'loc')).toBeGreaterThan(0.15);
  });

  test('varies as the live traffic does around its own mean', () => {
    expect(baseline.models[0]!.dispersion.links[0]!.phi).toBeGreaterThan(5);
    const steady = times(72, () => times(rowsPerHour, () => 0.3 + random.normal()));
    expect(fitFileSeries(file, 20_000, live(scores, steady), { unitMs: hourMs })!.models[0]!.dispersion.links[0]!.phi).toBeLessThan(1.6);
  });

  test('expects new categories as often as the file has one once', () => {
    const names = summaryOf([...times(900, () => 'a'), ...times(100, (index) => `id${index}`)]);
    const ofNames = fitScores(names)!;
    const fitted = fitFileSeries(
      names,
      1000,
      live(
        ofNames,
        times(72, () => times(rowsPerHour, () => 'a')),
      ),
      { unitMs: hourMs },
    )!;
    expect(fitted.models[ofNames.statistics.indexOf('(new)')]!.rates.mean).toBeCloseTo(0.1, 10);
  });

  test('does not exist without a value in the file or in the live days', () => {
    expect(fitFileSeries(summaryOf([null]), 1, [], { unitMs: hourMs })).toBeNull();
    expect(
      fitFileSeries(
        file,
        20_000,
        live(
          scores,
          times(72, () => []),
        ),
        { unitMs: hourMs },
      ),
    ).toBeNull();
  });
});

describe('the order of the rows of a span, and how they are cut into digests', () => {
  /** Largest change of the logarithm of p, over windows with and without a shift. */
  function largestMove(other: (pane: Row[]) => WindowSums, baseline: SeriesBaseline, panes: readonly Row[][]): number {
    const moves = panes.map((rows) => {
      const window = windowOf(baseline, [rows], firstUnit + 168);
      const p = evaluateSeries(baseline, window, hourMs, noMinimum, alpha).p;
      const otherP = evaluateSeries(baseline, other(rows), hourMs, noMinimum, alpha).p;
      return Math.abs(Math.log(otherP / p));
    });
    return Math.max(...moves);
  }
  const noMinimum = { location: 0, spread: 0, share: 0, totalVariation: 0 };

  test('move p by less than a twentieth of itself', () => {
    const { baseline, random } = week(22, normal);
    const panes = times(60, (index) => times(720, () => random.normal() + (index % 3) / 10));
    const shuffled = (rows: Row[]): WindowSums => {
      const order = rows.map((row) => ({ row, key: random.next() })).sort((left, right) => left.key - right.key);
      return windowOf(baseline, [order.map(({ row }) => row)], firstUnit + 168);
    };
    const inPanes = (rows: Row[]): WindowSums => {
      const parts = times(12, (pane) => windowOf(baseline, [rows.slice(60 * pane, 60 * pane + 60)], firstUnit + 168).sums);
      return { units: [{ unit: firstUnit + 168, rows: 720, n: 720 }], sums: parts.reduce(addSums, emptySums(baseline.scores)) };
    };
    expect(largestMove(shuffled, baseline, panes)).toBeLessThan(0.05);
    expect(largestMove(inPanes, baseline, panes)).toBeLessThan(0.05);
  });

  test('move nothing where values are counted', () => {
    const { baseline, random } = week(23, letter);
    const rows = times(720, () => letter(random));
    const window = windowOf(baseline, [rows], firstUnit + 168);
    expect(windowOf(baseline, [[...rows].reverse()], firstUnit + 168)).toEqual(window);
  });
});
