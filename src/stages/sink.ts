/** Where the notify stage delivers to. A new kind of place that events go to is a new `Sink`; queue, order, backoff and commits are the stage's. */
import type { DeliveryAnswer } from '../core/incident/delivery.ts';
import type { EventRecord } from '../core/incident/event.ts';
import type { StormSummary } from '../core/incident/storm.ts';

export type SinkName = 'sentry' | 'webhook' | 'log';

export interface Sink {
  readonly name: SinkName;
  /**
   * One attempt. The sink gets every step of an incident, its end (`recovered`, `ended`) too, and decides what becomes of it; what it leaves
   * out it answers with `accepted`. The same event may come again after a crash, under the same id. A rejection counts as `retry`.
   * `end`: how its incident has ended since, where that waits behind the event already (the sink was away): worth knowing, and no reason to wake anybody.
   */
  deliver(event: EventRecord, end?: EventRecord | null): Promise<DeliveryAnswer>;
  /** Incidents whose openings it refused for good when another worker, or an earlier run of this one, had them: it has nothing of them. */
  recall?(refused: Iterable<string>): void;
  /** One attempt to tell of the incidents that the cap on new issues has suppressed. A sink without it has no cap. */
  deliverSummary?(summary: StormSummary): Promise<DeliveryAnswer>;
  close(): Promise<void>;
}

/** How log lines call a sink, and what a person does about one that refuses who we are. */
export const sinkWords: Readonly<Record<SinkName, { readonly title: string; readonly refusal: string }>> = {
  sentry: { title: 'Sentry', refusal: 'Sentry refuses this DSN: check its key and project' },
  webhook: { title: 'The webhook', refusal: 'The webhook refuses us: check its address and secret' },
  log: { title: 'The log', refusal: 'The log cannot be written' },
};

/** The consumer group of a sink's notify stage. Sentry's has the plain name, which deployments before there were other sinks have committed under. */
export function notifyGroup(group: string, sink: SinkName): string {
  return sink === 'sentry' ? `${group}-notify` : `${group}-notify-${sink}`;
}
