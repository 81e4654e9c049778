/**
 * The recipe's own test vectors: exact rows in, every intermediate value out. Sums are made by the exact scorer; everything after the
 * sums is production code.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { alphaOfScale, benjaminiHochberg } from '../../../src/core/detect/significance/family.ts';
import { fitSums } from '../../../src/core/detect/significance/fitSums.ts';
import { addSums, emptySums, normalScore } from '../../../src/core/detect/significance/scores.ts';
import { evaluateSeries } from '../../../src/core/detect/significance/series.ts';
import { fitSlots, oneSlot, slotOf } from '../../../src/core/detect/significance/slots.ts';
import { compareStatistic, fitStatistic } from '../../../src/core/detect/significance/statistic.ts';
import type { SeriesSums, WindowSums } from '../../../src/core/detect/significance/types.ts';
import { hourMs } from '../../../src/core/duration.ts';
import { categoricalScorer, exactMidRank, exactUnseen, numericScorer, type Row } from './exactRows.ts';

interface StatisticVector {
  readonly name: string;
  readonly kind: 'mean' | 'prop';
  readonly baseline: number;
  readonly n: readonly number[];
  readonly x: readonly number[];
  readonly ss?: readonly number[];
  readonly s2: number;
  readonly slotMean: readonly number[];
  readonly chain: readonly { units: number; estimate: number; phi: number; nu: number }[];
  readonly tail: { units: number; K: number };
  readonly windows: readonly {
    panes: number;
    nu: number;
    at: readonly number[];
    effect: readonly number[];
    phi: readonly number[];
    z: readonly number[];
    p: readonly number[];
  }[];
}

interface SeriesVector {
  readonly name: string;
  readonly kind: 'numeric' | 'categorical';
  readonly values: readonly Row[];
  readonly statistics: number;
  readonly windows: readonly {
    panes: number;
    at: readonly number[];
    p: readonly number[];
    statistic: readonly string[];
    effect: readonly number[];
  }[];
}

interface Vectors {
  readonly parameters: { budget: number; period_d: number };
  readonly statistics: readonly StatisticVector[];
  readonly score: { x: readonly number[]; u: readonly number[]; g: readonly number[] };
  readonly series: readonly SeriesVector[];
  readonly rowPane: readonly number[];
  readonly adjusted: readonly { panes: number; alpha: number; at: readonly number[]; breach: readonly (readonly boolean[])[] }[];
}

// The file is ours and its shape is fixed above.
const vectors = JSON.parse(readFileSync(new URL('oracles/recipe-vectors.json', import.meta.url), 'utf8')) as Vectors;

const baselineUnits = 168;
const minimumEffect = { location: 0.05, spread: 0.05, share: 0.01, totalVariation: 0.01 };

/** Figures that the vectors give to 12 digits: equal to 1e-8 relative. */
function expectClose(actual: number, expected: number, what: string): void {
  const error = Math.abs(actual - expected);
  expect(error <= 1e-8 * Math.abs(expected) || error === 0, `${what}: ${actual} is not ${expected}`).toBe(true);
}

describe('a statistic of the vectors', () => {
  for (const vector of vectors.statistics) {
    const slots = vector.slotMean.length === 1 ? oneSlot : fitSlots([...vector.n.keys()].slice(0, vector.baseline), vector.n, hourMs);
    const fitted = fitStatistic({
      kind: vector.kind === 'mean' ? 'mean' : 'count',
      unitMs: hourMs,
      n: vector.n.slice(0, vector.baseline),
      x: vector.x.slice(0, vector.baseline),
      ...(vector.ss === undefined ? {} : { ss: vector.ss.slice(0, vector.baseline) }),
      slotOfUnit: (index) => slotOf(slots, index),
      slots: slots.slots,
    });
    // The JSON of the model must do what the model does.
    const model: typeof fitted = JSON.parse(JSON.stringify(fitted));

    test(`${vector.name}: rates, variance, chain and tail weight`, () => {
      expectClose(model!.rates.s2, vector.s2, 's2');
      vector.slotMean.forEach((mean, slot) => {
        expectClose(model!.rates.means[slot]!, mean, `M_${slot}`);
      });
      expect(model!.dispersion.links.map(({ units }) => units)).toEqual(vector.chain.map(({ units }) => units));
      vector.chain.forEach((link, index) => {
        const ours = model!.dispersion.links[index]!;
        expectClose(ours.estimate, link.estimate, `est_${link.units}`);
        expectClose(ours.phi, link.phi, `phi_${link.units}`);
        expectClose(ours.nu, link.nu, `nu_${link.units}`);
      });
      expect(model!.dispersion.longTail.units).toBe(vector.tail.units);
      expectClose(model!.dispersion.longTail.excess, vector.tail.K, 'K');
    });

    for (const window of vector.windows) {
      test(`${vector.name}: windows of ${window.panes} h`, () => {
        window.at.forEach((at, index) => {
          const slotRows = new Float64Array(slots.slots);
          let n = 0;
          let x = 0;
          for (let pane = at - window.panes + 1; pane <= at; pane += 1) {
            slotRows[slotOf(slots, pane)]! += vector.n[pane]!;
            n += vector.n[pane]!;
            x += vector.x[pane]!;
          }
          const comparison = compareStatistic(model!, { n, x, slotRows }, window.panes * hourMs);
          expectClose(comparison.nu, window.nu, 'nu');
          expectClose(comparison.effect, window.effect[index]!, 'effect');
          expectClose(comparison.phi, window.phi[index]!, 'phi');
          expectClose(comparison.z, window.z[index]!, 'z');
          expectClose(comparison.p, window.p[index]!, 'p');
        });
      });
    }
  }
});

