/** The gauge of open incidents, by model and kind: what is no longer open goes back to 0. */
import type { IncidentKind } from '../core/incident/event.ts';
import type { Metrics } from '../core/metrics.ts';

export class IncidentGauge {
  readonly #metrics: Metrics;
  readonly #shown = new Map<number, Map<string, readonly [model: string, kind: IncidentKind]>>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** All open incidents of the models of one partition. A model belongs to one partition. */
  set(partition: number, models: readonly { readonly model: string; readonly kinds: readonly IncidentKind[] }[]): void {
    const before = this.#shown.get(partition) ?? new Map();
    const now = new Map<string, readonly [string, IncidentKind]>();
    for (const { model, kinds } of models) {
      for (const kind of new Set(kinds)) {
        now.set(JSON.stringify([model, kind]), [model, kind]);
        this.#metrics.set('tidemark_incidents_open', { model, kind }, kinds.filter((one) => one === kind).length);
      }
    }
    for (const [key, [model, kind]] of before) if (!now.has(key)) this.#metrics.set('tidemark_incidents_open', { model, kind }, 0);
    this.#shown.set(partition, now);
  }
}
