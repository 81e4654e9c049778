/** The inbox on disk: one line of JSON per event and per thing done to an issue, added to and never changed, so that a crash costs at most the line being written. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Event } from '@sentry/core';
import { InputError } from '../../core/errors.ts';
import type { ReceivedAttachment } from './envelope.ts';
import type { IssueActivity } from './store.ts';

interface StoredEvent {
  readonly kind: 'event';
  readonly event: Event;
  readonly attachments: readonly ReceivedAttachment[];
  readonly receivedAt: string;
}

interface StoredActivity {
  readonly kind: 'activity';
  readonly issue: string;
  readonly activity: IssueActivity;
}

/** Files that came behind their event. */
interface StoredAttachments {
  readonly kind: 'late';
  readonly eventId: string;
  readonly attachments: readonly ReceivedAttachment[];
}

type Stored = StoredEvent | StoredActivity | StoredAttachments;

export class EventFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  /** Appends one after the other: lines must not mix. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  /** Opens or creates the file. Throws `InputError` where that cannot be done. */
  static async open(path: string): Promise<EventFile> {
    try {
      return new EventFile(await open(path, 'a+'), path);
    } catch (error) {
      throw new InputError(`The data file of the inbox cannot be opened: ${path}`, { cause: error });
    }
  }

  /** Everything in the file in order. A last line without its end was being written when a process died: it was never accepted. */
  async *read(): AsyncGenerator<Stored> {
    const text = (await this.#handle.readFile()).toString();
    const lines = text.split('\n');
    const torn = lines.pop() ?? '';
    for (const [index, line] of lines.entries()) {
      const stored = parseLine(line);
      if (stored === null) throw new InputError(`${this.#path}:${index + 1} is no event of an inbox`);
      yield stored;
    }
    if (torn !== '') await this.#handle.truncate(Buffer.byteLength(text) - Buffer.byteLength(torn));
  }

  append(stored: Stored): Promise<void> {
    const line = `${JSON.stringify(encoded(stored))}\n`;
    const written = this.#last.then(() => this.#handle.appendFile(line));
    this.#last = written.catch(() => {});
    return written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }
}

function encoded(stored: Stored): unknown {
  switch (stored.kind) {
    case 'event':
      return { receivedAt: stored.receivedAt, event: stored.event, attachments: stored.attachments.map(encodedAttachment) };
    case 'late':
      return { eventId: stored.eventId, attachments: stored.attachments.map(encodedAttachment) };
    case 'activity':
      return { issue: stored.issue, activity: stored.activity };
  }
}

function encodedAttachment({ name, contentType, data }: ReceivedAttachment): unknown {
  return { name, contentType, data: Buffer.from(data).toString('base64') };
}

function parsedAttachment(one: unknown): ReceivedAttachment {
  return {
    name: String(field(one, 'name')),
    contentType: String(field(one, 'contentType')),
    data: Buffer.from(String(field(one, 'data')), 'base64'),
  };
}

const activityTypes = ['set_resolved', 'set_ignored', 'set_unresolved', 'note'] as const;

/** An activity that a person or the API did; a regression follows from its event. */
function parseActivity(issue: unknown, activity: unknown): StoredActivity | null {
  const type = activityTypes.find((one) => one === field(activity, 'type'));
  const at = field(activity, 'at');
  const text = field(activity, 'text');
  if (typeof issue !== 'string' || type === undefined || typeof at !== 'string') return null;
  const by = field(activity, 'by') === 'page' ? 'page' : 'api';
  return { kind: 'activity', issue, activity: { type, at, by, ...(typeof text === 'string' ? { text } : {}) } };
}

function field(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
}

function parseLine(line: string): Stored | null {
  try {
    const parsed: unknown = JSON.parse(line);
    const activity = field(parsed, 'activity');
    if (activity !== undefined) return parseActivity(field(parsed, 'issue'), activity);
    const event = field(parsed, 'event');
    const attachments = field(parsed, 'attachments');
    const eventId = field(parsed, 'eventId');
    if (!Array.isArray(attachments)) return null;
    if (typeof eventId === 'string') return { kind: 'late', eventId, attachments: attachments.map(parsedAttachment) };
    if (typeof event !== 'object' || event === null) return null;
    return {
      kind: 'event',
      event,
      receivedAt: String(field(parsed, 'receivedAt')),
      attachments: attachments.map(parsedAttachment),
    };
  } catch {
    return null;
  }
}
