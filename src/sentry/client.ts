/**
 * Delivery to Sentry through the SDK, with proof. `Sentry.flush` and `afterSendEvent` prove nothing, and the SDK's own
 * transport drops events on its own judgement; so the transport is ours: it sends every envelope once, with a deadline, and hands the
 * server's answer to whoever waits for that event. Whether and when to try again is decided by `core/incident/delivery.ts` alone.
 */
import type { Attachment, BaseTransportOptions, Event, EventEnvelope, Transport } from '@sentry/core';
import { ConfigError, InvariantError } from '../core/errors.ts';
import type { DeliveryAnswer } from '../core/incident/delivery.ts';
import { attachmentPauseMs, isAttachmentAtFault, meaningOf, type ServerAnswer } from './acceptance.ts';
import { LatePictures, type Schedule, scheduleLoosely } from './latePictures.ts';

export interface SentryClientOptions {
  readonly dsn: string;
  readonly environment: string;
  readonly release: string;
  /** How long an answer may take; then the attempt counts as failed. Default 10 s. */
  readonly deadlineMs?: number;
  /** Wall clock, for pauses, and for a `Retry-After` that is a date. */
  readonly nowMs?: () => number;
  /** Timer of pictures that follow their events. Default: the machine's. */
  readonly schedule?: Schedule;
  /** A picture that was to follow its event was given up. */
  readonly onPictureLost?: () => void;
}

export interface SentryClient {
  /**
   * One attempt. Resolves with what the server made of it, or `retry` where no answer came within the deadline; never rejects for a
   * fault of the network. Where the server will not take the attachments, the event is sent once more without them, and while it limits attachments
   * they are not tried: the event does not wait for its picture. One that is too large is dropped, one that is limited follows when the limit is over. Events are
   * isolated: nothing of the process's Sentry scopes, and nothing of another event, gets in.
   */
  deliver(event: Event, attachments?: readonly Attachment[]): Promise<DeliveryAnswer>;
  close(): Promise<void>;
}

/** Where it stands in messages; a DSN holds a key, and is never printed whole. */
const dsnHelp =
  'It looks like https://KEY@HOST/PROJECT (Sentry: project settings, Client Keys). Set sentry.dsn, SENTRY_DSN or SENTRY_DSN_FILE, or run the local inbox ("tidemark inbox") and use the DSN it prints';

/** Throws `ConfigError` for a DSN that is missing or malformed: the SDK would say nothing and deliver nothing. */
export function checkDsn(dsn: string): void {
  if (dsn.trim() === '') throw new ConfigError(`sentry.dsn is missing. ${dsnHelp}`);
  const problem = dsnProblem(dsn);
  if (problem !== null) throw new ConfigError(`sentry.dsn is malformed: ${problem}. ${dsnHelp}`);
}

/** What the SDK's own parser would refuse; asking that one would print the DSN, key and all. */
function dsnProblem(dsn: string): string | null {
  if (!URL.canParse(dsn)) return 'it is no URL';
  const { protocol, username, hostname, pathname } = new URL(dsn);
  if (protocol !== 'https:' && protocol !== 'http:') return `its protocol is ${protocol.slice(0, -1)}, not https or http`;
  if (!/^\w+$/.test(username)) return 'it has no key before the @';
  if (hostname === '') return 'it has no host';
  return /\/\d+$/.test(pathname) ? null : 'it does not end in the number of a project';
}

