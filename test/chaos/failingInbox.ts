/** Every way in which Sentry can fail, one after the other, each for a while. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { InboxFailure } from '../../src/sentry/inbox/failure.ts';
import type { Inbox } from '../../src/sentry/inbox/server.ts';

const passing: readonly InboxFailure[] = [
  { kind: 'status', status: 429, rateLimits: '5:error:key' },
  { kind: 'status', status: 429, rateLimits: '5:attachment:key' },
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, retryAfter: '3' },
  { kind: 'hang' },
  { kind: 'reset-before-body' },
  { kind: 'reset-after-body' },
];

/** The server refuses who asks: events wait, and at the API what was asked is left as it is. */
const refusing: readonly InboxFailure[] = [
  { kind: 'status', status: 401 },
  { kind: 'status', status: 403 },
];

/** The server refuses the event itself, for good: it goes to the dead-letter topic. */
const poison: readonly InboxFailure[] = [
  { kind: 'status', status: 400 },
  { kind: 'status', status: 413 },
];

/** Poison last: an incident that was refused when it opened has no issue to resolve, and its end is looked for in vain for ten minutes. */
const failures: readonly InboxFailure[] = [...passing, ...refusing, ...poison];

/** Fails in one way after the other until it is over, each for a thirtieth of the whole: two rounds, with pauses. Gives how many failures there were. */
export async function failInbox(inbox: Inbox, lastsMs: number, isOver: () => boolean): Promise<number> {
  const failingMs = Math.max(8_000, lastsMs / 30);
  let count = 0;
  for (; !isOver(); count++) {
    const failure = failures[count % failures.length] ?? null;
    inbox.fail(failure);
    // The API fails with it, but only as a server does that will come back: what it refuses for good is not asked again.
    inbox.failApi(failure !== null && passing.includes(failure) ? failure : null);
    await sleep(failingMs);
    inbox.fail(null);
    inbox.failApi(null);
    await sleep(failingMs / 4);
  }
  return count;
}
