/** The issues of the inbox: events grouped by fingerprint as Sentry does it, in bounded memory. */
import { createHash } from 'node:crypto';
import type { Event } from '@sentry/core';
import type { ReceivedAttachment } from './envelope.ts';

/** One event as it came. Times are ISO 8601 with Z. */
export interface InboxEvent {
  readonly id: string;
  readonly title: string;
  /** The line under the title; empty where the event has none. */
  readonly value: string;
  readonly level: string;
  /** When it happened, as the event says. */
  readonly time: string;
  /** When the inbox took it. */
  readonly receivedAt: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly attachments: readonly { readonly name: string; readonly contentType: string; readonly bytes: number }[];
  /** The event as it was sent. */
  readonly event: Event;
}

/** All events with one fingerprint. Title, value, level and culprit are those of the event that came last. */
export interface InboxIssue {
  /** 8 hex digits, a hash of the fingerprint. */
  readonly id: string;
  readonly fingerprint: readonly string[];
  readonly title: string;
  readonly value: string;
  readonly level: string;
  readonly culprit: string;
  /** All events ever taken, those included that memory no longer holds. */
  readonly count: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** In the order of arrival. */
  readonly events: readonly InboxEvent[];
}

export interface StoreLimits {
  readonly issues: number;
  readonly eventsPerIssue: number;
  readonly attachmentBytes: number;
  readonly rememberedIds: number;
}

const defaultLimits: StoreLimits = { issues: 1_000, eventsPerIssue: 200, attachmentBytes: 64 * 1024 * 1024, rememberedIds: 1_000_000 };

interface Issue {
  readonly id: string;
  readonly fingerprint: readonly string[];
  readonly events: InboxEvent[];
  count: number;
  firstSeen: string;
}

export class InboxStore {
  readonly #limits: StoreLimits;
  /** By fingerprint; the one with the newest event last. */
  readonly #issues = new Map<string, Issue>();
  /** Ids of every event ever taken: Sentry forgets them after an hour, an inbox that counts for tests must not. */
  readonly #ids = new Set<string>();
  readonly #attachments = new Map<string, readonly ReceivedAttachment[]>();
  #attachmentBytes = 0;

  constructor(limits: StoreLimits = defaultLimits) {
    this.#limits = limits;
  }

  /** Takes an event; false where its id was taken before. */
  add(event: Event, attachments: readonly ReceivedAttachment[], receivedAt: string): boolean {
    const id = event.event_id ?? '';
    if (this.#ids.has(id)) return false;
    const one = readable(event, attachments, id, receivedAt);
    this.#ids.add(id);
    for (const oldest of this.#ids) {
      if (this.#ids.size <= this.#limits.rememberedIds) break;
      this.#ids.delete(oldest);
    }
    const fingerprint = event.fingerprint ?? [one.title, event.transaction ?? ''];
    const key = JSON.stringify(fingerprint);
    const issue = this.#issues.get(key) ?? { id: shortHash(key), fingerprint, events: [], count: 0, firstSeen: one.time };
    issue.count += 1;
    issue.firstSeen = one.time < issue.firstSeen ? one.time : issue.firstSeen;
    issue.events.push(one);
    // The first event tells how it began: the second is the first to go.
    if (issue.events.length > this.#limits.eventsPerIssue) this.#forget(issue.events.splice(1, 1));
    this.#issues.delete(key);
    this.#issues.set(key, issue);
    this.#keep(id, attachments);
    for (const [oldestKey, oldest] of this.#issues) {
      if (this.#issues.size <= this.#limits.issues) break;
      this.#issues.delete(oldestKey);
      this.#forget(oldest.events);
    }
    return true;
  }

  /** Newest first. */
  issues(): InboxIssue[] {
    return [...this.#issues.values()].reverse().map(shown);
  }

  attachment(eventId: string, index: number): ReceivedAttachment | null {
    return this.#attachments.get(eventId)?.[index] ?? null;
  }

  #keep(id: string, attachments: readonly ReceivedAttachment[]): void {
    if (attachments.length === 0) return;
    this.#attachments.set(id, attachments);
    this.#attachmentBytes += bytesOf(attachments);
    for (const oldest of this.#attachments.keys()) {
      if (this.#attachmentBytes <= this.#limits.attachmentBytes) break;
      this.#drop(oldest);
    }
  }

  #forget(events: readonly InboxEvent[]): void {
    for (const { id } of events) this.#drop(id);
  }

  #drop(id: string): void {
    this.#attachmentBytes -= bytesOf(this.#attachments.get(id) ?? []);
    this.#attachments.delete(id);
  }
}

function shown({ id, fingerprint, events, count, firstSeen }: Issue): InboxIssue {
  const newest = events.at(-1);
  return {
    id,
    fingerprint,
    title: newest?.title ?? '',
    value: newest?.value ?? '',
    level: newest?.level ?? 'error',
    culprit: newest?.event.transaction ?? '',
    count,
    firstSeen,
    lastSeen: newest?.time ?? firstSeen,
    events: [...events],
  };
}

function readable(event: Event, attachments: readonly ReceivedAttachment[], id: string, receivedAt: string): InboxEvent {
  const exception = event.exception?.values?.at(-1);
  const message = event.logentry?.message ?? event.message ?? '';
  const time = typeof event.timestamp === 'number' && Number.isFinite(event.timestamp) ? new Date(event.timestamp * 1_000) : null;
  return {
    id,
    title: String(exception?.type ?? (message.split('\n', 1)[0] || '(no title)')),
    value: String(exception?.value ?? ''),
    level: String(event.level ?? 'error'),
    time: time !== null && Number.isFinite(time.getTime()) ? time.toISOString() : receivedAt,
    receivedAt,
    tags: Object.fromEntries(Object.entries(event.tags ?? {}).map(([key, value]) => [key, String(value)])),
    attachments: attachments.map(({ name, contentType, data }) => ({ name, contentType, bytes: data.byteLength })),
    event,
  };
}

function bytesOf(attachments: readonly ReceivedAttachment[]): number {
  return attachments.reduce((sum, { data }) => sum + data.byteLength, 0);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
