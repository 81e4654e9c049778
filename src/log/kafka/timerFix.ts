/**
 * kafkajs 2.2.4 looks every millisecond for requests that wait, even where none does (tulios/kafkajs#1704, #1751): 3,500 timers a second,
 * all with a negative delay, 2 to 4 % of a core while idle. With this it looks only while something waits.
 */
import { createRequire } from 'node:module';
import { InvariantError } from '../../core/errors.ts';

interface RequestQueue {
  readonly prototype: { pending: unknown[]; scheduleCheckPendingRequests: () => void };
}

let isApplied = false;

/** Applies the fix once. An `InvariantError` says that kafkajs changed and that the fix must be looked at again. */
export function fixKafkajsTimers(): void {
  if (isApplied) return;
  isApplied = true;
  const queue: RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js');
  const original = queue.prototype.scheduleCheckPendingRequests;
  if (typeof original !== 'function') throw new InvariantError('kafkajs is not the version whose timers src/log/kafka/timerFix.ts fixes');
  queue.prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests() {
    if (this.pending.length > 0) original.call(this);
  };
}
