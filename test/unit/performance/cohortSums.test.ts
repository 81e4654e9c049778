import { describe, expect, it } from 'vitest';
import type { CohortSums } from '../../../src/core/performance/cohortSums.ts';
import { effectiveRows, meanOf, sumCohort } from '../../../src/core/performance/cohortSums.ts';
import { LabelJoin } from '../../../src/core/performance/labelJoin.ts';
import { Random } from '../../support/random.ts';
import type { Case } from './stream.ts';
import { dayMs, hopMs, hourMs, samplesOf, start } from './stream.ts';

/** Two panes: a busy one where the model is good, a quiet one where it is bad. Half of the busy one has labels. */
const busy = { rows: 1500, correct: 1350, labelled: 750 };
const quiet = { rows: 300, correct: 150, labelled: 300 };
const truth = { accuracy: (675 + 150) / (750 + 300), labelled: 1050, coverage: 1050 / 1800, busyAccuracy: 0.9 };

function population(name: string): Case[] {
  const pane = (which: string, timeMs: number, arrivalMs: number, { rows, correct, labelled }: typeof busy): Case[] =>
    Array.from({ length: rows }, (_, at) => ({
      id: `${name}-${which}-${at}`,
      timeMs,
      prediction: 'yes',
      segments: [which],
      labels: at < labelled ? [{ arrivalMs, label: at < (correct / rows) * labelled ? 'yes' : 'no' }] : [],
    }));
  return [...pane('busy', start, start + dayMs, busy), ...pane('quiet', start + hourMs, start + 3 * dayMs, quiet)];
}

function sumsOf(cases: readonly Case[], k?: { readonly predictions: number; readonly feedback: number }): readonly CohortSums[] {
  const join = new LabelJoin({ hopMs, latenessMs: hourMs, horizonMs: 14 * dayMs, segmentNames: 1, rowsPerPane: 65_536 });
  const { predictions, feedback } = samplesOf(cases, k);
  for (const [pane, versions] of predictions) for (const [version, sample] of versions) join.addPredictions(pane, version, sample);
  for (const [pane, sample] of feedback) join.addFeedback(pane, sample);
  const panes = join.cohort('v1')!.panes(start, start + dayMs);
  return sumCohort(panes, { metric: 'accuracy', segmentNames: ['load'], segments: [['load', 'busy']] });
}

describe('sums of joined labels', () => {
  it('are exact while nothing was cut', () => {
    const [whole, ofBusy] = sumsOf(population('exact'));
    expect(whole!.total).toEqual({ rows: 1050, weight: 1050, square: 1050, x: 825, ss: 825 });
    expect(whole!.predicted).toBe(1800);
    expect(effectiveRows(whole!.total)).toBe(1050);
    expect(ofBusy!.total).toEqual({ rows: 750, weight: 750, square: 750, x: 675, ss: 675 });
    expect(ofBusy!.predicted).toBe(1500);
  });

  it('are unbiased under sampling of predictions and of labels: 400 seeds, within four standard errors', () => {
    // In the busy pane the prediction sample is the tighter one, in the quiet pane nothing of the predictions but some labels are cut.
    const k = { predictions: 300, feedback: 250 };
    const seeds = 400;
    const figures = { accuracy: [] as number[], labelled: [] as number[], coverage: [] as number[], busyAccuracy: [] as number[] };
    let unweighted = 0;
    for (let seed = 0; seed < seeds; seed += 1) {
      const [whole, ofBusy] = sumsOf(population(`seed-${seed}`), k);
      const slots = whole!.slots.filter(({ rows }) => rows > 0);
      expect(slots.length).toBe(2);
      figures.accuracy.push(meanOf(whole!.total));
      figures.labelled.push(whole!.total.weight);
      figures.coverage.push(whole!.total.weight / whole!.predicted);
      figures.busyAccuracy.push(meanOf(ofBusy!.total));
      unweighted += slots.reduce((sum, slot) => sum + meanOf(slot) * slot.rows, 0) / whole!.total.rows / seeds;
    }
    for (const [name, values] of Object.entries(figures)) {
      const expected = truth[name as keyof typeof truth];
      const mean = values.reduce((sum, value) => sum + value, 0) / seeds;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (seeds - 1);
      expect(variance, name).toBeGreaterThan(0);
      // Ratios of two estimates have a bias of the order of the variance itself.
      expect(Math.abs(mean - expected), name).toBeLessThan(4 * Math.sqrt(variance / seeds) + variance / expected);
    }
    expect(Math.abs(unweighted - truth.accuracy)).toBeGreaterThan(0.03);
  });

  it('know as much as their effective number of rows says', () => {
    const [whole] = sumsOf(population('effective'), { predictions: 300, feedback: 250 });
    expect(effectiveRows(whole!.total)).toBeLessThan(whole!.total.rows);
    expect(effectiveRows(whole!.total)).toBeGreaterThan(whole!.total.rows / 3);
  });

  it('weigh an id once whose labels came in panes with different thresholds', () => {
    const random = new Random(7);
    let total = 0;
    const seeds = 200;
    for (let seed = 0; seed < seeds; seed += 1) {
      // All 400 ids have a label in a pane that is not cut and a correction in one that other labels have filled.
      const corrected: Case[] = Array.from({ length: 400 }, (_, at) => ({
        id: `${seed}-${at}-${random.int(1e9)}`,
        timeMs: start,
        prediction: 1,
        labels: [
          { arrivalMs: start + hourMs, label: 0 },
          { arrivalMs: start + dayMs, label: 1 },
        ],
      }));
      total += sumsOf(corrected, { predictions: 65_536, feedback: 100 })[0]!.total.weight / seeds;
    }
    expect(total).toBeGreaterThan(380);
    expect(total).toBeLessThan(420);
  });
});
