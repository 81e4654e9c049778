/**
 * The sampled predictions of one version in one pane, as columns, with the labels that have come for them. Columns, because a model
 * may hold millions of rows for weeks: a row takes about 100 bytes here and several times that as objects.
 */
import { canonicalValue } from '../record/record.ts';
import { compareHash, hashShare } from '../sketch/hash.ts';
import type { FeedbackSampleEntry, Hash64, PredictionSampleEntry, Sample } from '../sketch/types.ts';

const valueNone = 0;
const valueNumber = 1;
const valueText = 2;

/** Where a label came from; of several labels of one id the last by (timeMs, partition, offset) wins. */
export interface Label {
  readonly timeMs: number;
  /** -1 for a label that came with the prediction. */
  readonly partition: number;
  readonly offset: number;
  readonly arrivalMs: number;
  readonly label: number | string;
}

/** Label columns: half of the memory of a pane, allocated with its first label. `kind` none: no label yet. */
interface LabelColumns {
  readonly kind: Uint8Array;
  readonly value: Float64Array;
  readonly timeMs: Float64Array;
  readonly partition: Int32Array;
  readonly offset: Float64Array;
  readonly delayMs: Float64Array;
  /** Inclusion probability by the feedback sample. */
  readonly share: Float64Array;
}

export class PredictionPane {
  readonly paneMs: number;
  /** Rows of the sample that was offered, before the byte budget cut it. */
  readonly offered: number;
  /** Rows in it, ascending by hash. */
  length: number;
  /** Inclusion probability of a prediction: the threshold as a share of the hash space, 1 while nothing was cut. */
  share: number;
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** 1 where an earlier pane holds the same id: the first record of an id counts. */
  readonly duplicate: Uint8Array;
  labelled = 0;
  #offsetMs: Uint32Array;
  #kind: Uint8Array;
  #value: Float64Array;
  #segments: readonly Uint32Array[];
  #labels: LabelColumns | null = null;
  /** Texts of predictions, labels and segment values, by code; code 0 is "no value" of a segment. */
  #texts: (string | null)[] = [null];
  #codes = new Map<string, number>();
  #stripped = false;

  /** Takes the `rows` entries with the smallest hashes: a tighter threshold of the same sample. */
  constructor(paneMs: number, sample: Sample<PredictionSampleEntry>, segmentNames: number, rows: number) {
    const { entries } = sample;
    this.paneMs = paneMs;
    this.offered = entries.length;
    this.length = Math.min(rows, entries.length);
    const next = entries[this.length];
    this.share = next !== undefined ? hashShare(next.hash) : sample.threshold === null ? 1 : hashShare(sample.threshold);
    const length = this.length;
    this.high = new Uint32Array(length);
    this.low = new Uint32Array(length);
    this.duplicate = new Uint8Array(length);
    this.#offsetMs = new Uint32Array(length);
    this.#kind = new Uint8Array(length);
    this.#value = new Float64Array(length);
    this.#segments = Array.from({ length: segmentNames }, () => new Uint32Array(length));
    for (let row = 0; row < length; row += 1) this.#fill(row, entries[row]!);
  }