/** Starts the SDK, as light as it goes. The import is the cost (half a second, 55 MB), so it happens here, where notify runs. */
export async function startSentryClient(options: SentryClientOptions): Promise<SentryClient> {
  checkDsn(options.dsn);
  const [{ init, Scope, withIsolationScope }, { createAttachmentEnvelopeItem, createEnvelope, serializeEnvelope }] = await Promise.all([
    import('@sentry/node'),
    import('@sentry/core'),
  ]);
  const { deadlineMs = 10_000, nowMs = Date.now, schedule = scheduleLoosely, onPictureLost = () => {} } = options;
  /** The server takes no attachments until then. */
  let noAttachmentsUntilMs = 0;
  const answers = new Map<string, (answer: ServerAnswer | null) => void>();

  let endpoint = '';
  const late = new LatePictures({
    nowMs,
    schedule,
    onLost: onPictureLost,
    send: (eventId, attachments) => {
      const items = attachments.map(createAttachmentEnvelopeItem);
      const envelope = createEnvelope<EventEnvelope>({ event_id: eventId, sent_at: new Date(nowMs()).toISOString() }, items);
      return postEnvelope(endpoint, serializeEnvelope(envelope), deadlineMs);
    },
  });

  const transport = ({ url }: BaseTransportOptions): Transport => ({
    flush: async () => true,
    send: async (envelope) => {
      endpoint = url;
      const answer = await postEnvelope(url, serializeEnvelope(envelope), deadlineMs);
      answers.get(String(envelope[0].event_id))?.(answer);
      return answer === null ? {} : { statusCode: answer.status };
    },
  });

  const client = init({
    dsn: options.dsn,
    environment: options.environment,
    release: options.release,
    transport,
    defaultIntegrations: false,
    integrations: [],
    normalizeDepth: 6,
    sendClientReports: false,
    includeServerName: false,
    enableRuntimeChannelInjection: false,
    traceLifecycle: 'static',
    spotlight: false,
  });
  if (client === undefined) throw new InvariantError('The Sentry SDK did not start: it runs in the main thread only');

  async function attempt(event: Event, attachments: readonly Attachment[]): Promise<ServerAnswer | null> {
    const id = event.event_id;
    if (id === undefined) throw new InvariantError('An event without an id cannot be followed');
    if (answers.has(id)) throw new InvariantError(`Event ${id} is on its way already`);
    const { promise, resolve } = Promise.withResolvers<ServerAnswer | null>();
    // Beyond the deadline of the request: for an event that the SDK drops before it gets to the transport.
    const timer = setTimeout(() => resolve(null), deadlineMs + 1_000);
    answers.set(id, resolve);
    try {
      withIsolationScope(new Scope(), () => {
        client?.captureEvent(structuredClone(event), { attachments: [...attachments] }, new Scope());
      });
      return await promise;
    } finally {
      clearTimeout(timer);
      answers.delete(id);
    }
  }

  return {
    async deliver(event, attachments = []) {
      let isTooLarge = false;
      if (attachments.length > 0 && nowMs() >= noAttachmentsUntilMs) {
        const answer = await attempt(event, attachments);
        const pauseMs = answer === null ? null : attachmentPauseMs(answer);
        if (pauseMs !== null) noAttachmentsUntilMs = nowMs() + pauseMs;
        if (answer === null || !isAttachmentAtFault(answer)) return meaningOf(answer, nowMs());
        isTooLarge = answer.status === 413;
      }
      const meaning = meaningOf(await attempt(event, []), nowMs());
      if (attachments.length === 0 || meaning.outcome !== 'accepted') return meaning;
      const isKept = !isTooLarge && late.keep(event.event_id ?? '', attachments, noAttachmentsUntilMs);
      return isKept ? meaning : { ...meaning, isPictureDropped: true };
    },
    async close() {
      late.close();
      await client.close(0);
    },
  };
}

/** Null where no whole answer came: refused, reset, or past the deadline. A redirect is not followed: it would turn into a GET. */
export async function postEnvelope(url: string, body: string | Uint8Array, deadlineMs: number): Promise<ServerAnswer | null> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-sentry-envelope' },
      body: Buffer.from(body),
      signal: AbortSignal.timeout(deadlineMs),
      redirect: 'manual',
    });
    await answer.arrayBuffer();
    return {
      status: answer.status,
      retryAfter: answer.headers.get('retry-after'),
      rateLimits: answer.headers.get('x-sentry-rate-limits'),
    };
  } catch {
    return null;
  }
}
