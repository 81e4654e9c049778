/**
 * Weighted sums of the labelled rows of a span of predictions, overall and per segment value. They are added up afresh from the rows,
 * panes in order of time and rows in order of hash, so that the same stored samples give the same bits whenever and however often.
 */
import type { SegmentKey } from '../summarize/messages.ts';
import { delaySlot, delaySlots } from './delays.ts';
import type { PredictionPane } from './predictionPane.ts';
import type { PerformanceMetric } from './types.ts';

/** Sums over rows y with weights w. */
export interface WeightedSums {
  rows: number;
  /** Sum of w. */
  weight: number;
  /** Sum of w^2. */
  square: number;
  /** Sum of w y. */
  x: number;
  /** Sum of w y^2. */
  ss: number;
}

/** One series of a span. */
export interface CohortSums {
  readonly segment: SegmentKey;
  /** Weight of all predictions, labelled or not. */
  predicted: number;
  readonly total: WeightedSums;
  /** By delay slot. */
  readonly slots: readonly WeightedSums[];
}

export function emptySums(): WeightedSums {
  return { rows: 0, weight: 0, square: 0, x: 0, ss: 0 };
}

export function addRow(sums: WeightedSums, weight: number, y: number): void {
  sums.rows += 1;
  sums.weight += weight;
  sums.square += weight * weight;
  sums.x += weight * y;
  sums.ss += weight * y * y;
}

/** Adds `other` to `sums`. */
export function addSums(sums: WeightedSums, other: WeightedSums): void {
  sums.rows += other.rows;
  sums.weight += other.weight;
  sums.square += other.square;
  sums.x += other.x;
  sums.ss += other.ss;
}

/** (sum w)^2 / sum w^2: how many rows of equal weight would know as much. 0 without rows. */
export function effectiveRows(sums: WeightedSums): number {
  return sums.square > 0 ? (sums.weight * sums.weight) / sums.square : 0;
}

/** Weighted mean of y. Only for sums with rows. */
export function meanOf(sums: WeightedSums): number {
  return sums.x / sums.weight;
}

/** Weighted variance of y around its mean. Only for sums with rows. */
export function varianceOf(sums: WeightedSums): number {
  const mean = meanOf(sums);
  return Math.max(0, sums.ss / sums.weight - mean * mean);
}

/** Score of a labelled row: 1 or 0 for accuracy, the absolute error for `mae`; NaN where there is none. */
export function scoreOf(pane: PredictionPane, row: number, metric: PerformanceMetric): number {
  return metric === 'accuracy' ? pane.isCorrect(row) : pane.absoluteError(row);
}

/** The series of a span: the whole is always the first, then the segment values that were asked for. */
class SeriesTable {
  readonly sums: CohortSums[] = [];
  readonly #byName = new Map<string, Map<string, CohortSums>>();

  constructor(segments: readonly SegmentKey[]) {
    this.#open(null);
    for (const segment of segments) if (segment !== null) this.#open(segment);
  }

  /** Series of a segment value; null where it was not asked for. */
  of(name: string, value: string): CohortSums | null {
    return this.#byName.get(name)?.get(value) ?? null;
  }

  #open(segment: SegmentKey): void {
    const sums = { segment, predicted: 0, total: emptySums(), slots: Array.from({ length: delaySlots }, emptySums) };
    this.sums.push(sums);
    if (segment === null) return;
    const [name, value] = segment;
    const values = this.#byName.get(name) ?? new Map<string, CohortSums>();
    this.#byName.set(name, values.set(value, sums));
  }
}

export interface SumOptions {
  readonly metric: PerformanceMetric;
  /** Names of the watched segments, in the order of the samples. */
  readonly segmentNames: readonly string[];
  /** Segment values to add up; the whole is added up anyway. */
  readonly segments: readonly SegmentKey[];
  /** Whether rows of a pane with labels of this slot count; all do where it is left out. */
  readonly isExposed?: (paneMs: number, slot: number) => boolean;
}

/** Sums of the rows of these panes: the whole first. */
export function sumCohort(panes: readonly PredictionPane[], options: SumOptions): readonly CohortSums[] {
  const table = new SeriesTable(options.segments);
  const whole = table.sums[0]!;
  for (const pane of panes) {
    // Segment values are codes of the pane: each is looked up once a pane, not once a row.
    const seriesOfCode = options.segmentNames.map(() => new Map<number, CohortSums | null>());
    const isExposed = options.isExposed;
    const predictedWeight = 1 / pane.share;
    for (let row = 0; row < pane.length; row += 1) {
      if (!pane.counts(row)) continue;
      const y = scoreOf(pane, row, options.metric);
      let slot = -1;
      if (!Number.isNaN(y)) {
        slot = delaySlot(pane.delayMs(row));
        if (isExposed !== undefined && !isExposed(pane.paneMs, slot)) slot = -1;
      }
      const weight = slot < 0 ? 0 : pane.pairWeight(row);
      addTo(whole, predictedWeight, slot, weight, y);
      for (let name = 0; name < seriesOfCode.length; name += 1) {
        const code = pane.segmentCode(name, row);
        if (code === 0) continue;
        let series = seriesOfCode[name]!.get(code);
        if (series === undefined) {
          series = table.of(options.segmentNames[name]!, pane.text(code) ?? '');
          seriesOfCode[name]!.set(code, series);
        }
        if (series !== null) addTo(series, predictedWeight, slot, weight, y);
      }
    }
  }
  return table.sums;
}

function addTo(series: CohortSums, predictedWeight: number, slot: number, weight: number, y: number): void {
  series.predicted += predictedWeight;
  if (slot < 0) return;
  addRow(series.total, weight, y);
  addRow(series.slots[slot]!, weight, y);
}
