import type { CoreSettings } from '../../src/core/settings.ts';
import { coreSettings, modelSettings, topicSource } from '../../test/support/settings.ts';
import { generator } from './generator.ts';

const countries = ['ES', 'FR', 'DE', 'IT', 'PT', 'NL', 'BE', 'AT', 'PL', 'SE'];
const merchants = Array.from({ length: 400 }, (_, i) => `merchant-${i}`);

/** Event time of the first prediction, at the start of a pane. */
export const trafficStartMs = 1_767_225_600_000;

/**
 * Predictions as a service writes them: about 600 bytes of JSON, two models in turn, 20 features (12 numbers, 8 categories), a class and a score. Event time
 * goes on by `stepMs` a record.
 */
export function* predictionTraffic(count: number, stepMs: number): Generator<string> {
  const uniform = generator(2026);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const cents = (value: number) => Math.round(value * 100) / 100;
  const one = <Value>(values: readonly Value[]): Value | undefined => values[Math.floor(uniform() * uniform() * values.length)];
  for (let i = 0; i < count; i += 1) {
    const score = 1 / (1 + Math.exp(2 - normal()));
    yield JSON.stringify({
      id: `prediction-${i.toString(36).padStart(8, '0')}`,
      ts: trafficStartMs + Math.floor(i * stepMs),
      model: i % 2 === 0 ? 'fraud' : 'churn',
      version: '2026-01',
      features: {
        amount: cents(Math.exp(3 + normal())),
        balance: 2_000 + 900 * normal(),
        age: Math.floor(18 + 60 * uniform()),
        tenure_days: Math.floor(3_000 * uniform() ** 2),
        distance_km: uniform() < 0.4 ? 0 : Math.exp(2 + normal()),
        velocity_1h: Math.floor(6 * uniform() ** 3),
        velocity_24h: Math.floor(40 * uniform() ** 3),
        hour: Math.floor(24 * uniform()),
        ratio: uniform(),
        latitude: 40 + 5 * normal(),
        longitude: 2 + 8 * normal(),
        risk: 1 - score,
        country: one(countries),
        currency: uniform() < 0.8 ? 'EUR' : 'USD',
        channel: uniform() < 0.6 ? 'web' : 'app',
        merchant: one(merchants),
        device: uniform() < 0.5 ? 'android' : 'ios',
        is_new: uniform() < 0.1,
        plan: uniform() < 0.7 ? 'free' : 'paid',
        referrer: uniform() < 0.05 ? null : one(countries),
      },
      prediction: score > 0.5 ? 'fraud' : 'legit',
      score,
      segments: { country: one(countries), plan: uniform() < 0.7 ? 'free' : 'paid' },
    });
  }
}

/** The documented defaults, for one topic of predictions. */
export function benchSettings(group: string, topic: string): CoreSettings {
  return coreSettings({ group, predictions: [topicSource(topic)], feedback: [], defaults: modelSettings({ task: 'binary' }) });
}
