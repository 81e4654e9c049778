import type { PredictionRecord, Value } from '../record/record.ts';
import { SeriesBuilder } from '../sketch/seriesBuilder.ts';
import type { DigestSettings, SeriesSummary } from '../sketch/types.ts';
import { CappedMap } from './cappedMap.ts';
import { seriesOfFeature } from './seriesNames.ts';

/** What the cells of one model have in common. */
export interface CellSettings {
  readonly digest: DigestSettings;
  readonly seriesPerModel: number;
  readonly categoriesPerSeries: number;
  /** Series that a cap keeps before others. */
  readonly declared: ReadonlySet<string>;
  /** Features that are not watched. */
  readonly ignored: ReadonlySet<string>;
  /** True where the task is declared as one of classes: a number is then the name of a class. */
  readonly areNumbersClasses: boolean;
}

/** Longest name of a feature that is watched, in UTF-16 code units: what is longer is data in the place of a name. */
const longestFeatureName = 200;
/** Positions of keys that are remembered: a message of more features than this pays a look-up for each of the rest. */
const rememberedKeys = 4096;

/**
 * One live cell: a builder per series.
 *
 * Hot path. Messages of one producer have their keys in the same order, so the builder of the key at each position is remembered, and
 * one comparison of interned strings stands in for a map look-up; nothing is allocated per value (`bench/summarize.ts`). A remembered `null` is a
 * feature that the cap leaves out, `undefined` one that is ignored.
 */
export class CellBuilder {
  rows = 0;
  /** Values that found no place: of features over the cap, of features that had to make room, and of segment values (`countCapped`). */
  capped = 0;
  readonly #settings: CellSettings;
  readonly #features: CappedMap<SeriesBuilder>;
  readonly #keys: string[] = [];
  readonly #builders: (SeriesBuilder | null | undefined)[] = [];
  #prediction: SeriesBuilder | null = null;
  #score: SeriesBuilder | null = null;
  #label: SeriesBuilder | null = null;

  constructor(settings: CellSettings) {
    this.#settings = settings;
    this.#features = new CappedMap(
      settings.seriesPerModel,
      settings.declared,
      () => this.#newSeries(),
      (series) => {
        this.capped += series.valueCount;
        // Remembered builders may be the evicted one.
        this.#keys.length = 0;
        this.#builders.length = 0;
      },
    );
  }

  addPrediction(record: PredictionRecord): void {
    this.rows += 1;
    this.#addFeatures(record.features);
    this.#prediction ??= this.#newSeries();
    if (record.prediction !== null) this.#pushOutcome(this.#prediction, record.prediction);
    const score = typeof record.score === 'object' && record.score !== null ? largest(record.score) : record.score;
    if (score !== null) {
      this.#score ??= this.#newSeries();
      if (Number.isFinite(score)) this.#score.pushNumber(score);
      else this.#score.countNonFinite();
    }
    if (record.label !== null) this.#pushLabel(record.label);
  }

  addLabel(label: Value): void {
    this.rows += 1;
    this.#pushLabel(label);
  }

  /** Everything counted so far, by series name, sorted. Does not disturb the live series. */
  series(): Map<string, SeriesSummary> {
    const named: [string, SeriesBuilder | null][] = [...this.#features.sorted()];
    named.push(['label', this.#label], ['prediction', this.#prediction], ['score', this.#score]);
    named.sort(([left], [right]) => (left < right ? -1 : 1));
    const summaries = new Map<string, SeriesSummary>();
    for (const [name, builder] of named) if (builder !== null) summaries.set(name, builder.summary());
    return summaries;
  }

  #addFeatures(features: Readonly<Record<string, unknown>>): void {
    const keys = this.#keys;
    const builders = this.#builders;
    let position = 0;
    for (const key in features) {
      const builder = keys[position] === key ? builders[position] : this.#find(key, position);
      position += 1;
      if (builder === undefined) continue;
      const value = features[key];
      if (value === null || value === undefined) continue;
      if (builder === null) this.capped += 1;
      else if (typeof value === 'number') {
        if (Number.isFinite(value)) builder.pushNumber(value);
        else builder.countNonFinite();
      } else if (typeof value === 'string') pushText(builder, value);
      else if (typeof value === 'boolean') builder.pushCategory(value ? 'true' : 'false');
      else builder.countUnsupported();
    }
  }

  #find(key: string, position: number): SeriesBuilder | null | undefined {
    const builder = this.#builderOf(key);
    if (position < rememberedKeys) {
      this.#keys[position] = key;
      this.#builders[position] = builder;
    }
    return builder;
  }

  #builderOf(feature: string): SeriesBuilder | null | undefined {
    if (this.#settings.ignored.has(feature)) return undefined;
    return feature.length > longestFeatureName ? null : this.#features.at(seriesOfFeature(feature));
  }

  #pushLabel(label: Value): void {
    this.#label ??= this.#newSeries();
    this.#pushOutcome(this.#label, label);
  }

  #pushOutcome(series: SeriesBuilder, value: Value): void {
    if (typeof value === 'string') pushText(series, value);
    else if (typeof value === 'boolean') series.pushCategory(value ? 'true' : 'false');
    else if (!Number.isFinite(value)) series.countNonFinite();
    else if (this.#settings.areNumbersClasses) series.pushCategory(String(value));
    else series.pushNumber(value);
  }

  #newSeries(): SeriesBuilder {
    return new SeriesBuilder(this.#settings.digest, this.#settings.categoriesPerSeries);
  }
}

function pushText(series: SeriesBuilder, value: string): void {
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') series.countNonFinite();
  else series.pushCategory(value);
}

/** The largest probability of a score by class: how sure the model was. Null where there is no class. */
function largest(scores: Readonly<Record<string, number>>): number | null {
  let most: number | null = null;
  for (const name in scores) {
    const score = scores[name];
    if (score !== undefined && (most === null || score > most)) most = score;
  }
  return most;
}
