/** One model on both clocks: the data side decides drift and quality, the label side performance. */
import type { IncidentKind } from '../incident/event.ts';
import type { CoreSettings } from '../settings.ts';
import { mergePredictionSamples } from '../sketch/sample.ts';
import type { CommandRecord, PartialRecord } from '../summarize/messages.ts';
import { shapeOf } from '../summarize/modelShape.ts';
import { DataDetector, type Decision } from './dataDetector.ts';
import { type Fact, factKey, jsonValue } from './fact.ts';
import type { FileBaseline } from './fileBaseline.ts';
import { LabelDetector, type PanePredictions } from './labelDetector.ts';
import type { Gap } from './loss.ts';
import { sourceRanges } from './node.ts';

export class ModelDetector {
  readonly model: string;
  readonly data: DataDetector;
  readonly labels: LabelDetector;
  readonly #predictionSampleSize: number;
  /** End of the pane of the newest state fact of each clock, for its tombstone. */
  #dataStateMs: number | null = null;
  #labelStateMs: number | null = null;

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

  /** Where nothing is left of the model, the tombstones of its state: then it can be forgotten. Else null. */
  farewell(): Fact[] | null {
    if (!this.data.isEmpty || !this.labels.isEmpty) return null;
    const subjects = [
      { clock: 'data', endMs: this.#dataStateMs },
      { clock: 'label', endMs: this.#labelStateMs },
    ] as const;
    return subjects.flatMap(({ clock, endMs }) =>
      endMs === null ? [] : [{ key: factKey({ fact: 'state', model: this.model, clock, endMs }), value: null }],
    );
  }

  decideData(
    endMs: number,
    partials: readonly PartialRecord[],
    inexact: readonly string[],
    commands: readonly CommandRecord[],
    losses: readonly Gap[] = [],
  ): Decision {
    const decision = this.data.decide(endMs, partials, inexact, commands, losses);
    decision.facts.push(...this.labels.addPredictions(endMs, this.#predictions(partials)));
    this.#dataStateMs = this.#writeState(decision.facts, 'data', endMs, this.#dataStateMs, this.data.snapshot());
    return decision;
  }

  decideLabels(
    endMs: number,
    partials: readonly PartialRecord[],
    inexact: readonly string[],
    commands: readonly CommandRecord[],
  ): Decision {
    const decision = this.labels.decide(endMs, partials, inexact, commands, (timeMs) => this.data.inexactAfter(timeMs));
    this.#labelStateMs = this.#writeState(decision.facts, 'label', endMs, this.#labelStateMs, this.labels.snapshot());
    return decision;
  }

  /** Which state facts are the newest, after a restore. */
  restoredFrom(dataStateMs: number | null, labelStateMs: number | null): void {
    this.#dataStateMs = dataStateMs;
    this.#labelStateMs = labelStateMs;
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

  #writeState(facts: Fact[], clock: 'data' | 'label', endMs: number, previousMs: number | null, state: unknown): number {
    facts.push({ key: factKey({ fact: 'state', model: this.model, clock, endMs }), value: jsonValue(state) });
    if (previousMs !== null && previousMs !== endMs)
      facts.push({ key: factKey({ fact: 'state', model: this.model, clock, endMs: previousMs }), value: null });
    return endMs;
  }
}
