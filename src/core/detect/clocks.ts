/**
 * Event time as detect sees it: two clocks, both functions of the watermark and idle records of `partials` alone (docs/design/design.md, section 1,
 * docs/design/protocol.md, Clocks). The data clock is the lowest watermark of the prediction partitions, the label clock the lowest of that and of the
 * feedback partitions. Idle partitions are not waited for.
 */
import type { IncidentKind } from '../incident/event.ts';
import { type IdleRecord, type SourceRole, sourceKey, type WatermarkRecord } from '../summarize/messages.ts';

/** Whether incidents of a kind live on the label clock; all others live on the data clock. */
export function isOnLabelClock(kind: IncidentKind): boolean {
  return kind === 'performance' || kind === 'estimate';
}

/** What is known of one source partition. Plain data: it stands in `decided` facts. */
export interface SourceState {
  readonly role: SourceRole;
  readonly topic: string;
  readonly partition: number;
  position: number;
  watermarkMs: number | null;
  /** Null while the partition is active. */
  idleForMs: number | null;
}

export interface ClocksState {
  readonly sources: readonly SourceState[];
  /** Number of partitions by `role/topic`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly dataMs: number | null;
}

/**
 * A stretch of event time, `(fromMs, toMs]`, of which another run may know otherwise: records of one partition that nobody summarized (`gap`), or
 * a partition that was not waited for before it was known (`new-partition`).
 */
export interface Gap {
  readonly reason: 'gap' | 'new-partition';
  readonly fromMs: number;
  readonly toMs: number;
}

export class SourceClocks {
  readonly #predictionTopics: readonly string[];
  readonly #feedbackTopics: readonly string[];
  readonly #silenceAfterMs: number;
  readonly #sources = new Map<string, SourceState>();
  readonly #counts = new Map<string, number>();
  #dataMs: number | null = null;

  constructor(options: { predictionTopics: readonly string[]; feedbackTopics: readonly string[]; silenceAfterMs: number }) {
    this.#predictionTopics = options.predictionTopics;
    this.#feedbackTopics = options.feedbackTopics;
    this.#silenceAfterMs = options.silenceAfterMs;
  }

  /** Takes a watermark record; gives the gap that it reveals (its `previous` lies beyond what is known, or its partition is new), or null. */
  watermark(record: WatermarkRecord): Gap | null {
    const isNew = this.#isNewPartition(record);
    const state = this.#state(record);
    if (record.position < state.position) return null;
    let gap: Gap | null = null;
    if (isNew && this.#dataMs !== null)
      gap = { reason: 'new-partition', fromMs: this.#dataMs, toMs: Math.max(this.#dataMs, record.watermarkMs) };
    else if (state.watermarkMs !== null && record.previous > state.position)
      gap = { reason: 'gap', fromMs: state.watermarkMs, toMs: record.watermarkMs };
    if (record.position > state.position || state.watermarkMs === null) state.idleForMs = null;
    state.position = record.position;
    state.watermarkMs = Math.max(state.watermarkMs ?? Number.NEGATIVE_INFINITY, record.watermarkMs);
    this.#advance();
    return gap;
  }

  idle(record: IdleRecord): void {
    const state = this.#state(record);
    if (record.position < state.position) return;
    state.position = record.position;
    state.idleForMs = record.idleForMs;
    if (record.watermarkMs !== null) state.watermarkMs = Math.max(state.watermarkMs ?? Number.NEGATIVE_INFINITY, record.watermarkMs);
    this.#advance();
  }

  /** Everything in panes that end at or before it can be decided; null before every prediction partition has spoken. */
  get dataMs(): number | null {
    return this.#dataMs;
  }

  /** Whether every prediction partition that has spoken said that it never had a record. */
  get isAllNew(): boolean {
    const states = [...this.#sources.values()].filter(({ role }) => role === 'predictions');
    return states.length > 0 && states.every(({ watermarkMs }) => watermarkMs === null);
  }

  /** Labels that arrived before it are all known; null before every partition has spoken. */
  get labelMs(): number | null {
    if (this.#dataMs === null) return null;
    const states = this.#known('feedback', this.#feedbackTopics);
    if (states === null) return null;
    let lowest = this.#dataMs;
    for (const state of states) if (state.idleForMs === null && state.watermarkMs !== null) lowest = Math.min(lowest, state.watermarkMs);
    return lowest;
  }

  /** True where a partition was not waited for: what is decided of panes that end then may miss records that it still gets. */
  isIdleBefore(role: SourceRole, endMs: number): boolean {
    for (const state of this.#sources.values())
      if (state.role === role && state.idleForMs !== null && (state.watermarkMs ?? Number.NEGATIVE_INFINITY) < endMs) return true;
    return false;
  }

  snapshot(): ClocksState {
    const keys = [...this.#sources.keys()].sort();
    return {
      sources: keys.map((key) => ({ ...(this.#sources.get(key) as SourceState) })),
      counts: Object.fromEntries([...this.#counts.entries()].sort(([a], [b]) => (a < b ? -1 : 1))),
      dataMs: this.#dataMs,
    };
  }

  restore(state: ClocksState): void {
    this.#sources.clear();
    this.#counts.clear();
    for (const source of state.sources) this.#sources.set(sourceKey(source), { ...source });
    for (const [key, count] of Object.entries(state.counts)) this.#counts.set(key, count);
    this.#dataMs = state.dataMs;
  }

  /** Whether panes were decided before this partition was heard of. */
  #isNewPartition({ source }: WatermarkRecord): boolean {
    return source.role === 'predictions' && this.#dataMs !== null && !this.#sources.has(sourceKey(source));
  }

  #state(record: WatermarkRecord | IdleRecord): SourceState {
    const { role, topic, partition } = record.source;
    const topicKey = `${role}/${topic}`;
    this.#counts.set(topicKey, Math.max(this.#counts.get(topicKey) ?? 0, record.partitions));
    const key = sourceKey(record.source);
    let state = this.#sources.get(key);
    if (state === undefined) {
      state = { role, topic, partition, position: 0, watermarkMs: null, idleForMs: null };
      this.#sources.set(key, state);
    }
    return state;
  }

  /** States of all partitions of these topics, or null while one is unknown. */
  #known(role: SourceRole, topics: readonly string[]): SourceState[] | null {
    const states: SourceState[] = [];
    for (const topic of topics) {
      const count = this.#counts.get(`${role}/${topic}`);
      if (count === undefined) return null;
      for (let partition = 0; partition < count; partition++) {
        const state = this.#sources.get(sourceKey({ role, topic, partition }));
        if (state === undefined) return null;
        states.push(state);
      }
    }
    return states;
  }

  #advance(): void {
    const states = this.#known('predictions', this.#predictionTopics);
    if (states === null) return;
    let lowestActive = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    let shortestIdle = Number.POSITIVE_INFINITY;
    let active = 0;
    for (const state of states) {
      if (state.watermarkMs !== null) highest = Math.max(highest, state.watermarkMs);
      if (state.idleForMs === null) {
        active++;
        lowestActive = Math.min(lowestActive, state.watermarkMs ?? Number.NEGATIVE_INFINITY);
      } else shortestIdle = Math.min(shortestIdle, state.idleForMs);
    }
    // All idle: event time stands still for silenceAfter, then goes on at the pace of the idle records.
    const clock = active > 0 ? lowestActive : highest + shortestIdle - this.#silenceAfterMs;
    if (clock > (this.#dataMs ?? Number.NEGATIVE_INFINITY)) this.#dataMs = clock;
  }
}
