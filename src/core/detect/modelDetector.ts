/** One model on both clocks: the data side decides drift and quality, the label side performance. */
import type { IncidentKind } from '../incident/event.ts';
import type { CoreSettings } from '../settings.ts';
import { mergePredictionSamples } from '../sketch/sample.ts';
import type { CommandRecord, PartialRecord } from '../summarize/messages.ts';
import { shapeOf } from '../summarize/modelShape.ts';
import { DataDetector, type Decision } from './dataDetector.ts';
import { type Fact, stateFacts } from './fact.ts';
import type { FileBaseline } from './fileBaseline.ts';
import { LabelDetector, type PanePredictions } from './labelDetector.ts';
import type { Gap } from './loss.ts';
import { sourceRanges } from './node.ts';

export class ModelDetector {
  readonly model: string;
  readonly data: DataDetector;
  readonly labels: LabelDetector;
  readonly #predictionSampleSize: number;
  /** Keys of the newest state facts of each clock, for their tombstones. */
  #dataState: readonly string[] = [];
  #labelState: readonly string[] = [];

  constructor(model: string, settings: CoreSettings, file: FileBaseline | null) {
    this.model = model;
    this.data = new DataDetector(model, settings, file);
    this.labels = new LabelDetector(model, settings);
    this.#predictionSampleSize = shapeOf(settings, model).sampleSize;
  }

  /** Kind of every open incident. */
  get openKinds(): readonly IncidentKind[] {
    return [...this.data.openKinds, ...this.labels.openKinds];
  }

  /** True where nothing is left of the model: then it can be forgotten. */
  get isEmpty(): boolean {
    return this.data.isEmpty && this.labels.isEmpty;
  }

  /** True where nothing is left that could make it another than a new one of its name, whatever tombstones are still due. */
  get isBlank(): boolean {
    return this.data.isEmpty && this.labels.isBlank;
  }

  /** True once nothing can follow from panes without data, on either clock: what it has learned can be given up. */
  isAtRest(endMs: number): boolean {
    return this.data.isDormant(endMs) && this.labels.isAtRest;
  }

  /** Tombstones of every fact of the model. */
  farewell(): Fact[] {
    const states = [...this.#dataState, ...this.#labelState].map((key) => ({ key, value: null }));
    return [...this.data.farewell(), ...this.labels.farewell(), ...states];
  }

  decideData(
    endMs: number,
    partials: readonly PartialRecord[],
    inexact: readonly string[],
    commands: readonly CommandRecord[],
    losses: readonly Gap[] = [],
  ): Decision {
    const decision = this.data.decide(endMs, partials, inexact, commands, losses);
    const predictions = this.#predictions(partials).filter(({ version }) => this.data.knows(version));
    decision.facts.push(...this.labels.addPredictions(endMs, predictions));
    this.#dataState = this.#writeState(decision.facts, 'data', endMs, this.#dataState, this.data.snapshot());
    return decision;
  }

  decideLabels(
    endMs: number,
    partials: readonly PartialRecord[],
    inexact: readonly string[],
    commands: readonly CommandRecord[],
  ): Decision {
    const decision = this.labels.decide(endMs, partials, inexact, commands, (timeMs) => this.data.inexactAfter(timeMs));
    this.#labelState = this.#writeState(decision.facts, 'label', endMs, this.#labelState, this.labels.snapshot());
    return decision;
  }

  /** Keys of the newest state facts, after a restore. */
  restoredFrom(dataState: readonly string[], labelState: readonly string[]): void {
    this.#dataState = dataState;
    this.#labelState = labelState;
  }

  /** Samples of the whole, by version, merged over partitions. */
  #predictions(partials: readonly PartialRecord[]): PanePredictions[] {
    const versions = new Set<string>();
    for (const partial of partials) for (const cell of partial.cells) if (cell.predictions !== null) versions.add(cell.version);
    const sources = sourceRanges(partials);
    return [...versions].sort().map((version) => {
      const samples = partials.flatMap((partial) =>
        partial.cells.flatMap((cell) => (cell.version === version ? (cell.predictions ?? []) : [])),
      );
      return { version, sample: mergePredictionSamples(samples, this.#predictionSampleSize), sources };
    });
  }

  #writeState(facts: Fact[], clock: 'data' | 'label', endMs: number, previous: readonly string[], state: unknown): readonly string[] {
    const written = stateFacts({ model: this.model, clock, endMs }, state);
    facts.push(...written);
    const keys = written.map(({ key }) => key);
    for (const key of previous) if (!keys.includes(key)) facts.push({ key, value: null });
    return keys;
  }
}
