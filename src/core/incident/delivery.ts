/**
 * What notify decides, without Kafka, clock or network: which event of which incident is delivered next, which ones later ones have
 * overtaken, and how far the events topic may be committed. One queue per partition of the events topic.
 *
 * What is delivered one at a time is the *chain*: incidents that reopen each other share an issue, and the end of the former, delivered after the
 * beginning of the next, would close it again.
 */
import { type EventRecord, type IncidentStep, isEnd } from './event.ts';

/**
 * What became of an attempt to deliver. `accepted`: the server has it. `retry`: no answer, or one of the server's own faults. `rate-limited`: it
 * asks for a pause. `not-ready`: it refuses who we are (a revoked key, a moved project): kept, and a person must act. `too-large` and
 * `poison`: it refuses this very event, now and for ever.
 */
type DeliveryOutcome = 'accepted' | 'retry' | 'rate-limited' | 'too-large' | 'poison' | 'not-ready';

export interface DeliveryAnswer {
  readonly outcome: DeliveryOutcome;
  /** How long the server asks to be left alone, where it says so. */
  readonly retryAfterMs?: number;
  /** HTTP status; left out where no answer came. */
  readonly status?: number;
  /** The event went without its picture, which is not tried again: too large, or limited for long. */
  readonly isPictureDropped?: true;
}

const firstDelayMs = 1_000;
const longestDelayMs = 300_000;

/**
 * How long to wait after the `attempts`-th failed attempt in a row (from 1): one second, doubling up to five minutes, of which the upper half is
 * spread by `jitter` in [0, 1), so that incidents that failed together do not come back together.
 */
export function retryDelayMs(attempts: number, jitter: number): number {
  const fullMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (attempts - 1));
  return Math.round(fullMs / 2 + (fullMs / 2) * jitter);
}

/**
 * Whether a step that waits still has something to say once a later one of its incident waits behind it. `opened` always has: an incident that
 * came and went while Sentry was down must not be lost. A reminder says "still so", which any later step says better or denies. An escalation
 * says "it got worse", which stays true when it is over; only a later escalation, which names all series again, says it better. An end has a later one
 * where two settings of reminders decided the incident (a rolling deploy): one is enough. So a backlog of any length is at most three events per
 * incident.
 */
function isOvertaken(waiting: IncidentStep, later: IncidentStep): boolean {
  if (waiting === 'reminded') return true;
  return (waiting === 'escalated' && later === 'escalated') || (isEnd(waiting) && isEnd(later));
}

interface Waiting {
  readonly offset: number;
  readonly event: EventRecord;
}

interface ChainQueue {
  /** By rising start of the incident and ordinal, without the one in flight. */
  waiting: Waiting[];
  inFlight: Waiting | null;
  /** Failed attempts in a row. */
  attempts: number;
  /** Not before this time. */
  dueMs: number;
  /** Until then the server has asked to be left alone with it. */
  askedUntilMs: number;
}

/**
 * The undelivered events of one partition of the events topic. Invariants: of a chain at most one event is in flight, in the order of
 * the incidents and of their ordinals; an ordinal at or below the last delivered one is never given out again, so that a repeated write of a zombie, and what is
 * read again after a restart, are nothing; `position` never passes an event that still has to be delivered.
 */
export class DeliveryQueue {
  readonly #delivered: Map<string, number>;
  readonly #chains = new Map<string, ChainQueue>();
  /** Offsets that hold the position back, in ascending order: they are added as they are read. */
  readonly #open = new Set<number>();
  #nextOffset: number;

  /** `delivered`: last delivered ordinal per incident (topic `deliveries`). `nextOffset`: where reading begins. */
  constructor(delivered: ReadonlyMap<string, number>, nextOffset: number) {
    this.#delivered = new Map(delivered);
    this.#nextOffset = nextOffset;
  }

  /** Where reading goes on: everything below was read. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Number of events that wait or are in flight. */
  get size(): number {
    return this.#open.size;
  }

