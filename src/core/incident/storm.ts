/**
 * Storms: a broken feed opens hundreds of incidents at once, one per model, kind and segment, and hundreds of issues hide what is wrong. So new
 * issues are capped: so many in a period, and of those so many about segments of one model and kind. What is beyond is *suppressed*, and told
 * together in one summary issue per period. A suppressed incident gets its own issue at its next step once there is room; one that has
 * become an `error` may use a reserve as large as the cap itself. Nothing is lost: the events stay in their topic, and what was
 * suppressed stands in `deliveries`, from which this state comes back.
 *
 * The period is one of the clock of delivery, not of event time: what must be bounded is what people get in an hour, after an outage too.
 * An issue takes its place when it is first tried and keeps it until it has been accepted and the period has passed.
 */
import { sha256Hex } from '../hashText.ts';
import { type EventRecord, type IncidentKind, isEnd, type Severity } from './event.ts';

export interface StormLimits {
  /** New issues in a period, over all workers. */
  readonly issues: number;
  /** Of those, about segments of one model and kind. */
  readonly segments: number;
  readonly perMs: number;
}

/** What the cap made of an incident, as it stands in `deliveries`. Times are those of the delivery clock, epoch milliseconds. */
export type CapRecord =
  | {
      readonly kind: 'issue';
      /** When the issue was accepted. */
      readonly atMs: number;
      /** Model and kind where it is about a segment, or null. */
      readonly segmentOf: string | null;
    }
  | {
      readonly kind: 'suppressed';
      readonly atMs: number;
      readonly model: string;
      readonly incidentKind: IncidentKind;
      readonly owner: string | null;
      readonly severity: Severity;
    };

type Suppressed = Extract<CapRecord, { kind: 'suppressed' }>;

/** The suppressed incidents of a period, for one issue. */
export interface StormSummary {
  /** 32 hex digits: the same incidents give the same id. */
  readonly id: string;
  readonly periodStartMs: number;
  readonly periodEndMs: number;
  readonly incidents: number;
  /** The worst of them. */
  readonly severity: Severity;
  /** By owner, model and kind, the largest first. */
  readonly groups: readonly {
    readonly owner: string | null;
    readonly model: string;
    readonly kind: IncidentKind;
    readonly incidents: number;
  }[];
  /** How many of them stand in each partition: what `told` notes. */
  readonly partitions: ReadonlyMap<number, number>;
}

interface Issue {
  /** Null while it is on its way. */
  acceptedMs: number | null;
  readonly segmentOf: string | null;
}

interface PartitionState {
  readonly issues: Map<string, Issue>;
  readonly suppressed: Map<string, Suppressed>;
  /** Incidents that the newest accepted summary of a period told of, by start of the period. */
  readonly told: Map<number, number>;
}

/** What stands in `deliveries` about the cap, for one partition. */
export interface CapState {
  readonly records: ReadonlyMap<string, CapRecord>;
  readonly told: ReadonlyMap<number, number>;
}

const ranks: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 };

/** The cap of one worker, over its partitions of `events`. */
export class IssueCap {
  readonly #limits: StormLimits;
  /** Partitions of the topic: a worker may use its share of the cap. */
  readonly #partitionCount: number;
  readonly #partitions = new Map<number, PartitionState>();

  constructor(limits: StormLimits, partitionCount: number) {
    this.#limits = limits;
    this.#partitionCount = partitionCount;
  }

  /** Takes up a partition with what its former owner had noted. */
  takeUp(partition: number, { records, told }: CapState): void {
    const state: PartitionState = { issues: new Map(), suppressed: new Map(), told: new Map(told) };
    for (const [incident, record] of records) {
      if (record.kind === 'suppressed') state.suppressed.set(incident, record);
      else state.issues.set(incident, { acceptedMs: record.atMs, segmentOf: record.segmentOf });
    }
    this.#partitions.set(partition, state);
  }

  drop(partition: number): void {
    this.#partitions.delete(partition);
  }

  /**
   * Whether the event goes to the sink; one that goes takes its place in the cap until `settled`. `isOver`: the incident has ended since, so that at most
   * half of the places are for it and those like it, and a summary does not count it by its severity.
   */
  admits(partition: number, event: EventRecord, nowMs: number, isOver = false): boolean {
    const state = this.#stateOf(partition);
    if (state.issues.has(event.incident)) return true;
    const before = state.suppressed.get(event.incident);
    // Its issue is older than the period, or than the cap.
    if (before === undefined && event.step !== 'opened') return true;
    const isItsEnd = isEnd(event.step);
    const hasBecomeError = event.step === 'escalated' && event.severity === 'error' && before?.severity !== 'error';
    if (!isItsEnd && this.#hasRoom(event, isOver ? 0.5 : hasBecomeError ? 2 : 1, nowMs)) {
      state.suppressed.delete(event.incident);
      state.issues.set(event.incident, { acceptedMs: null, segmentOf: segmentOf(event) });
      return true;
    }
    const newest = isOver || isItsEnd ? 'info' : event.severity;
    const severity = before !== undefined && ranks[before.severity] > ranks[newest] ? before.severity : newest;
    state.suppressed.set(event.incident, {
      kind: 'suppressed',
      atMs: before?.atMs ?? nowMs,
      model: event.model,
      incidentKind: event.kind,
      owner: event.owner,
      severity,
    });
    return false;
  }

