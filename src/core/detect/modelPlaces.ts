/**
 * The models of one partition of `partials`, and who of them has a place. A producer that puts ids in the place of model names brings new names for ever; each
 * that is watched costs heap and facts, so their number is bounded. Declared models and the pseudo-models of topics always have a place, beside those that are
 * counted.
 *
 * Who is there stays, so that a flood of names takes no place from a real model. What has been silent for so long that nothing can follow from it gives way, for
 * models that are named by the day must not be refused for ever once a thousand days have passed.
 */
import { compareForCap } from '../record/caps.ts';
import { pseudoModel } from '../record/record.ts';
import type { CoreSettings } from '../settings.ts';
import type { FileBaselines } from './fileBaseline.ts';
import { ModelDetector } from './modelDetector.ts';
import type { Collected } from './step.ts';

/** Places of a partition of `partials`. No setting: more names than this are ids in the place of a name. */
export const modelsPerPartition = 1000;

export class ModelPlaces {
  readonly #settings: CoreSettings;
  readonly #files: FileBaselines;
  readonly #limit: number;
  /** Names that the configuration knows. */
  readonly #declared: ReadonlySet<string>;
  readonly #models = new Map<string, ModelDetector>();

  constructor(settings: CoreSettings, files: FileBaselines, limit: number) {
    this.#settings = settings;
    this.#files = files;
    this.#limit = limit;
    const ofTopics = [...settings.predictions, ...settings.feedback].flatMap(({ topic, model }) =>
      model === null ? [pseudoModel(topic)] : [pseudoModel(topic), model],
    );
    this.#declared = new Set([...settings.models.keys(), ...ofTopics]);
  }

  /** Those that have a place, in no order. */
  all(): IterableIterator<ModelDetector> {
    return this.#models.values();
  }

  names(): IterableIterator<string> {
    return this.#models.keys();
  }

  /** Whether nothing can follow from panes without data, for any of them. */
  areDormant(endMs: number): boolean {
    for (const model of this.#models.values()) if (!model.data.isDormant(endMs)) return false;
    return true;
  }

  /** End of the first pane on which any of them has something to do on the label clock. */
  get nextLabelWorkMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const model of this.#models.values()) next = Math.min(next, model.labels.nextWorkMs);
    return next;
  }

  /** The model of a name that has a place, or was just given one. */
  at(name: string): ModelDetector {
    let model = this.#models.get(name);
    if (model === undefined) {
      model = new ModelDetector(name, this.#settings, this.#files.get(name) ?? null);
      this.#models.set(name, model);
    }
    return model;
  }

  restore(models: readonly ModelDetector[]): void {
    for (const model of models) this.#models.set(model.model, model);
  }

  /** Gives places to the names of the data pane that ends at `endMs`; those that get none are returned. What people have just spoken of (`commanded`) keeps its place. */
  admit(step: Collected, endMs: number, names: Iterable<string>, commanded: ReadonlySet<string>): string[] {
    const present = new Set(names);
    const coming = [...present].filter((name) => !this.#declared.has(name) && this.#models.get(name)?.isBlank !== false);
    if (coming.length === 0) return [];
    // Facts of its next life could not be told from those of the one that this step ends.
    const barred = coming.filter((name) => step.givenUp.includes(name));
    const wanted = coming.filter((name) => !step.givenUp.includes(name)).sort((left, right) => compareForCap(left, right, this.#declared));
    const counted = [...this.#models.values()].filter(({ model }) => !this.#declared.has(model));
    const held = counted.filter((model) => !model.isBlank);
    const missing = held.length + wanted.length - this.#limit;
    if (missing <= 0) return barred;
    // A crash may have kept somebody from forgetting them: they must not make a difference.
    for (const model of counted) if (model.isBlank) this.forget(step, model);
    const giveWay = held
      .filter((model) => !present.has(model.model) && !commanded.has(model.model) && model.isAtRest(endMs))
      .sort(compareSilence)
      .slice(0, missing);
    for (const model of giveWay) {
      this.forget(step, model);
      step.givenUp.push(model.model);
    }
    const free = Math.max(0, this.#limit - held.length + giveWay.length);
    return [...wanted.slice(free), ...barred];
  }

  forget(step: Collected, model: ModelDetector): void {
    for (const fact of model.farewell()) step.facts.push(fact);
    this.#models.delete(model.model);
  }
}

/** The longest silence first. */
function compareSilence(left: ModelDetector, right: ModelDetector): number {
  return (left.data.lastDataMs ?? 0) - (right.data.lastDataMs ?? 0) || (left.model < right.model ? -1 : 1);
}