  /** Everything below has been delivered, overtaken or skipped: what may be committed. */
  get position(): number {
    for (const offset of this.#open) return offset;
    return this.#nextOffset;
  }

  /** Everything below this offset has been read. */
  advance(nextOffset: number): void {
    this.#nextOffset = Math.max(this.#nextOffset, nextOffset);
  }

  /** Takes up an event. Gives the events that it has overtaken, itself among them where its ordinal was delivered or waits already. */
  add(offset: number, event: EventRecord): readonly EventRecord[] {
    this.advance(offset + 1);
    const queue = this.#chains.get(event.chain) ?? { waiting: [], inFlight: null, attempts: 0, dueMs: 0, askedUntilMs: 0 };
    const isKnown =
      this.#isDelivered(event) || [queue.inFlight, ...queue.waiting].some((one) => one !== null && isSameStep(one.event, event));
    if (isKnown) return [event];
    this.#chains.set(event.chain, queue);
    this.#open.add(offset);
    queue.waiting.push({ offset, event });
    queue.waiting.sort((left, right) => inChainOrder(left.event, right.event));
    return this.#collapse(queue);
  }

  /**
   * Events that may go now, at most one per chain and `limit` in all; each is in flight until `settle` or `postpone`. `open`: only of chains that go on,
   * for what is over already can wait until those have been told of.
   */
  take(nowMs: number, limit: number, which: 'any' | 'open' = 'any'): readonly EventRecord[] {
    const taken: EventRecord[] = [];
    for (const queue of this.#chains.values()) {
      if (taken.length >= limit) break;
      if (queue.inFlight !== null || queue.dueMs > nowMs || (which === 'open' && isOver(queue))) continue;
      queue.inFlight = queue.waiting.shift() ?? null;
      if (queue.inFlight !== null) taken.push(queue.inFlight.event);
    }
    return taken;
  }

  /** The end of the same incident, where it waits behind an event in flight: then that event tells of what is over already. Null else. */
  endBehind(event: EventRecord): EventRecord | null {
    if (isEnd(event.step)) return null;
    const end = this.#chains.get(event.chain)?.waiting.find((one) => one.event.incident === event.incident && isEnd(one.event.step));
    return end?.event ?? null;
  }

  /** The event in flight has been dealt with (accepted, left out, parked), and that stands in `deliveries`. */
  settle(event: EventRecord): void {
    const { queue, waiting } = this.#inFlight(event);
    this.#open.delete(waiting.offset);
    this.#delivered.set(event.incident, event.ordinal);
    queue.inFlight = null;
    queue.attempts = 0;
    queue.dueMs = 0;
    this.#remove(queue, (other) => this.#isDelivered(other));
    if (queue.waiting.length === 0) this.#chains.delete(event.chain);
  }

  /**
   * The event in flight was not accepted. Gives the number of failed attempts in a row; `delayMs` is made from it. `askedMs`: the pause that the server asks for,
   * which is kept in any case.
   */
  postpone(event: EventRecord, nowMs: number, delayMs: (attempts: number) => number, askedMs = 0): number {
    const { queue, waiting } = this.#inFlight(event);
    queue.attempts += 1;
    queue.askedUntilMs = nowMs + askedMs;
    queue.dueMs = Math.max(queue.askedUntilMs, nowMs + delayMs(queue.attempts));
    queue.inFlight = null;
    queue.waiting.push(waiting);
    queue.waiting.sort((left, right) => inChainOrder(left.event, right.event));
    this.#collapse(queue);
    return queue.attempts;
  }

  /** The server is back after an outage: what waits for its next attempt may go, as soon as a pause that was asked for is over. */
  retryNow(): void {
    for (const queue of this.#chains.values()) queue.dueMs = queue.askedUntilMs;
  }

  /** When the next event is due that is not in flight; null where none waits. */
  nextDueMs(): number | null {
    let next: number | null = null;
    for (const queue of this.#chains.values()) {
      if (queue.inFlight === null && queue.waiting.length > 0) next = Math.min(next ?? queue.dueMs, queue.dueMs);
    }
    return next;
  }

  /** Offset of the event in flight, for its dead letter. */
  offsetOf(event: EventRecord): number {
    return this.#inFlight(event).waiting.offset;
  }

  #isDelivered(event: EventRecord): boolean {
    return event.ordinal <= (this.#delivered.get(event.incident) ?? -1);
  }

  #inFlight(event: EventRecord): { readonly queue: ChainQueue; readonly waiting: Waiting } {
    const queue = this.#chains.get(event.chain);
    if (queue === undefined || queue.inFlight === null || !isSameStep(queue.inFlight.event, event)) {
      throw new RangeError(`event ${event.ordinal} of incident ${event.incident} is not in flight`);
    }
    return { queue, waiting: queue.inFlight };
  }

  /** What is in flight is not touched: the server may have it already. */
  #collapse(queue: ChainQueue): readonly EventRecord[] {
    const { waiting } = queue;
    return this.#remove(queue, (event) =>
      waiting.some(
        ({ event: later }) => later.incident === event.incident && later.ordinal > event.ordinal && isOvertaken(event.step, later.step),
      ),
    );
  }

  #remove(queue: ChainQueue, isDone: (event: EventRecord) => boolean): readonly EventRecord[] {
    const removed = queue.waiting.filter(({ event }) => isDone(event));
    for (const { offset } of removed) this.#open.delete(offset);
    if (removed.length > 0) queue.waiting = queue.waiting.filter((one) => !removed.includes(one));
    return removed.map(({ event }) => event);
  }
}

/** Whether the newest that waits of a chain is the end of its last incident. */
function isOver({ waiting }: ChainQueue): boolean {
  const last = waiting.at(-1);
  return last !== undefined && isEnd(last.event.step);
}

function isSameStep(left: EventRecord, right: EventRecord): boolean {
  return left.incident === right.incident && left.ordinal === right.ordinal;
}

/** Incidents of a chain follow each other: the next opens after the former has ended. */
function inChainOrder(left: EventRecord, right: EventRecord): number {
  return Date.parse(left.start) - Date.parse(right.start) || left.ordinal - right.ordinal;
}
