/** What production makes of digests, against exact rows. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addSums, emptySums, fitScores, type SummaryScores, scoreSeries } from '../../../src/core/detect/significance/scores.ts';
import { mergeSeries } from '../../../src/core/sketch/merge.ts';
import { Random } from '../../support/random.ts';
import { categoricalScorer, numericScorer, type Row } from './exactRows.ts';
import { categoryCap, digest, summaryOf, times } from './traffic.ts';

/** The summary of a baseline as production has it: merged from those of its hours. */
function baselineOf(hours: readonly (readonly Row[])[]): SummaryScores {
  return fitScores(mergeSeries(hours.map(summaryOf), digest, categoryCap))!;
}

function xOf(scores: SummaryScores, x: readonly number[], name: string): number {
  return x[(scores.statistics as readonly string[]).indexOf(name)]!;
}

const shapes: Readonly<Record<string, (random: Random) => number>> = {
  normal: (random) => random.normal(),
  'log-normal': (random) => Math.exp(2 * random.normal()),
  'heavy tails': (random) => random.normal() / random.next(),
  'whole numbers': (random) => Math.floor(4 * Math.abs(random.normal())),
  'mostly zero': (random) => (random.next() < 0.6 ? 0 : random.normal()),
  'yes and no': (random) => (random.next() < 0.3 ? 1 : 0),
};

describe('sums from digests agree with sums of exact rows', () => {
  test.each(Object.entries(shapes))(
    '%s: location to .002, spread to .03 of a row, shares at the cuts to .002, counters exactly',
    (_, draw) => {
      const random = new Random(11);
      const hours = times(72, () => times(300, () => draw(random)));
      const scores = baselineOf(hours);
      const exact = numericScorer(hours.flat());
      for (const rows of [60, 3600]) {
        // A third of the values lies elsewhere, so that some exceed the baseline's extremes.
        const pane: Row[] = times(rows, (index) => (index % 10 === 0 ? null : draw(random) * (index % 3 === 0 ? 2 : 1)));
        const ours = scoreSeries(scores, summaryOf(pane), rows);
        const theirs = exact.sums(pane);
        expect([ours.rows, ours.n]).toEqual([theirs.rows, theirs.n]);
        expect(Math.abs(ours.x[0]! - theirs.x[0]!) / ours.n).toBeLessThan(0.002);
        expect(Math.abs(ours.ss[0]! - theirs.ss[0]!) / ours.n).toBeLessThan(0.03);
        expect(ours.x[1]).toBe(ours.ss[0]);
        for (const cut of scores.kind === 'numeric' ? scores.cuts : []) {
          const below = pane.filter((value) => typeof value === 'number' && value <= cut).length;
          expect(Math.abs(xOf(scores, ours.x, `cut:${cut}`) - below) / ours.n, `cut at ${cut}`).toBeLessThan(0.002);
        }
        expect(xOf(scores, ours.x, 'miss')).toBe(Math.ceil(rows / 10));
        if (scores.statistics.includes('zero')) expect(xOf(scores, ours.x, 'zero')).toBe(pane.filter((value) => value === 0).length);
        // Beyond the baseline's extremes: none is none, some are counted to two rows.
        for (const place of [-3, -2]) {
          expect(ours.x.at(place)! > 0).toBe(theirs.x.at(place)! > 0);
          expect(Math.abs(ours.x.at(place)! - theirs.x.at(place)!)).toBeLessThan(2);
        }
      }
    },
  );

  test('categories exactly', () => {
    const random = new Random(12);
    const draw = (): string => `c${Math.floor(Math.abs(random.normal()) * 60)}`;
    const hours = times(48, () => times(200, draw));
    const exact = categoricalScorer(hours.flat());
    const scores = baselineOf(hours);
    expect(scores.statistics).toEqual(exact.scores.statistics);
    const pane: Row[] = [...times(300, draw), 'never seen', null];
    expect(scoreSeries(scores, summaryOf(pane), pane.length)).toEqual(exact.sums(pane));
  });
});

