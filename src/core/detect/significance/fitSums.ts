/** Fits all statistics of a series from the sums of its baseline's units (recipe, sections 2 to 4): what the sums were made from no longer matters. */
import { borrow } from './dispersion.ts';
import { newCategories, otherCategories } from './scores.ts';
import type { SlotMap } from './slots.ts';
import { fitSlots, slotOf } from './slots.ts';
import type { StatisticBaseline, StatisticModel } from './statistic.ts';
import { fitStatistic } from './statistic.ts';
import type { SeriesBaseline, SeriesScores, SeriesSums } from './types.ts';

/** Sums of one absolute unit (`floor(time / unitMs)`). */
export interface UnitSums {
  readonly unit: number;
  readonly sums: SeriesSums;
}

/**
 * Fits a baseline.
 *
 * @param units all units of the baseline in order, those without rows included
 * @param unseen what stands for `(new)` in each unit; not read where the scores have no such statistic
 * @param slots hours of the day by the rows that they have, unless given
 * @returns null where there are fewer than five units, or no row with a value
 */
export function fitSums(
  scores: SeriesScores,
  units: readonly UnitSums[],
  unitMs: number,
  unseen: readonly number[],
  slots: SlotMap = fitSlots(
    units.map(({ unit }) => unit),
    units.map(({ sums }) => sums.n),
    unitMs,
  ),
): SeriesBaseline | null {
  const columns = columnsOf(scores, units);
  const rows = sumOf(columns.rows);
  const n = sumOf(columns.n);
  if (n === 0) return null;
  const shared = { unitMs, slots: slots.slots, slotOfUnit: (index: number) => slotOf(slots, units[index]!.unit) };
  const models: StatisticModel[] = [];
  for (let place = 0; place < scores.statistics.length; place += 1) {
    const name = scores.statistics[place]!;
    const column = { ...shared, n: name === 'miss' ? columns.rows : columns.n, x: columns.x[place]!, ss: columns.ss[place]! };
    const model = fitStatistic(inputOf(name, column, models, columns, unseen));
    if (model === null) return null;
    models.push(model);
  }
  const borrowed = borrowedPlaces(scores);
  const final = models.map((model, place) => {
    const lenders = borrowed[place]?.map((lender) => models[lender]!.dispersion);
    return lenders === undefined ? model : { ...model, dispersion: borrow(model.dispersion, lenders) };
  });
  return { scores, slots, rows, n, models: final, lenders: borrowed.map((places) => places ?? []) };
}

/** What a statistic is fitted from: its own sums, or those that stand for what the baseline by its nature cannot contain. */
function inputOf(
  name: string,
  column: Omit<StatisticBaseline, 'kind'>,
  fitted: readonly StatisticModel[],
  columns: Columns,
  unseen: readonly number[],
): StatisticBaseline {
  const units = column.n.length;
  if (name === 'loc') return { ...column, kind: 'mean' };
  if (name === 'spread') return { ...column, kind: 'mean', location: { x: columns.x[0]!, rates: fitted[0]!.rates } };
  // A new value exceeds the largest of N with probability 1 / (N + 1): the baseline counts as having one such row.
  if (name === 'above' || name === 'below') return { ...column, kind: 'count', x: new Float64Array(units).fill(1 / units) };
  if (name === newCategories) {
    const total = unseen.reduce((sum, count) => sum + count, 0);
    return { ...column, kind: 'count', x: new Float64Array(units).fill(total / units), residualX: unseen };
  }
  return { ...column, kind: 'count' };
}

/** Sums by statistic and unit. */
interface Columns {
  readonly rows: Float64Array;
  readonly n: Float64Array;
  readonly x: readonly Float64Array[];
  readonly ss: readonly Float64Array[];
}

function columnsOf(scores: SeriesScores, units: readonly UnitSums[]): Columns {
  const column = (): Float64Array => new Float64Array(units.length);
  const columns = { rows: column(), n: column(), x: scores.statistics.map(column), ss: scores.statistics.map(column) };
  units.forEach(({ sums }, index) => {
    columns.rows[index] = sums.rows;
    columns.n[index] = sums.n;
    for (let place = 0; place < scores.statistics.length; place += 1) {
      columns.x[place]![index] = sums.x[place]!;
      columns.ss[place]![index] = sums.ss[place]!;
    }
  });
  return columns;
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/**
 * Statistics that hardly occur in the baseline, and the places of those whose dispersion they take over. Null: stands on its own; empty:
 * there is nothing to borrow from.
 */
function borrowedPlaces(scores: SeriesScores): (readonly number[] | null)[] {
  const cuts = placesOf(scores, (name) => name.startsWith('cut:'));
  const categories = placesOf(scores, (name) => name.startsWith('category:') || name === otherCategories);
  return scores.statistics.map((name) => {
    if (name === 'above') return cuts.slice(-1);
    if (name === 'below') return cuts.slice(0, 1);
    if (name === 'zero') return cuts;
    return name === newCategories ? categories : null;
  });
}

function placesOf(scores: SeriesScores, isWanted: (name: string) => boolean): number[] {
  return scores.statistics.flatMap((name, place) => (isWanted(name) ? [place] : []));
}
