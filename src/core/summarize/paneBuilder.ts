import type { FeedbackRecord, InvalidReason, PredictionRecord, Value } from '../record/record.ts';
import { hashId } from '../sketch/hash.ts';
import { FeedbackSampler, PredictionSampler } from '../sketch/sample.ts';
import { CappedMap } from './cappedMap.ts';
import { CellBuilder } from './cellBuilder.ts';
import type { Cell, RecordCounts } from './messages.ts';
import type { ModelShape } from './modelShape.ts';

/** What the panes of one source partition have in common. */
export interface PaneSettings {
  /** Shape of a model's cells; asked once per model and pane. */
  readonly shapeOf: (model: string) => ModelShape;
  /** Pseudo-model `topic:NAME`: it has the counts of the whole topic, and the cells of records without a model. */
  readonly topicModel: string;
  /** Models that the cap on models keeps before others. */
  readonly declaredModels: ReadonlySet<string>;
  readonly partition: number;
}

/** Most models of one pane and partition. No setting: more names than this are ids in the place of a name. */
const modelsPerPane = 1000;
const noNames: ReadonlySet<string> = new Set();

/** What one pane has gathered in the current chunk. */
export class PaneBuilder {
  /** Start of the pane; null for what came before any event time. */
  readonly paneMs: number | null;
  readonly #settings: PaneSettings;
  readonly #topic: ModelBuilder;
  readonly #models: CappedMap<ModelBuilder>;

  constructor(paneMs: number | null, settings: PaneSettings) {
    this.paneMs = paneMs;
    this.#settings = settings;
    const topic = new ModelBuilder(settings.shapeOf(settings.topicModel), null);
    this.#topic = topic;
    this.#models = new CappedMap(
      modelsPerPane,
      settings.declaredModels,
      (name) => new ModelBuilder(settings.shapeOf(name), topic.counts),
      (model) => {
        topic.counts.capped += model.rows;
      },
    );
  }

  addPrediction(record: PredictionRecord): void {
    this.#versionOf(record.model, record.version)?.addPrediction(record);
  }

  addFeedback(record: FeedbackRecord, arrivalMs: number, offset: number): void {
    this.#versionOf(record.model, '')?.addFeedback(record, arrivalMs, this.#settings.partition, offset);
  }

  countLate(model: string): void {
    for (const counts of this.#countsOf(model)) {
      counts.records += 1;
      counts.late += 1;
    }
  }

  countInvalid(model: string, reason: InvalidReason): void {
    for (const counts of this.#countsOf(model)) {
      counts.records += 1;
      counts.invalid.set(reason, (counts.invalid.get(reason) ?? 0) + 1);
    }
  }

  countSkipped(): void {
    this.#topic.counts.records += 1;
    this.#topic.counts.skipped += 1;
  }

  /** Number of live cells, for memory accounts. */
  get cellCount(): number {
    let count = this.#topic.cellCount;
    for (const model of this.#models.values()) count += model.cellCount;
    return count;
  }

  /** Cells and counts by model, in order of the models' names. Does not disturb what is live. */
  models(): { readonly model: string; readonly cells: readonly Cell[]; readonly counts: RecordCounts }[] {
    const named = this.#models.sorted();
    named.push([this.#settings.topicModel, this.#topic]);
    named.sort(([left], [right]) => (left < right ? -1 : 1));
    return named.map(([model, builder]) => ({ model, cells: builder.cells(), counts: builder.counts.toCounts() }));
  }

  #modelOf(name: string): ModelBuilder | null {
    return name === this.#settings.topicModel ? this.#topic : this.#models.at(name);
  }

  #countsOf(name: string): CountsBuilder[] {
    const model = this.#modelOf(name);
    return model === null || model === this.#topic ? [this.#topic.counts] : [this.#topic.counts, model.counts];
  }

  /** Counts one valid record, and gives where it belongs; null where a cap leaves it out. */
  #versionOf(name: string, version: string): VersionBuilder | null {
    const topic = this.#topic;
    topic.counts.records += 1;
    const model = this.#modelOf(name);
    if (model === null) {
      topic.counts.capped += 1;
      return null;
    }
    if (model !== topic) model.counts.records += 1;
    const found = model.versions.at(version);
    if (found === null) model.countCapped(1);
    return found;
  }
}

/** Counts of records while they grow. */
class CountsBuilder {
  records = 0;
  late = 0;
  skipped = 0;
  capped = 0;
  readonly invalid = new Map<InvalidReason, number>();

  toCounts(): RecordCounts {
    const invalid = Object.fromEntries([...this.invalid].sort(([left], [right]) => (left < right ? -1 : 1)));
    return { records: this.records, late: this.late, skipped: this.skipped, capped: this.capped, invalid };
  }
}

