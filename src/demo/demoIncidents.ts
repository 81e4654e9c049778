/** The incidents of a run as the inbox shows them: which are new, and which of them is the injected fault's. */
import type { InboxEvent, InboxIssue } from '../sentry/inbox/store.ts';

/** An event that has arrived, with the issue that it belongs to. */
export interface Arrival {
  readonly issue: InboxIssue;
  readonly event: InboxEvent;
  /** Whether it is about the feature in which the fault was injected, in a window that ends after it began. */
  readonly isOfFault: boolean;
}

/** Remembers what it has seen, so that every look gives what is new. */
export class IncidentWatch {
  readonly #seen = new Set<string>();
  readonly #fault: { readonly feature: string; readonly sinceMs: number };

  constructor(fault: { readonly feature: string; readonly sinceMs: number }) {
    this.#fault = fault;
  }

  /** What has arrived since the last look, by event time. */
  look(issues: readonly InboxIssue[]): Arrival[] {
    const arrivals: Arrival[] = [];
    for (const issue of issues) {
      for (const event of issue.events) {
        if (this.#seen.has(event.id)) continue;
        this.#seen.add(event.id);
        arrivals.push({ issue, event, isOfFault: this.#isOfFault(event) });
      }
    }
    return arrivals.sort((one, other) => (one.event.time < other.event.time ? -1 : 1));
  }

  #isOfFault({ event, time, tags }: InboxEvent): boolean {
    const names = Object.keys(event.contexts?.['Top features'] ?? {}).map((name) => name.replace(/^\d+\. /, ''));
    return tags.kind === 'drift' && Date.parse(time) > this.#fault.sinceMs && names.includes(this.#fault.feature);
  }
}