test('the normal scores of the vectors', () => {
  const sorted = rowsByPane(vectors.series[0]!)
    .slice(0, baselineUnits)
    .flat()
    .filter((row) => typeof row === 'number')
    .sort((left, right) => left - right);
  vectors.score.x.forEach((x, index) => {
    const u = exactMidRank(sorted, x);
    expectClose(u, vectors.score.u[index]!, `u(${x})`);
    expectClose(normalScore(u, sorted.length), vectors.score.g[index]!, `g(${x})`);
  });
});

function rowsByPane(vector: SeriesVector): Row[][] {
  const panes: Row[][] = Array.from({ length: Math.max(...vectors.rowPane) + 1 }, () => []);
  vector.values.forEach((value, row) => {
    panes[vectors.rowPane[row]!]!.push(value);
  });
  return panes;
}

/** A statistic's name in the vectors. */
function vectorName(statistic: string): string {
  if (statistic === 'above') return '>max';
  if (statistic === 'below') return '<min';
  return statistic.replace(/^(category|cut):/, '');
}

/** Evaluates a window of a series of the vectors, given as its name, by its last pane and its length. */
function prepare(vector: SeriesVector) {
  const panes = rowsByPane(vector);
  const baselinePanes = panes.slice(0, baselineUnits);
  const scorer = vector.kind === 'numeric' ? numericScorer(baselinePanes.flat()) : categoricalScorer(baselinePanes.flat());
  const sums = panes.map(scorer.sums);
  const units = sums.slice(0, baselineUnits).map((each, unit) => ({ unit, sums: each }));
  const baseline = fitSums(scorer.scores, units, hourMs, exactUnseen(baselinePanes, 24))!;
  const windowOf = (at: number, length: number): WindowSums => {
    let total: SeriesSums = emptySums(scorer.scores);
    const rows = [];
    for (let pane = at - length + 1; pane <= at; pane += 1) {
      total = addSums(total, sums[pane]!);
      rows.push({ unit: pane, rows: sums[pane]!.rows, n: sums[pane]!.n });
    }
    return { units: rows, sums: total };
  };
  return {
    scores: scorer.scores,
    evaluate: (at: number, length: number) => evaluateSeries(baseline, windowOf(at, length), length * hourMs, minimumEffect, 0.001),
  };
}

describe('a series of the vectors', () => {
  const prepared = vectors.series.map(prepare);

  vectors.series.forEach((vector, place) => {
    const { scores, evaluate } = prepared[place]!;
    test(`${vector.name}: number of statistics`, () => {
      // The vectors leave `miss` out of categorical series.
      expect(scores.statistics.length - (vector.kind === 'categorical' ? 1 : 0)).toBe(vector.statistics);
    });
    for (const window of vector.windows) {
      test(`${vector.name}: windows of ${window.panes} h`, () => {
        window.at.forEach((at, index) => {
          const evaluation = evaluate(at, window.panes);
          expect(vectorName(evaluation.statistic)).toBe(window.statistic[index]);
          expectClose(evaluation.p, window.p[index]!, `p at ${at}`);
          expectClose(evaluation.effect, window.effect[index]!, `effect at ${at}`);
        });
      });
    }
  });

  for (const adjusted of vectors.adjusted) {
    test(`which breach at windows of ${adjusted.panes} h`, () => {
      const alpha = alphaOfScale({
        incidents: vectors.parameters.budget,
        perMs: vectors.parameters.period_d * 24 * hourMs,
        windowMs: adjusted.panes * hourMs,
        usableScales: 3,
        families: 1,
      });
      expectClose(alpha, adjusted.alpha, 'alpha');
      adjusted.at.forEach((at, index) => {
        const pValues = prepared.map(({ evaluate }) => evaluate(at, adjusted.panes).p);
        expect(benjaminiHochberg(pValues, alpha)).toEqual(adjusted.breach[index]);
      });
    });
  }
});