class ModelBuilder {
  readonly counts = new CountsBuilder();
  readonly versions: CappedMap<VersionBuilder>;
  readonly #topicCounts: CountsBuilder | null;

  /** `topicCounts`: what counts for the topic as well; null for the topic's pseudo-model itself. */
  constructor(shape: ModelShape, topicCounts: CountsBuilder | null) {
    this.#topicCounts = topicCounts;
    this.versions = new CappedMap(
      shape.versionsPerModel,
      noNames,
      () => new VersionBuilder(shape),
      (version) => this.countCapped(version.rows),
    );
  }

  /** Valid records that are in cells. */
  get rows(): number {
    let rows = 0;
    for (const version of this.versions.values()) rows += version.rows;
    return rows;
  }

  get cellCount(): number {
    let count = 0;
    for (const version of this.versions.values()) count += version.cellCount;
    return count;
  }

  countCapped(records: number): void {
    this.counts.capped += records;
    if (this.#topicCounts !== null) this.#topicCounts.capped += records;
  }

  cells(): Cell[] {
    return this.versions.sorted().flatMap(([version, builder]) => builder.cells(version));
  }
}

/** The cells of one version: the whole, and one per watched segment and value. */
class VersionBuilder {
  readonly #shape: ModelShape;
  readonly #whole: CellBuilder;
  readonly #segments: readonly { readonly name: string; readonly values: CappedMap<CellBuilder> }[];
  #predictions: PredictionSampler | null = null;
  #feedback: FeedbackSampler | null = null;

  constructor(shape: ModelShape) {
    this.#shape = shape;
    const whole = new CellBuilder(shape.cell);
    this.#whole = whole;
    this.#segments = shape.segments.map((name) => ({
      name,
      values: new CappedMap(
        shape.valuesPerSegment,
        noNames,
        () => new CellBuilder(shape.cell),
        (cell) => {
          whole.capped += cell.rows;
        },
      ),
    }));
  }

  get rows(): number {
    return this.#whole.rows;
  }

  get cellCount(): number {
    return this.#segments.reduce((count, { values }) => count + values.size, 1);
  }

  addPrediction(record: PredictionRecord): void {
    this.#whole.addPrediction(record);
    for (const { name, values } of this.#segments) {
      const value: unknown = record.segments[name];
      if (typeof value !== 'string') continue;
      const cell = values.at(value);
      if (cell === null) this.#whole.capped += 1;
      else cell.addPrediction(record);
    }
    this.#predictions ??= new PredictionSampler(this.#shape.sampleSize);
    const hash = hashId(record.id);
    if (!this.#predictions.wouldKeep(hash.high, hash.low)) return;
    this.#predictions.offer({
      hash,
      timeMs: record.timeMs,
      prediction: record.prediction === null ? null : sampled(record.prediction),
      score: typeof record.score === 'number' ? record.score : null,
      segments: this.#segments.map(({ name }) => segmentValue(record, name)),
      label: record.label === null ? null : sampled(record.label),
    });
  }

  addFeedback(record: FeedbackRecord, arrivalMs: number, partition: number, offset: number): void {
    this.#whole.addLabel(record.label);
    this.#feedback ??= new FeedbackSampler(this.#shape.feedbackSampleSize);
    const hash = hashId(record.id);
    if (!this.#feedback.wouldKeep(hash.high, hash.low)) return;
    this.#feedback.offer({ hash, timeMs: record.timeMs, arrivalMs, label: sampled(record.label), partition, offset });
  }

  cells(version: string): Cell[] {
    const predictions = this.#predictions?.sample() ?? null;
    const feedback = this.#feedback?.sample() ?? null;
    const cells = [cellOf(version, null, this.#whole, predictions, feedback)];
    const bySegmentName = [...this.#segments].sort((left, right) => (left.name < right.name ? -1 : 1));
    for (const { name, values } of bySegmentName) {
      for (const [value, cell] of values.sorted()) cells.push(cellOf(version, [name, value], cell, null, null));
    }
    return cells;
  }
}

function cellOf(
  version: string,
  segment: Cell['segment'],
  builder: CellBuilder,
  predictions: Cell['predictions'],
  feedback: Cell['feedback'],
): Cell {
  return { version, segment, rows: builder.rows, series: builder.series(), capped: builder.capped, predictions, feedback };
}

/** A value as a sample keeps it: true and false as text, like every class. */
function sampled(value: Value): number | string {
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/** `segments` is a parsed object: a name such as `constructor` that it does not have itself is no text. */
function segmentValue(record: PredictionRecord, name: string): string | null {
  const value: unknown = record.segments[name];
  return typeof value === 'string' ? value.toWellFormed() : null;
}
