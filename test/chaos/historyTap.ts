/**
 * Reads the history topic while the run lasts: facts that are needed no more get tombstones, and compaction takes them away, so that at the end the
 * topic no longer holds what was decided in the beginning.
 */
import { type FactSubject, parseFactKey } from '../../src/core/detect/fact.ts';
import type { Log } from '../../src/log/port.ts';
import { textOf } from '../support/workerTraffic.ts';

/** A fact that was written, with every form that it was ever written in: more than one is a broken promise. */
export interface TappedFact {
  readonly key: string;
  readonly subject: FactSubject;
  readonly values: Buffer[];
}

/** Kinds of facts that say what was counted. */
const kept: ReadonlySet<FactSubject['fact']> = new Set(['node', 'predictions', 'feedback']);

export class HistoryTap {
  /** Nodes and samples by key. */
  readonly facts = new Map<string, TappedFact>();
  readonly #stop = new AbortController();
  /** By partition: the models that have nodes there, and the keys of its `decided` facts. */
  readonly #models: Set<string>[] = [];
  readonly #decided: Set<string>[] = [];
  readonly #reading: Promise<void>[] = [];

  /** Begins to read all partitions. The topic must exist. */
  static async open(log: Log, topic: string): Promise<HistoryTap> {
    const tap = new HistoryTap();
    const count = await log.partitionCount(topic);
    for (let partition = 0; partition < count; partition++) {
      tap.#models.push(new Set());
      tap.#decided.push(new Set());
      tap.#reading.push(tap.#follow(log, topic, partition));
    }
    return tap;
  }

  /** Whether every partition with one of these models, and there is one, has a `decided` fact of this key. */
  hasDecided(key: string, models: readonly string[]): boolean {
    const busy = this.#models.flatMap((seen, partition) => (models.some((model) => seen.has(model)) ? [partition] : []));
    return busy.length > 0 && busy.every((partition) => this.#decided[partition]?.has(key) === true);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#reading);
  }

  async #follow(log: Log, topic: string, partition: number): Promise<void> {
    const reader = await log.read({ topic, partition }, 0);
    try {
      while (!this.#stop.signal.aborted) {
        for (const { key, value } of (await reader.next(500))?.records ?? []) this.#take(partition, textOf(key), value);
      }
    } finally {
      await reader.close();
    }
  }

  #take(partition: number, key: string, value: Uint8Array | null): void {
    const subject = parseFactKey(key);
    if (subject === null || value === null) return;
    if (subject.fact === 'decided') this.#decided[partition]?.add(key);
    if (!kept.has(subject.fact)) return;
    if (subject.fact === 'node') this.#models[partition]?.add(subject.model);
    const known = this.facts.get(key);
    if (known === undefined) this.facts.set(key, { key, subject, values: [Buffer.from(value)] });
    else if (!known.values.some((bytes) => bytes.equals(value))) known.values.push(Buffer.from(value));
  }
}