  /** The event has been dealt with. Gives what is to stand in `deliveries` beside it, or null. */
  settled(partition: number, event: EventRecord, nowMs: number): CapRecord | null {
    const state = this.#stateOf(partition);
    const suppressed = state.suppressed.get(event.incident);
    if (suppressed !== undefined) return suppressed;
    const issue = state.issues.get(event.incident);
    if (issue === undefined) return null;
    issue.acceptedMs ??= nowMs;
    return { kind: 'issue', atMs: issue.acceptedMs, segmentOf: issue.segmentOf };
  }

  /** The oldest period with suppressed incidents that no accepted summary has told of, as a summary; null where all is told. */
  owed(group: string): StormSummary | null {
    let oldest: number | null = null;
    for (const state of this.#partitions.values()) {
      for (const [periodMs, incidents] of this.#suppressedByPeriod(state)) {
        if (incidents.length > (state.told.get(periodMs) ?? 0)) oldest = Math.min(oldest ?? periodMs, periodMs);
      }
    }
    return oldest === null ? null : this.#summaryOf(oldest, group);
  }

  /** A summary was accepted. Gives the partitions that are still ours, with what is to stand in `deliveries` for each. */
  told(summary: StormSummary): readonly { readonly partition: number; readonly periodStartMs: number; readonly incidents: number }[] {
    const noted = [];
    for (const [partition, incidents] of summary.partitions) {
      const state = this.#partitions.get(partition);
      if (state === undefined) continue;
      state.told.set(summary.periodStartMs, Math.max(incidents, state.told.get(summary.periodStartMs) ?? 0));
      noted.push({ partition, periodStartMs: summary.periodStartMs, incidents });
    }
    return noted;
  }

  #stateOf(partition: number): PartitionState {
    const state = this.#partitions.get(partition);
    if (state === undefined) throw new RangeError(`partition ${partition} has not been taken up`);
    return state;
  }

  #hasRoom(event: EventRecord, times: number, nowMs: number): boolean {
    const group = segmentOf(event);
    let issues = 0;
    let ofGroup = 0;
    for (const state of this.#partitions.values()) {
      for (const [incident, issue] of state.issues) {
        if (issue.acceptedMs !== null && issue.acceptedMs <= nowMs - this.#limits.perMs) {
          state.issues.delete(incident);
          continue;
        }
        issues += 1;
        if (group !== null && issue.segmentOf === group) ofGroup += 1;
      }
    }
    const share = Math.ceil((this.#limits.issues * this.#partitions.size) / this.#partitionCount);
    return issues < share * times && (group === null || ofGroup < this.#limits.segments * times);
  }

  #suppressedByPeriod(state: PartitionState): Map<number, string[]> {
    const periods = new Map<number, string[]>();
    for (const [incident, { atMs }] of state.suppressed) {
      const periodMs = Math.floor(atMs / this.#limits.perMs) * this.#limits.perMs;
      const incidents = periods.get(periodMs);
      if (incidents === undefined) periods.set(periodMs, [incident]);
      else incidents.push(incident);
    }
    return periods;
  }

  #summaryOf(periodStartMs: number, group: string): StormSummary {
    const partitions = new Map<number, number>();
    const ids: string[] = [];
    const groups = new Map<string, { owner: string | null; model: string; kind: IncidentKind; incidents: number }>();
    let severity: Severity = 'info';
    for (const [partition, state] of this.#partitions) {
      const incidents = this.#suppressedByPeriod(state).get(periodStartMs) ?? [];
      if (incidents.length > 0) partitions.set(partition, incidents.length);
      for (const incident of incidents) {
        const one = state.suppressed.get(incident);
        if (one === undefined) continue;
        ids.push(incident);
        if (ranks[one.severity] > ranks[severity]) severity = one.severity;
        const key = JSON.stringify([one.owner, one.model, one.incidentKind]);
        const sum = groups.get(key) ?? { owner: one.owner, model: one.model, kind: one.incidentKind, incidents: 0 };
        sum.incidents += 1;
        groups.set(key, sum);
      }
    }
    return {
      id: sha256Hex(JSON.stringify(['storm', group, periodStartMs, severity, ...ids.sort()])).slice(0, 32),
      periodStartMs,
      periodEndMs: periodStartMs + this.#limits.perMs,
      incidents: ids.length,
      severity,
      groups: [...groups]
        .sort(([leftKey, left], [rightKey, right]) => right.incidents - left.incidents || (leftKey < rightKey ? -1 : 1))
        .map(([, sum]) => sum),
      partitions,
    };
  }
}

function segmentOf({ model, kind, segment }: EventRecord): string | null {
  return segment === null ? null : `${model}/${kind}`;
}
