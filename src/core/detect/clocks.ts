/**
 * Event time as detect sees it: two clocks, both functions of the watermark and idle records of `partials` alone (docs/design/design.md, section 1,
 * docs/design/protocol.md, Clocks). The data clock is the lowest watermark of the prediction partitions, the label clock the lowest of that and of the
 * feedback partitions. An idle partition is not waited for beyond what the others had reached at its idle record before the last: it has had nothing for a
 * whole `idleAfter` since (docs/decisions/0047-idle-is-confirmed.md). A burst after a pause, of which one partition is read first, loses nothing.
 */
import type { IncidentKind } from '../incident/event.ts';
import {
  earliestWatermarkMs,
  generationOf,
  type IdleRecord,
  type SourceRole,
  sourceKey,
  type WatermarkRecord,
} from '../summarize/messages.ts';
import { type Gap, newlyLost, stretchOf } from './loss.ts';

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
  /** Lowest watermark of the active partitions as of its newest idle record. Absent, as the next, in facts of releases that did not confirm. */
  frontMs?: number | null;
  /** That of the idle record before, or how far silence has let event time go on: up to there it is not waited for while it is idle. */
  releasedMs?: number | null;
  /** While others are active it is not waited for up to here either: what it gets after its newest idle record is not that old. */
  quietMs?: number | null;
  /** When the record was written with which its position rose last, and its newest idle record. Absent, as both before, in facts of releases that did not know. */
  movedAtMs?: number | null;
  idleAtMs?: number | null;
  /** Only where messages about it are missing in `partials` since its newest one: event time from which on panes may miss its partials. */
  tornFromMs?: number;
  /** End of the newest loss that was told of; absent while there was none. */
  lostTo?: number;
  /** Of the log that `position` belongs to; absent: 0. */
  generation?: number;
}

export interface ClocksState {
  readonly sources: readonly SourceState[];
  /** Number of partitions by `role/topic`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly dataMs: number | null;
}

export class SourceClocks {
  readonly #predictionTopics: readonly string[];
  readonly #feedbackTopics: readonly string[];
  readonly #silenceAfterMs: number;
  readonly #latenessMs: number;
  readonly #idleAfterMs: number;
  readonly #sources = new Map<string, SourceState>();
  readonly #counts = new Map<string, number>();
  #dataMs: number | null = null;
  /** As `tornFromMs`, of sources that have not spoken yet; null where nothing is missing. */
  #tornFromMs: number | null = null;

  constructor(options: {
    predictionTopics: readonly string[];
    feedbackTopics: readonly string[];
    silenceAfterMs: number;
    latenessMs: number;
    idleAfterMs: number;
  }) {
    this.#predictionTopics = options.predictionTopics;
    this.#feedbackTopics = options.feedbackTopics;
    this.#silenceAfterMs = options.silenceAfterMs;
    this.#latenessMs = options.latenessMs;
    this.#idleAfterMs = options.idleAfterMs;
  }