  #fill(row: number, entry: PredictionSampleEntry): void {
    this.high[row] = entry.hash.high;
    this.low[row] = entry.hash.low;
    this.#offsetMs[row] = entry.timeMs - this.paneMs;
    if (entry.prediction !== null) {
      this.#kind[row] = kindOf(entry.prediction);
      this.#value[row] = this.#encode(entry.prediction);
    }
    this.#segments.forEach((column, name) => {
      column[row] = this.#code(entry.segments[name] ?? null);
    });
    if (entry.label === null) return;
    this.label(row, { label: entry.label, timeMs: entry.timeMs, arrivalMs: entry.timeMs, partition: -1, offset: -1 }, 1);
  }

  get isStripped(): boolean {
    return this.#stripped;
  }

  /** Keeps the `rows` entries with the smallest hashes. */
  cut(rows: number): void {
    if (rows >= this.length) return;
    this.share = hashShare(this.#hash(rows));
    this.length = rows;
    this.labelled = 0;
    for (let row = 0; row < rows; row += 1) if (this.hasLabel(row)) this.labelled += 1;
  }

  /** Forgets everything but the hashes, which still tell later records of the same ids from first ones. */
  strip(): void {
    this.#stripped = true;
    this.#offsetMs = new Uint32Array(0);
    this.#kind = new Uint8Array(0);
    this.#value = new Float64Array(0);
    this.#segments = [];
    this.#labels = null;
    this.#texts = [null];
    this.#codes = new Map();
    this.labelled = 0;
  }

  #hash(row: number): Hash64 {
    return { high: this.high[row]!, low: this.low[row]! };
  }

  /**
   * Gives a row its label, if it is later than the one it has. An id is in the joined sample if the threshold of any of its labels
   * admits it, so the pair weighs by the largest of them.
   */
  label(row: number, label: Label, share: number): void {
    if (this.#stripped) return;
    this.#labels ??= emptyLabels(this.high.length);
    const labels = this.#labels;
    labels.share[row] = Math.max(labels.share[row]!, share);
    if (labels.kind[row] === valueNone) this.labelled += 1;
    else if (!isLater(label, labels, row)) return;
    labels.kind[row] = kindOf(label.label);
    labels.value[row] = this.#encode(label.label);
    labels.timeMs[row] = label.timeMs;
    labels.partition[row] = label.partition;
    labels.offset[row] = label.offset;
    labels.delayMs[row] = Math.max(0, label.arrivalMs - this.timeMs(row));
  }

  /** Joins a feedback sample with this pane alone: both are ascending by hash. Calls `matched` with the index of each entry that found a row. */
  join(sample: Sample<FeedbackSampleEntry>, share: number, matched: (entry: number) => void): void {
    let row = 0;
    for (let entry = 0; entry < sample.entries.length && row < this.length; entry += 1) {
      const label = sample.entries[entry]!;
      while (row < this.length && compareHash(this.#hash(row), label.hash) < 0) row += 1;
      if (row >= this.length || compareHash(this.#hash(row), label.hash) !== 0) continue;
      this.label(row, label, share);
      matched(entry);
    }
  }

  timeMs(row: number): number {
    return this.paneMs + this.#offsetMs[row]!;
  }

  hasLabel(row: number): boolean {
    return this.#labels !== null && this.#labels.kind[row] !== valueNone;
  }

  /** Whether the row counts: it has a prediction and is the first record of its id. */
  counts(row: number): boolean {
    return this.duplicate[row] === 0 && this.#kind[row] !== valueNone;
  }

  /** Weight of a labelled row: the inverse of the smaller sampling threshold. */
  pairWeight(row: number): number {
    return 1 / Math.min(this.share, this.#labels?.share[row] ?? 1);
  }

  /** Delay of the row's label; only for rows with one. */
  delayMs(row: number): number {
    return this.#labels?.delayMs[row] ?? 0;
  }

  /** 1 where label and prediction have the same canonical text, else 0; NaN without a label. */
  isCorrect(row: number): number {
    if (this.#labels === null || this.#labels.kind[row] === valueNone) return Number.NaN;
    return this.#labels.kind[row] === this.#kind[row] && this.#labels.value[row] === this.#value[row] ? 1 : 0;
  }

  /** |prediction - label|; NaN without a label or where one of the two is no number. */
  absoluteError(row: number): number {
    if (this.#labels === null) return Number.NaN;
    return Math.abs(this.#number(this.#kind[row]!, this.#value[row]!) - this.#number(this.#labels.kind[row]!, this.#labels.value[row]!));
  }

  /** The prediction as it is compared: a number, or a text that is not the canonical text of one; null where there is none. */
  prediction(row: number): number | string | null {
    if (this.#kind[row] === valueNone) return null;
    return this.#kind[row] === valueNumber ? this.#value[row]! : (this.#texts[this.#value[row]!] ?? null);
  }

  /** Code of the row's value of a segment name; 0 is none. */
  segmentCode(name: number, row: number): number {
    return this.#segments[name]?.[row] ?? 0;
  }

  /** Text of a code; null for code 0. */
  text(code: number): string | null {
    return this.#texts[code] ?? null;
  }

  #encode(value: number | string): number {
    return kindOf(value) === valueNumber ? Number(value) : this.#code(String(value));
  }

  #code(text: string | null): number {
    if (text === null) return 0;
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    const code = this.#texts.length;
    this.#texts.push(text);
    this.#codes.set(text, code);
    return code;
  }

  #number(kind: number, value: number): number {
    if (kind === valueNumber) return value;
    const text = kind === valueText ? this.text(value) : null;
    return text === null || text.trim() === '' ? Number.NaN : Number(text);
  }
}

/** A text that is the canonical text of a finite number is that number: `1` and `"1"` are equal (docs/design/protocol.md, Values). */
function kindOf(value: number | string): number {
  if (typeof value === 'number') return valueNumber;
  const number = Number(value);
  return Number.isFinite(number) && canonicalValue(number) === value ? valueNumber : valueText;
}

function isLater(label: Label, labels: LabelColumns, row: number): boolean {
  const order = label.timeMs - labels.timeMs[row]! || label.partition - labels.partition[row]! || label.offset - labels.offset[row]!;
  return order > 0;
}

function emptyLabels(length: number): LabelColumns {
  return {
    kind: new Uint8Array(length),
    value: new Float64Array(length),
    timeMs: new Float64Array(length),
    partition: new Int32Array(length),
    offset: new Float64Array(length),
    delayMs: new Float64Array(length),
    share: new Float64Array(length),
  };
}
