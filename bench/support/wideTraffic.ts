/** Predictions of many models with fifty series each, pane after pane: the state that a restart has to bring back. */
import { generator } from './generator.ts';

const numericFeatures = 38;
const categoricalFeatures = 10;
/** The features, `prediction` and `score`. */
export const seriesPerModel = numericFeatures + categoricalFeatures + 2;
const names = Array.from({ length: numericFeatures }, (_, index) => `number-${String(index).padStart(2, '0')}`);
const texts = Array.from({ length: categoricalFeatures }, (_, index) => `text-${index}`);

/** Makes the predictions of one pane; each call goes on with other values. */
export class WideTraffic {
  readonly #uniform = generator(2027);
  readonly #models: readonly string[];
  #made = 0;

  constructor(models: readonly string[]) {
    this.#models = models;
  }

  /** `count` predictions, models in turn, event times spread evenly over the pane. */
  *pane(startMs: number, hopMs: number, count: number): Generator<{ readonly timeMs: number; readonly value: string }> {
    for (let index = 0; index < count; index += 1) {
      const timeMs = startMs + Math.floor((index * hopMs) / count);
      yield { timeMs, value: this.#prediction(timeMs) };
    }
  }

  #prediction(timeMs: number): string {
    const uniform = this.#uniform;
    const features: Record<string, number | string> = {};
    for (const [index, name] of names.entries()) {
      const value = uniform() + uniform() + uniform();
      features[name] = index % 3 === 0 ? Math.round(100 * Math.exp(value)) / 100 : index % 3 === 1 ? value : Math.floor(8 * value ** 2);
    }
    for (const [index, name] of texts.entries()) features[name] = `value-${Math.floor((3 + 4 * index) * uniform() ** 2)}`;
    this.#made += 1;
    return JSON.stringify({
      id: `prediction-${this.#made}`,
      ts: timeMs,
      model: this.#models[this.#made % this.#models.length],
      version: '1',
      features,
      prediction: uniform() < 0.1 ? 'fraud' : 'legit',
      score: Math.round(1e4 * uniform() ** 2) / 1e4,
    });
  }
}