  /** The source records that were lost before this message, if it is the first to tell of them; to be asked before `watermark` or `idle` takes it. */
  takeLoss(record: WatermarkRecord | IdleRecord): Gap | null {
    // One that has not spoken yet has lost nothing unless it says so: and then it is not taken for new.
    if (record.lost === undefined && generationOf(record.source) === 0 && !this.#sources.has(sourceKey(record.source))) return null;
    const state = this.#state(record);
    if (generationOf(record.source) < (state.generation ?? 0)) return null;
    const lost = newlyLost(state, record);
    if (lost === null) return null;
    state.lostTo = lost.to;
    return { reason: 'gap', role: state.role, ...stretchOf(state, record, this.#dataMs), lost };
  }

  /**
   * The stretch of which records may not have been read, where the reading of the partition began in their middle; to be asked before `watermark` takes the record. It
   * also holds panes of which the partition has no record left, and those of which a better partial is there that covers less.
   */
  unknownBefore(record: WatermarkRecord): Gap | null {
    if (record.unknownUntilMs === undefined) return null;
    const state = this.#sources.get(sourceKey(record.source));
    if (state !== undefined && isBehind(state, record)) return null;
    const fromMs = state?.watermarkMs ?? earliestWatermarkMs;
    // A gap concerns panes that were still open at its end.
    return { reason: 'gap', role: record.source.role, fromMs, toMs: record.unknownUntilMs - this.#latenessMs };
  }

  /**
   * Takes a watermark record that was written at `atMs` (null: not known); gives the gap that it reveals (its `previous` lies beyond what is known, or its partition
   * is new), or null.
   */
  watermark(record: WatermarkRecord, atMs: number | null = null): Gap | null {
    const isNew = this.#isNewPartition(record);
    const state = this.#state(record);
    if (isBehind(state, record)) return null;
    const gap = this.#mend(state, record) ?? this.#gapBefore(state, record, isNew);
    if (record.position > state.position || state.watermarkMs === null) state.idleForMs = null;
    moveTo(state, record.position, atMs);
    state.watermarkMs = Math.max(state.watermarkMs ?? Number.NEGATIVE_INFINITY, record.watermarkMs);
    this.#advance();
    return gap;
  }

  /** Takes an idle record that was written at `atMs` (null: not known); gives the stretch whose partials are lost where it ends one, or null. */
  idle(record: IdleRecord, atMs: number | null = null): Gap | null {
    const state = this.#state(record);
    if (isBehind(state, record)) return null;
    const gap = this.#mend(state, record);
    moveTo(state, record.position, atMs === null ? null : atMs - record.idleForMs);
    state.idleForMs = record.idleForMs;
    state.idleAtMs = atMs;
    if (record.watermarkMs !== null) state.watermarkMs = Math.max(state.watermarkMs ?? Number.NEGATIVE_INFINITY, record.watermarkMs);
    if (state.role === 'predictions') this.#release(state, atMs);
    this.#advance();
    return gap;
  }

  /** Messages are missing in `partials` from here up to those that come next; panes from `fromMs` on may miss partials of every source. */
  tear(fromMs: number): void {
    if (this.#dataMs === null) this.#tornFromMs = fromMs;
    for (const state of this.#sources.values()) state.tornFromMs = Math.min(state.tornFromMs ?? fromMs, fromMs);
  }

  /** Highest watermark known; null before there is one. */
  get highestMs(): number | null {
    let highestMs: number | null = null;
    for (const { watermarkMs } of this.#sources.values())
      if (watermarkMs !== null && (highestMs === null || watermarkMs > highestMs)) highestMs = watermarkMs;
    return highestMs;
  }

  /** Everything in panes that end at or before it can be decided; null before every prediction partition has spoken. */
  get dataMs(): number | null {
    return this.#dataMs;
  }

  /** The prediction partitions that hold the data clock where it is, in order, or have not spoken yet; `predictions/3` is the fourth of a topic. */
  get waitingFor(): readonly string[] {
    const isAnyActive = this.#isAnyActive();
    const unknown: string[] = [];
    let lowestMs = Number.POSITIVE_INFINITY;
    let slowest: string[] = [];
    for (const topic of this.#predictionTopics) {
      const count = this.#counts.get(`predictions/${topic}`) ?? 0;
      if (count === 0) unknown.push(topic);
      for (let partition = 0; partition < count; partition++) {
        const state = this.#sources.get(sourceKey({ role: 'predictions', topic, partition }));
        const reachedMs = state === undefined ? Number.NEGATIVE_INFINITY : reached(state, isAnyActive);
        if (state === undefined) unknown.push(`${topic}/${partition}`);
        else if (reachedMs === lowestMs) slowest.push(`${topic}/${partition}`);
        else if (reachedMs < lowestMs) {
          lowestMs = reachedMs;
          slowest = [`${topic}/${partition}`];
        }
      }
    }
    return unknown.length > 0 ? unknown : slowest;
  }

  /** Whether a prediction partition has had a record with an event time. */
  get isBegun(): boolean {
    return this.#watched().some(({ role, watermarkMs }) => role === 'predictions' && watermarkMs !== null);
  }

  /** Whether every prediction partition that has spoken said that it never had a record. */
  get isAllNew(): boolean {
    return !this.isBegun && this.#watched().some(({ role }) => role === 'predictions');
  }

  /** Labels that arrived before it are all known; null before every partition has spoken. */
  get labelMs(): number | null {
    if (this.#dataMs === null) return null;
    const states = this.#known('feedback', this.#feedbackTopics);
    if (states === null) return null;
    return states.reduce((lowestMs, state) => Math.min(lowestMs, this.#labelsReadTo(state)), this.#dataMs);
  }

  /**
   * Labels that arrived before it are in `partials`. An idle partition had none that its newest idle record, less what may have been on the way, does not know of:
   * where nobody reads it any more, labels may come meanwhile.
   */
  #labelsReadTo({ idleForMs, idleAtMs, watermarkMs }: SourceState): number {
    if (idleForMs === null) return watermarkMs ?? Number.POSITIVE_INFINITY;
    if (idleAtMs === undefined || idleAtMs === null) return Number.POSITIVE_INFINITY;
    return Math.max(watermarkMs ?? Number.NEGATIVE_INFINITY, idleAtMs - 2 * this.#idleAfterMs);
  }

  /** True where a partition was not waited for: what is decided of panes that end then may miss records that it still gets. */
  isIdleBefore(role: SourceRole, endMs: number): boolean {
    for (const state of this.#watched())
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

  #gapBefore(state: SourceState, { previous, watermarkMs }: WatermarkRecord, isNew: boolean): Gap | null {
    if (isNew && this.#dataMs !== null)
      return { reason: 'new-partition', role: state.role, fromMs: this.#dataMs, toMs: Math.max(this.#dataMs, watermarkMs) };
    if (state.watermarkMs === null || previous <= state.position) return null;
    return { reason: 'gap', role: state.role, fromMs: state.watermarkMs, toMs: watermarkMs };
  }

  /** A source speaks again after messages were lost: where its position has moved meanwhile, so may its partials have been. */
  #mend(state: SourceState, { position, watermarkMs }: WatermarkRecord | IdleRecord): Gap | null {
    const { tornFromMs } = state;
    if (tornFromMs === undefined) return null;
    delete state.tornFromMs;
    if (position === state.position || watermarkMs === null) return null;
    return { reason: 'lost-partials', role: state.role, fromMs: tornFromMs, toMs: Math.max(tornFromMs, watermarkMs) };
  }

  #state(record: WatermarkRecord | IdleRecord): SourceState {
    const { role, topic, partition } = record.source;
    const topicKey = `${role}/${topic}`;
    const key = sourceKey(record.source);
    let state = this.#sources.get(key);
    // A topic grows, unless it was made anew.
    const isAnew = state !== undefined && generationOf(record.source) > (state.generation ?? 0);
    this.#counts.set(topicKey, isAnew ? record.partitions : Math.max(this.#counts.get(topicKey) ?? 0, record.partitions));
    if (state === undefined) {
      state = { role, topic, partition, position: 0, watermarkMs: null, idleForMs: null };
      if (this.#dataMs === null && this.#tornFromMs !== null) state.tornFromMs = this.#tornFromMs;
      this.#sources.set(key, state);
    }
    const generation = generationOf(record.source);
    if (generation > (state.generation ?? 0)) enterGeneration(state, generation);
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

  /** A partition has said once more that it is idle: how far it is not waited for. */
  #release(state: SourceState, atMs: number | null): void {
    let lowestActiveMs = Number.POSITIVE_INFINITY;
    let highestMs = Number.NEGATIVE_INFINITY;
    let shortestIdleMs = Number.POSITIVE_INFINITY;
    for (const one of this.#watched()) {
      if (one.role !== 'predictions') continue;
      highestMs = Math.max(highestMs, one.watermarkMs ?? Number.NEGATIVE_INFINITY);
      if (one.idleForMs === null) lowestActiveMs = Math.min(lowestActiveMs, one.watermarkMs ?? Number.NEGATIVE_INFINITY);
      else shortestIdleMs = Math.min(shortestIdleMs, silentFor(one));
    }
    const areAllIdle = lowestActiveMs === Number.POSITIVE_INFINITY;
    // All idle: event time stands still for silenceAfter, then goes on at the pace of the idle records.
    const silentMs = areAllIdle ? highestMs + shortestIdleMs - this.#silenceAfterMs : Number.NEGATIVE_INFINITY;
    state.releasedMs = finite(Math.max(state.releasedMs ?? Number.NEGATIVE_INFINITY, state.frontMs ?? Number.NEGATIVE_INFINITY, silentMs));
    // A burst after a pause that is no silence brings nothing older. So a backlog of others is not held up at the pace of idle records.
    if (atMs !== null) state.quietMs = atMs - 2 * this.#silenceAfterMs;
    if (!areAllIdle) state.frontMs = finite(lowestActiveMs) ?? state.frontMs ?? null;
  }

  /** States of the partitions that are there, of the topics that are configured: others stand in older facts. */
  #watched(): SourceState[] {
    return [...this.#sources.values()].filter(({ role, topic, partition }) => {
      const topics = role === 'predictions' ? this.#predictionTopics : this.#feedbackTopics;
      return topics.includes(topic) && partition < (this.#counts.get(`${role}/${topic}`) ?? 0);
    });
  }

  #isAnyActive(): boolean {
    for (const { role, idleForMs } of this.#watched()) if (role === 'predictions' && idleForMs === null) return true;
    return false;
  }

  #advance(): void {
    const states = this.#known('predictions', this.#predictionTopics);
    if (states === null) return;
    const isAnyActive = this.#isAnyActive();
    const clockMs = states.reduce((lowestMs, state) => Math.min(lowestMs, reached(state, isAnyActive)), Number.POSITIVE_INFINITY);
    if (clockMs > (this.#dataMs ?? Number.NEGATIVE_INFINITY)) this.#dataMs = clockMs;
  }
}

/** What another summarizer has said better already: of a former log, or of fewer records. */
function isBehind(state: SourceState, { source, position }: WatermarkRecord | IdleRecord): boolean {
  return generationOf(source) < (state.generation ?? 0) || position < state.position;
}

/** Another log stands in the place of the one that was read: its offsets begin anew. Event time goes on. */
function enterGeneration(state: SourceState, generation: number): void {
  state.generation = generation;
  state.position = 0;
  delete state.movedAtMs;
  state.idleForMs = null;
  delete state.lostTo;
}

/** How long an idle partition has had nothing: who reads it since a restart does not know how long it had nothing before. */
function silentFor({ idleForMs, idleAtMs, movedAtMs }: SourceState): number {
  const knownMs = typeof idleAtMs === 'number' && typeof movedAtMs === 'number' ? idleAtMs - movedAtMs : 0;
  return Math.max(idleForMs ?? 0, knownMs);
}

/** `atMs`: when that position was reached, at the latest; null where it is not known. */
function moveTo(state: SourceState, position: number, atMs: number | null): void {
  if (position > state.position || state.movedAtMs === undefined) state.movedAtMs = atMs;
  state.position = position;
}

function finite(timeMs: number): number | null {
  return Number.isFinite(timeMs) ? timeMs : null;
}

/** How far the data clock may go for this partition. */
function reached({ watermarkMs, idleForMs, releasedMs, quietMs }: SourceState, isAnyActive: boolean): number {
  const least = Number.NEGATIVE_INFINITY;
  if (idleForMs === null) return watermarkMs ?? least;
  return Math.max(watermarkMs ?? least, releasedMs ?? least, isAnyActive ? (quietMs ?? least) : least);
}
