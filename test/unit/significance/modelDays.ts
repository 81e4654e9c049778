/**
 * A model with the default windows (hop 5 min; scales 1, 6 and 24 h; 7 days of baseline) on synthetic traffic, from rows over digests to
 * incidents by the rule of the recipe's section 6. Measures false alarms and delays.
 */
import { alphaOfScale, benjaminiHochberg } from '../../../src/core/detect/significance/family.ts';
import { addSums, emptySums, scoreSeries } from '../../../src/core/detect/significance/scores.ts';
import { effectOf, evaluateSeries, fitSeries, type SeriesBaseline } from '../../../src/core/detect/significance/series.ts';
import type { SeriesSums, WindowSums } from '../../../src/core/detect/significance/types.ts';
import { mergeSeries } from '../../../src/core/sketch/merge.ts';
import type { SeriesSummary } from '../../../src/core/sketch/types.ts';
import { Random } from '../../support/random.ts';
import { categoryCap, digest, hourMs, minimumEffect, summaryOf, times } from './traffic.ts';

const hopMs = hourMs / 12;
const panesPerDay = 288;
const baselinePanes = 7 * panesPerDay;
const scalesMs = [1, 6, 24].map((hours) => hours * hourMs);
const stepsPerWindow = 12;
/** Evaluations in a row that open an incident. */
const openAfter = 2;

/** The rows of the next pane of one series. `pane` counts from the beginning of the baseline. */
export type Traffic = (random: Random) => (pane: number, rows: number) => number[];

/** Rows whose mean wanders (an Ornstein-Uhlenbeck process) around a daily rhythm. Standard deviation of a row around its mean: 1. */
export function wandering(options: { readonly size: number; readonly correlationMs: number; readonly rhythm: number }): Traffic {
  const keep = Math.exp(-hopMs / options.correlationMs);
  return (random) => {
    let level = options.size * random.normal();
    return (pane, rows) => {
      level = keep * level + options.size * Math.sqrt(1 - keep * keep) * random.normal();
      const mean = level + options.rhythm * Math.sin((2 * Math.PI * pane) / panesPerDay);
      return times(rows, () => mean + random.normal());
    };
  };
}

/** Independent rows with bursts of 10 minutes, a few a day, in which half of the rows lie one standard deviation higher. */
export const bursts: Traffic = (random) => {
  let left = 0;
  return (_pane, rows) => {
    if (left === 0 && random.next() < 4 / panesPerDay) left = 2;
    const isBurst = left > 0;
    if (isBurst) left -= 1;
    return times(rows, (row) => random.normal() + (isBurst && row % 2 === 0 ? 1 : 0));
  };
};

export interface Run {
  readonly seed: number;
  readonly series: number;
  readonly rowsPerPane: number;
  /** Days after the baseline. */
  readonly days: number;
  readonly traffic: Traffic;
  /** Added to every row of the first series from this hour after the baseline on. */
  readonly shift?: { readonly afterHours: number; readonly by: number };
}

/**
 * Hours after the end of the baseline at which an incident opened. Once open it stays so until 24 h after the last breach, so that
 * one disturbance counts once.
 */
export function openings(run: Run): number[] {
  const random = new Random(run.seed);
  const makers = times(run.series, () => run.traffic(random));
  const baselines = makers.map((next) => {
    const panes = times(baselinePanes, (pane) => summaryOf(next(pane, run.rowsPerPane)));
    return fitHours(panes, run.rowsPerPane);
  });
  const history: SeriesSums[][] = baselines.map(() => []);
  const inRow = scalesMs.map(() => 0);
  const opened: number[] = [];
  let openUntil = Number.NEGATIVE_INFINITY;

  for (let index = 0; index < run.days * panesPerDay; index += 1) {
    const hours = (index + 1) / 12;
    makers.forEach((next, series) => {
      const isShifted = series === 0 && run.shift !== undefined && hours > run.shift.afterHours;
      const by = isShifted ? (run.shift?.by ?? 0) : 0;
      const rows = next(baselinePanes + index, run.rowsPerPane).map((value) => value + by);
      const { scores } = baselines[series]!;
      if (scores.kind !== 'rate') history[series]!.push(scoreSeries(scores, summaryOf(rows), rows.length));
    });
    scalesMs.forEach((windowMs, scale) => {
      const panes = windowMs / hopMs;
      if ((index + 1) % (panes / stepsPerWindow) !== 0 || index + 1 < panes) return;
      const verdict = decide(baselines, history, index, windowMs);
      inRow[scale] = verdict.isBreach ? inRow[scale]! + 1 : 0;
      if (verdict.isBreach && hours <= openUntil) openUntil = hours + 24;
      if (inRow[scale]! < openAfter || !verdict.isNew || hours <= openUntil) return;
      opened.push(hours);
      openUntil = hours + 24;
    });
  }
  return opened;
}

/** The baseline as detect learns it: units of an hour, merged from their panes. */
function fitHours(panes: readonly SeriesSummary[], rowsPerPane: number): SeriesBaseline {
  const units = times(panes.length / 12, (unit) => ({
    unit,
    rows: 12 * rowsPerPane,
    summary: mergeSeries(panes.slice(12 * unit, 12 * unit + 12), digest, categoryCap),
  }));
  return fitSeries(units, { unitMs: hourMs, digest, categoryCap })!;
}

/** Whether any series breaches in the window that ends with this pane, and whether its newest third still shows it. */
function decide(
  baselines: readonly SeriesBaseline[],
  history: readonly (readonly SeriesSums[])[],
  index: number,
  windowMs: number,
): { readonly isBreach: boolean; readonly isNew: boolean } {
  const alpha = alphaOfScale({ incidents: 1, perMs: 720 * hourMs, windowMs, usableScales: scalesMs.length, families: 1 });
  const panes = windowMs / hopMs;
  const evaluations = baselines.map((baseline, series) =>
    evaluateSeries(baseline, windowOf(baseline, history[series]!, index, panes), windowMs, minimumEffect, alpha),
  );
  const breaches = benjaminiHochberg(
    evaluations.map(({ p }) => p),
    alpha,
  );
  const isNew = breaches.some((isBreach, series) => {
    if (!isBreach) return false;
    const { statistic, effect } = evaluations[series]!;
    const newest = effectOf(baselines[series]!, windowOf(baselines[series]!, history[series]!, index, panes / 3), statistic);
    return Math.sign(newest) === Math.sign(effect) && Math.abs(newest) >= Math.abs(effect) / 2;
  });
  return { isBreach: breaches.some(Boolean), isNew };
}

function windowOf(baseline: SeriesBaseline, history: readonly SeriesSums[], index: number, panes: number): WindowSums {
  const units = new Map<number, { unit: number; rows: number; n: number }>();
  let sums = emptySums(baseline.scores);
  for (let pane = index - panes + 1; pane <= index; pane += 1) {
    const of = history[pane]!;
    const unit = Math.floor((baselinePanes + pane) / 12);
    const known = units.get(unit) ?? { unit, rows: 0, n: 0 };
    units.set(unit, { unit, rows: known.rows + of.rows, n: known.n + of.n });
    sums = addSums(sums, of);
  }
  return { units: [...units.values()], sums };
}
