/** The place that events go to in a simulated run: it takes them, refuses for a while, or takes them and loses its answer. */
import type { DeliveryAnswer } from '../../src/core/incident/delivery.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import type { Sink } from '../../src/stages/sink.ts';
import type { Scheduler } from './scheduler.ts';

export interface Delivery {
  readonly event: EventRecord;
  readonly worker: string;
  /** Whether the worker was out of its group then, and did not know: what it sends comes when it comes. */
  readonly isZombie: boolean;
}

export const outages = ['no answer', 'asks for a pause', 'answer lost'] as const;
export type Outage = (typeof outages)[number];

export class SimulatedInbox {
  readonly delivered: Delivery[] = [];
  readonly problems: string[] = [];
  outage: Outage | null = null;
  readonly #scheduler: Scheduler;
  readonly #isZombie: (worker: string) => boolean;

  constructor(scheduler: Scheduler, isZombie: (worker: string) => boolean) {
    this.#scheduler = scheduler;
    this.#isZombie = isZombie;
  }

  /** The sink of one worker. `dealtWith`: by incident the ordinal of the last record in `deliveries` when it began: what it has no business to send again. */
  of(worker: string, dealtWith: ReadonlyMap<string, number>): Sink {
    const inFlight = new Set<string>();
    return {
      name: 'sentry',
      deliver: async (event) => {
        if (inFlight.has(event.incident)) this.problems.push(`${worker} delivers two steps of incident ${event.incident} at a time`);
        if (event.ordinal <= (dealtWith.get(event.incident) ?? -1))
          this.problems.push(
            `${worker} delivers ${event.step} ${event.ordinal} of incident ${event.incident} again, which deliveries knew when it began`,
          );
        inFlight.add(event.incident);
        try {
          return await this.#scheduler.run(worker, () => this.#take(event, worker));
        } finally {
          inFlight.delete(event.incident);
        }
      },
      close: async () => {},
    };
  }

  #take(event: EventRecord, worker: string): DeliveryAnswer {
    if (this.outage === 'no answer') return { outcome: 'retry' };
    if (this.outage === 'asks for a pause') return { outcome: 'rate-limited', status: 429, retryAfterMs: 60_000 };
    this.delivered.push({ event, worker, isZombie: this.#isZombie(worker) });
    return this.outage === 'answer lost' ? { outcome: 'retry' } : { outcome: 'accepted' };
  }
}
