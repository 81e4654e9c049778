/** The stored predictions of one version, by pane, and the way from an id to its rows. */
import { dayMs } from '../duration.ts';
import type { FeedbackSampleEntry, Hash64, PredictionSampleEntry, Sample } from '../sketch/types.ts';
import { HashIndex } from './hashIndex.ts';
import { PredictionPane } from './predictionPane.ts';

/** Span of one index: a lookup over a horizon of two weeks asks five of them, and memory is given back at this grain. */
const indexSpanMs = 4 * dayMs;
/** Rows of a pane that a reference can tell apart: the largest sample (docs/design/protocol.md, Values). */
export const mostRows = 65_536;

export class Cohort {
  readonly #hopMs: number;
  readonly #segmentNames: number;
  /** An id is looked for among the panes of this span before a record, and its label is admitted this long after it. */
  readonly #horizonMs: number;
  readonly #panes = new Map<number, PredictionPane>();
  /** Pane starts, ascending. */
  readonly #order: number[] = [];
  readonly #indexes = new Map<number, HashIndex>();

  constructor(options: { readonly hopMs: number; readonly horizonMs: number; readonly segmentNames: number }) {
    this.#hopMs = options.hopMs;
    this.#horizonMs = options.horizonMs;
    this.#segmentNames = options.segmentNames;
  }

  /** Adds a pane; a pane that is there already stays as it is, because facts are immutable. */
  add(paneMs: number, sample: Sample<PredictionSampleEntry>, rows: number): PredictionPane | null {
    if (this.#panes.has(paneMs)) return null;
    const pane = new PredictionPane(paneMs, sample, this.#segmentNames, rows);
    this.#markDuplicates(pane);
    this.#panes.set(paneMs, pane);
    let place = this.#order.length;
    while (place > 0 && this.#order[place - 1]! > paneMs) place -= 1;
    this.#order.splice(place, 0, paneMs);
    this.#index(pane);
    return pane;
  }

  pane(paneMs: number): PredictionPane | undefined {
    return this.#panes.get(paneMs);
  }

  get isEmpty(): boolean {
    return this.#order.length === 0;
  }

  /** Stored rows, those of which only the hash is left included. */
  get rows(): number {
    let rows = 0;
    for (const pane of this.#panes.values()) rows += pane.length;
    return rows;
  }

  /** Panes that start in [fromMs, toMs), ascending. */
  panes(fromMs: number, toMs: number): PredictionPane[] {
    const found: PredictionPane[] = [];
    for (let at = this.#firstFrom(fromMs); at < this.#order.length && this.#order[at]! < toMs; at += 1) {
      found.push(this.#panes.get(this.#order[at]!)!);
    }
    return found;
  }

  /** Start of the first pane of [fromMs, toMs) that has a label; null where there is none. */
  firstLabelled(fromMs: number, toMs: number): number | null {
    for (let at = this.#firstFrom(fromMs); at < this.#order.length && this.#order[at]! < toMs; at += 1) {
      if (this.#panes.get(this.#order[at]!)!.labelled > 0) return this.#order[at]!;
    }
    return null;
  }

  /** Gives a label to the rows of its id in panes of [fromMs, toMs]; whether there was one. */
  label(label: FeedbackSampleEntry, share: number, fromMs: number, toMs: number): boolean {
    let isMatched = false;
    for (const { pane, row } of this.#find(label.hash, fromMs, toMs)) {
      pane.label(row, label, share);
      isMatched = true;
    }
    return isMatched;
  }

  /** Forgets panes that start before `dropMs`, and all but the hashes of those before `stripMs`. */
  expire(stripMs: number, dropMs: number): void {
    const dropped = this.#firstFrom(dropMs);
    for (const paneMs of this.#order.splice(0, dropped)) this.#panes.delete(paneMs);
    for (const paneMs of this.#order) {
      if (paneMs >= stripMs) break;
      const pane = this.#panes.get(paneMs)!;
      if (!pane.isStripped) pane.strip();
    }
    for (const span of this.#indexes.keys()) if ((span + 1) * indexSpanMs <= dropMs) this.#indexes.delete(span);
  }

  #firstFrom(timeMs: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#order[middle]! < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Works in whatever order panes come: a row is a duplicate if its id stands in an earlier pane within the horizon. */
  #markDuplicates(pane: PredictionPane): void {
    if (this.isEmpty) return;
    for (let row = 0; row < pane.length; row += 1) {
      const hash = { high: pane.high[row]!, low: pane.low[row]! };
      for (const other of this.#find(hash, pane.paneMs - this.#horizonMs, pane.paneMs + this.#horizonMs)) {
        if (other.pane.paneMs < pane.paneMs) pane.duplicate[row] = 1;
        else other.pane.duplicate[other.row] = 1;
      }
    }
  }

  #index(pane: PredictionPane): void {
    const span = Math.floor(pane.paneMs / indexSpanMs);
    let index = this.#indexes.get(span);
    if (index === undefined) {
      index = new HashIndex();
      this.#indexes.set(span, index);
    }
    const first = ((pane.paneMs - span * indexSpanMs) / this.#hopMs) * mostRows;
    for (let row = 0; row < pane.length; row += 1) index.add(pane.low[row]!, first + row);
  }

  #find(hash: Hash64, fromMs: number, toMs: number): { pane: PredictionPane; row: number }[] {
    const found: { pane: PredictionPane; row: number }[] = [];
    for (let span = Math.floor(fromMs / indexSpanMs); span <= Math.floor(toMs / indexSpanMs); span += 1) {
      for (const reference of this.#indexes.get(span)?.find(hash.low) ?? []) {
        const paneMs = span * indexSpanMs + Math.floor(reference / mostRows) * this.#hopMs;
        const pane = paneMs < fromMs || paneMs > toMs ? undefined : this.#panes.get(paneMs);
        const row = reference % mostRows;
        // The pane may be gone or cut since.
        if (pane !== undefined && row < pane.length && pane.high[row] === hash.high && pane.low[row] === hash.low)
          found.push({ pane, row });
      }
    }
    return found;
  }
}
