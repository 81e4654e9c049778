/** What an answer of Sentry means for an event. */
import { dayMs } from '../core/duration.ts';
import type { DeliveryAnswer } from '../core/incident/delivery.ts';

/** An answer of the server as it came; null where none came within the deadline. */
export interface ServerAnswer {
  readonly status: number;
  /** `Retry-After`, or null. */
  readonly retryAfter: string | null;
  /** `X-Sentry-Rate-Limits`, or null. */
  readonly rateLimits: string | null;
}

/** A pause that is asked for without a length, or with one that cannot be read. */
const defaultPauseMs = 60_000;
/** A longer pause is cut to this: a garbled header must not silence a deployment for a year. */
const longestPauseMs = dayMs;

/** Categories of a rate limit that concern an event; a limit without a category concerns everything. */
const eventCategories: ReadonlySet<string> = new Set(['', 'default', 'error']);
const attachmentCategories: ReadonlySet<string> = new Set(['attachment', 'attachment_item']);

/** The meaning of an answer for the event that was sent. `nowMs` is needed for a `Retry-After` that is a date. */
export function meaningOf(answer: ServerAnswer | null, nowMs: number): DeliveryAnswer {
  if (answer === null) return { outcome: 'retry' };
  const { status } = answer;
  if (status >= 200 && status < 300) return { outcome: 'accepted', status };
  if (status === 429) return { outcome: 'rate-limited', retryAfterMs: pauseMs(answer, nowMs), status };
  if (status === 400) return { outcome: 'poison', status };
  if (status === 413) return { outcome: 'too-large', status };
  if (status === 408 || status >= 500) return asked('retry', answer, nowMs);
  // 401, 403, 404 and everything that no rule names (a redirect, a proxy's own refusals): nothing an event can be blamed for.
  return { outcome: 'not-ready', status };
}

/** Whether the server would take the event without its attachments: it is too large, or only attachments are limited. */
export function isAttachmentAtFault({ status, rateLimits }: ServerAnswer): boolean {
  if (status === 413) return true;
  if (status !== 429 || rateLimits === null) return false;
  const limits = parseLimits(rateLimits);
  return limits.length > 0 && limits.every(({ categories }) => categories.every((category) => attachmentCategories.has(category)));
}

/** How long the server takes no attachments, whatever became of the event; null where it says nothing of them. */
export function attachmentPauseMs({ rateLimits }: ServerAnswer): number | null {
  const pauses = parseLimits(rateLimits ?? '')
    .filter(({ categories }) => categories.some((category) => attachmentCategories.has(category)))
    .map((limit) => limit.pauseMs);
  return pauses.length > 0 ? Math.max(...pauses) : null;
}

function asked(outcome: 'retry', answer: ServerAnswer, nowMs: number): DeliveryAnswer {
  const { status, retryAfter } = answer;
  return retryAfter === null ? { outcome, status } : { outcome, status, retryAfterMs: retryAfterMs(retryAfter, nowMs) };
}

/** The longest pause that concerns events; where the header names other categories only, the server still refused this event: a minute. */
function pauseMs({ rateLimits, retryAfter }: ServerAnswer, nowMs: number): number {
  const pauses = parseLimits(rateLimits ?? '')
    .filter(({ categories }) => categories.some((category) => eventCategories.has(category)))
    .map((limit) => limit.pauseMs);
  if (pauses.length > 0) return Math.max(...pauses);
  return retryAfter === null ? defaultPauseMs : retryAfterMs(retryAfter, nowMs);
}

/** `60:error;default:organization, 2700:attachment:key`: seconds, categories (none = all), scope, reason. */
function parseLimits(header: string): { readonly pauseMs: number; readonly categories: readonly string[] }[] {
  return header
    .split(',')
    .map((limit) => limit.trim())
    .filter((limit) => limit !== '')
    .map((limit) => {
      const [seconds = '', categories = ''] = limit.split(':');
      return { pauseMs: secondsToMs(seconds) ?? defaultPauseMs, categories: categories.split(';') };
    });
}

function retryAfterMs(header: string, nowMs: number): number {
  const dateMs = Date.parse(header);
  return secondsToMs(header) ?? (Number.isFinite(dateMs) ? bounded(dateMs - nowMs) : defaultPauseMs);
}

/** Null for what is no number of seconds; fractions count (Relay sends whole ones). */
function secondsToMs(text: string): number | null {
  return /^\d+(\.\d+)?$/.test(text.trim()) ? bounded(Number(text) * 1_000) : null;
}

function bounded(milliseconds: number): number {
  return Math.min(longestPauseMs, Math.max(0, Math.ceil(milliseconds)));
}
