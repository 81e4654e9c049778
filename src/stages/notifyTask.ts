/** A partition of the events topic that notify has taken up. */
import { DeliveryQueue } from '../core/incident/delivery.ts';
import type { OffsetRange, OwnedPartition, TopicPartition } from '../log/port.ts';

/** Undelivered events of a partition at which it is read no further. */
export const fullAt = 1_000;
/** How long a partition that was taken up may be read before anything of it is delivered. */
const catchUpMs = 30_000;

export interface NotifyTask {
  readonly at: TopicPartition;
  /** Epoch in which the partition came. */
  readonly since: number;
  readonly queue: DeliveryQueue;
  committed: number;
  /** End of the partition when it came, and how long getting there may take. */
  readonly caughtUp: { readonly offset: number; readonly untilMs: number };
  /** Was taken away: whatever comes back for it is void. */
  isRevoked: boolean;
}

/** A task that begins at `start`. `delivered`: last delivered ordinal by incident. */
export function notifyTask(
  { since, ...at }: OwnedPartition,
  start: number,
  delivered: ReadonlyMap<string, number>,
  { high }: OffsetRange,
  nowMs: number,
): NotifyTask {
  const caughtUp = { offset: high, untilMs: nowMs + catchUpMs };
  return { at, since, queue: new DeliveryQueue(delivered, start), committed: start, caughtUp, isRevoked: false };
}

/**
 * Whether all was read that was there when the partition came, or as much as is held at a time. Before that it is not known what has been overtaken: after an outage
 * and a restart the first record may be the opening of an incident that has long been over.
 */
export function isCaughtUp({ queue, caughtUp }: NotifyTask, nowMs: number): boolean {
  return queue.nextOffset >= caughtUp.offset || queue.size >= fullAt || nowMs >= caughtUp.untilMs;
}
