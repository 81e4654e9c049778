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

export type IssueStatus = 'unresolved' | 'resolved' | 'ignored';

/** What somebody, or an event, did to an issue. Types are Sentry's: `set_resolved`, `set_ignored`, `set_unresolved`, `set_regression`, `note`. */
export interface IssueActivity {
  readonly type: 'set_resolved' | 'set_ignored' | 'set_unresolved' | 'set_regression' | 'note';
  /** ISO time at which the inbox heard of it. */
  readonly at: string;
  /** `page` for a person on the page, `api` for a caller of the API, `event` for an event that reopened the issue. */
  readonly by: 'page' | 'api' | 'event';
  /** Of a note. */
  readonly text?: string;
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
  readonly status: IssueStatus;
  /** In the order in which it happened. */
  readonly activity: readonly IssueActivity[];
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
  readonly activity: IssueActivity[];
  status: IssueStatus;
  count: number;
  firstSeen: string;
}

const statusAfter: Readonly<Record<IssueActivity['type'], IssueStatus | null>> = {
  set_resolved: 'resolved',
  set_ignored: 'ignored',
  set_unresolved: 'unresolved',
  set_regression: 'unresolved',
  note: null,
};

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
    const issue = this.#issues.get(key) ?? newIssue(key, fingerprint, one.time);
    // As at Sentry: an event reopens an issue that is resolved, and leaves alone one that is archived.
    if (issue.status === 'resolved') act(issue, { type: 'set_regression', at: receivedAt, by: 'event' });
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

  /** Adds files that came behind their event; false where there is no such event. */
  attach(eventId: string, attachments: readonly ReceivedAttachment[]): boolean {
    for (const { events } of this.#issues.values()) {
      const at = events.findIndex(({ id }) => id === eventId);
      const event = events[at];
      if (event === undefined) continue;
      const all = [...(this.#attachments.get(eventId) ?? []), ...attachments];
      events[at] = { ...event, attachments: all.map(shownAttachment) };
      this.#drop(eventId);
      this.#keep(eventId, all);
      return true;
    }
    return false;
  }

  /** Newest first. */
  issues(): InboxIssue[] {
    return [...this.#issues.values()].reverse().map(shown);
  }

  /** Puts down what was done to an issue; false where there is no such issue. */
  act(issueId: string, activity: IssueActivity): boolean {
    for (const issue of this.#issues.values()) {
      if (issue.id !== issueId) continue;
      act(issue, activity);
      return true;
    }
    return false;
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

function newIssue(key: string, fingerprint: readonly string[], firstSeen: string): Issue {
  return { id: shortHash(key), fingerprint, events: [], activity: [], status: 'unresolved', count: 0, firstSeen };
}

function act(issue: Issue, activity: IssueActivity): void {
  issue.activity.push(activity);
  issue.status = statusAfter[activity.type] ?? issue.status;
}

function shown({ id, fingerprint, events, activity, status, count, firstSeen }: Issue): InboxIssue {
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
    status,
    activity: [...activity],
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
    attachments: attachments.map(shownAttachment),
    event,
  };
}

function shownAttachment({ name, contentType, data }: ReceivedAttachment): InboxEvent['attachments'][number] {
  return { name, contentType, bytes: data.byteLength };
}

function bytesOf(attachments: readonly ReceivedAttachment[]): number {
  return attachments.reduce((sum, { data }) => sum + data.byteLength, 0);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
