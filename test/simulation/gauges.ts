/**
 * What workers say of their memory, held against what follows from the settings and the topics at that moment: open cells of summarize, panes that wait in detect,
 * events that wait in notify. A leak shows as a value that no topic explains.
 */
import type { Metrics } from '../../src/core/metrics.ts';
import type { Journal } from './journal.ts';
import type { SimulatedScenario } from './scenario.ts';

/** Steps of an incident that may wait at a time: `opened`, the newest escalation, the newest other step; one more is on its way. */
const stepsPerIncident = 4;

export class Gauges implements Metrics {
  readonly problems: string[] = [];
  samples = 0;
  readonly #journal: Journal;
  readonly #mostCells: number;
  /** Undecided panes that have a partial, one map a partition of `partials`. */
  readonly #undecided: readonly Map<string, { readonly endMs: number; readonly isLabel: boolean }>[];
  /** The most that ever were undecided, by partition. */
  readonly #mostUndecided: number[];

  constructor(journal: Journal, { settings, sources }: SimulatedScenario) {
    this.#journal = journal;
    const { hopMs, latenessMs } = settings.window;
    // A pane is open from its first record until the watermark has passed it. Per pane two models in two versions, whole and two segments, and labels without a model.
    const openPanes = 2 + Math.ceil(latenessMs / hopMs);
    this.#mostCells = sources.length * openPanes * (3 * 2 * 3 + 1);
    this.#undecided = journal.partials.map(() => new Map());
    this.#mostUndecided = journal.partials.map(() => 0);
    journal.onPartial.push((partition, { message }) => {
      if (message.type !== 'partial' || message.paneMs === null) return;
      const isLabel = message.source.role === 'feedback';
      const endMs = message.paneMs + hopMs;
      this.#undecided[partition]?.set(`${message.source.role}/${endMs}`, { endMs, isLabel });
      this.#count(partition);
    });
  }

  count(): void {}
  observe(): void {}

  set(name: string, labels: Readonly<Record<string, unknown>>, value: number): void {
    switch (name) {
      case 'tidemark_open_cells':
        this.#compare('open cells', value, this.#mostCells);
        return;
      case 'tidemark_undecided_panes':
        this.#compare('panes that wait in detect', value, this.#mostUndecided[Number(labels.partition)] ?? 0);
        return;
      case 'tidemark_deliveries_waiting': {
        const incidents = new Set(this.#journal.events.flatMap((written) => written.map(({ event }) => event.incident)));
        this.#compare('events that wait in notify', value, incidents.size * stepsPerIncident);
        return;
      }
    }
  }

  /** A worker that was away knows less of what is decided, so it is held against the most that was ever undecided. */
  #count(partition: number): void {
    const undecided = this.#undecided[partition] ?? new Map();
    const most = this.#mostUndecided[partition] ?? 0;
    if (undecided.size <= most) return;
    const { dataEndMs = 0, labelEndMs = 0 } = this.#journal.progress[partition] ?? {};
    for (const [pane, { endMs, isLabel }] of undecided) if (endMs <= (isLabel ? labelEndMs : dataEndMs)) undecided.delete(pane);
    this.#mostUndecided[partition] = Math.max(most, undecided.size);
  }

  #compare(what: string, value: number, most: number): void {
    this.samples++;
    if (value > most) this.problems.push(`${value} ${what}: at most ${most} can be explained`);
  }
}
