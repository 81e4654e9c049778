/** One POST an event, signed, with a deadline. Order, backoff and what was delivered are the notify stage's. */
import { createHmac } from 'node:crypto';
import type { DeliveryAnswer } from '../core/incident/delivery.ts';
import type { EventRecord } from '../core/incident/event.ts';
import { meaningOf } from '../sentry/acceptance.ts';
import type { Sensitive } from '../sentry/privacy.ts';
import { type WebhookFormat, webhookBody } from './webhookBody.ts';

export interface WebhookOptions {
  readonly url: string;
  readonly format: WebhookFormat;
  /** Signs the request; for `pagerduty` the routing key. Empty: unsigned. */
  readonly secret: string;
  readonly group: string;
  /** What of an event must not be posted. */
  readonly sensitiveOf: (event: EventRecord) => Sensitive;
  readonly deadlineMs: number;
  /** Wall clock, for the time in the signature. */
  readonly nowMs: () => number;
}

/** Secrets of Standard Webhooks are base64 behind this; any other secret is taken as its UTF-8 bytes. */
const secretPrefix = 'whsec_';

/**
 * The signature of Standard Webhooks 1.0: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. A receiver computes it again, compares in constant
 * time, and refuses timestamps (seconds) that are old.
 */
export function signatureOf(secret: string, id: string, timestamp: number, body: string): string {
  const key = secret.startsWith(secretPrefix) ? Buffer.from(secret.slice(secretPrefix.length), 'base64') : Buffer.from(secret, 'utf8');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** Delivers events to a URL: what an answer means is what it means at Sentry, and 410 and 422 are of a piece with 404 and 400. */
export function webhook(options: WebhookOptions): { deliver(event: EventRecord, end?: EventRecord | null): Promise<DeliveryAnswer> } {
  const { url, format, secret, group, sensitiveOf, deadlineMs, nowMs } = options;
  return {
    async deliver(event, end = null) {
      // A pager is for what goes on. The end, which follows, resolves what it was told before.
      if (format === 'pagerduty' && end !== null) return { outcome: 'accepted' };
      const { contentType, text } = webhookBody(event, format, { group, sensitive: sensitiveOf(event), routingKey: secret }, end);
      const timestamp = Math.floor(nowMs() / 1_000);
      const isSigned = secret !== '' && format === 'cloudevents';
      const headers = {
        'content-type': contentType,
        'webhook-id': event.id,
        'webhook-timestamp': String(timestamp),
        ...(isSigned ? { 'webhook-signature': signatureOf(secret, event.id, timestamp, text) } : {}),
      };
      try {
        // A redirect would turn the POST into a GET, and carry the event elsewhere.
        const response = await fetch(url, {
          method: 'POST',
          headers,
          body: text,
          signal: AbortSignal.timeout(deadlineMs),
          redirect: 'manual',
        });
        await response.arrayBuffer();
        if (response.status === 422) return { outcome: 'poison', status: 422 };
        return meaningOf({ status: response.status, retryAfter: response.headers.get('retry-after'), rateLimits: null }, nowMs());
      } catch {
        return meaningOf(null, nowMs());
      }
    },
  };
}