describe('the scores of a series', () => {
  const numbers = times(200, (index) => index - 100);
  const names = times(200, (index) => (index % 4 === 0 ? 'a' : 'b'));

  test('are of the kind that the majority of its values has, unless it is given', () => {
    const mixed = summaryOf([...numbers, ...names.slice(0, 50)]);
    expect(fitScores(mixed)?.kind).toBe('numeric');
    expect(fitScores(mixed, { kind: 'categorical' })?.kind).toBe('categorical');
    expect(fitScores(summaryOf([...numbers.slice(0, 50), ...names]))?.kind).toBe('categorical');
  });

  test('do not exist without a value of the kind', () => {
    expect(fitScores(summaryOf([null, null]))).toBeNull();
    expect(fitScores(summaryOf(names), { kind: 'numeric' })).toBeNull();
    expect(fitScores(summaryOf(numbers), { kind: 'categorical' })).toBeNull();
  });

  test('count zeros only where they lie inside the range', () => {
    expect(fitScores(summaryOf(numbers))?.statistics).toContain('zero');
    expect(fitScores(summaryOf(numbers.map((x) => x + 500)))?.statistics).not.toContain('zero');
  });

  test('of a constant are its bounds and what is missing', () => {
    expect(fitScores(summaryOf([7, 7, 7, 7]))?.statistics).toEqual(['loc', 'spread', 'above', 'below', 'miss']);
  });

  test('a value of the other kind is a value that is missing', () => {
    const scores = fitScores(summaryOf(numbers))!;
    const sums = scoreSeries(scores, summaryOf([1, 2, 'three']), 4);
    expect([sums.rows, sums.n, xOf(scores, sums.x, 'miss')]).toEqual([4, 2, 2]);
  });

  test('a span without a summary is missing altogether', () => {
    const scores = fitScores(summaryOf(numbers))!;
    expect(scoreSeries(scores, null, 9)).toEqual({ ...emptySums(scores), rows: 9, x: emptySums(scores).x.with(-1, 9) });
  });

  test('drop `(new)` where the list of categories was cut, and keep counting what is named', () => {
    const cut = { categories: { count: 100, entries: [{ value: 'a', count: 60, error: 0 }], truncated: true } };
    const scores = fitScores({ numeric: null, nonFinite: 0, unsupported: 0, ...cut })!;
    expect(scores.statistics).toEqual(['category:a', '(other)', 'miss']);
    expect(scoreSeries(scores, summaryOf(['a', 'b', 'b']), 3).x).toEqual([1, 2, 0]);
  });

  test('name at most 50 categories, and only those with half a percent', () => {
    const many = times(60, (index) => times(100 - index, () => `c${index}`)).flat();
    const scores = fitScores(summaryOf(many))!;
    expect(scores.statistics.filter((name) => name.startsWith('category:'))).toHaveLength(50);
    const rare = fitScores(summaryOf([...times(996, () => 'a'), ...times(4, () => 'b')]))!;
    expect(rare.statistics).toEqual(['category:a', '(other)', '(new)', 'miss']);
  });
});

test('sums add up over any cut of the rows into spans', () => {
  const random = new Random(13);
  const scores = baselineOf(times(24, () => times(100, () => random.normal())));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -400, max: 400 }), { minLength: 1, maxLength: 60 }), fc.nat(60), (hundredths, at) => {
      const rows = hundredths.map((value) => value / 100);
      const whole = scoreSeries(scores, summaryOf(rows), rows.length);
      const left = scoreSeries(scores, summaryOf(rows.slice(0, at)), rows.slice(0, at).length);
      const right = scoreSeries(scores, summaryOf(rows.slice(at)), rows.slice(at).length);
      const sum = addSums(left, right);
      expect([sum.rows, sum.n]).toEqual([whole.rows, whole.n]);
      // A digest of so few rows still holds every one of them (two equal ones share a centroid).
      sum.x.forEach((x, place) => {
        expect(x).toBeCloseTo(whole.x[place]!, 8);
      });
    }),
  );
});
