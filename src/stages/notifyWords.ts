/** What the log says of deliveries. */
import type { DeliveryAnswer } from '../core/incident/delivery.ts';
import type { EventRecord } from '../core/incident/event.ts';
import type { Logger } from '../core/logger.ts';
import { type SinkName, sinkWords } from './sink.ts';

/** How often it is said that the sink refuses who we are. */
const refusalEveryMs = 60_000;

/** Where a partition of events is read from, and not from the committed position. */
export const beginnings = {
  gone: 'The committed position is no longer in the events topic: reading on from its first record',
  // As by an older release, which wrote no mark.
  moved:
    'The committed position was not written by this release: reading from the first record, so that nothing is passed over; what was delivered is not sent again',
} as const;

/** What a line about an event names. */
export function facts(event: EventRecord): Readonly<Record<string, unknown>> {
  return { event: event.id, incident: event.incident, ordinal: event.ordinal, step: event.step, model: event.model, kind: event.kind };
}

/** Lines about attempts that failed: one per incident and outage; a refused DSN is an error every minute, for it ends only when a person acts. */
export class FailureLines {
  readonly #sink: SinkName;
  readonly #logger: Logger;
  #refusalToldMs = Number.NEGATIVE_INFINITY;

  constructor(sink: SinkName, logger: Logger) {
    this.#sink = sink;
    this.#logger = logger;
  }

  tell(outcome: DeliveryAnswer['outcome'], about: Readonly<Record<string, unknown>> & { readonly attempts: number }, nowMs: number): void {
    const { title, refusal } = sinkWords[this.#sink];
    if (outcome === 'not-ready' && nowMs - this.#refusalToldMs >= refusalEveryMs) {
      this.#refusalToldMs = nowMs;
      this.#logger.error(about, `${refusal}. Events are kept and tried again`);
    } else if (about.attempts === 1) {
      this.#logger.warn(about, `${title} did not take the event: it is kept and tried again`);
    } else {
      this.#logger.debug(about, `${title} still does not take the event`);
    }
  }
}
