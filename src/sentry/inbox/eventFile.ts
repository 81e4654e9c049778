/** The inbox on disk: one line of JSON per event, added to and never changed, so that a crash costs at most the line being written. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Event } from '@sentry/core';
import { InputError } from '../../core/errors.ts';
import type { ReceivedAttachment } from './envelope.ts';

export interface StoredEvent {
  readonly event: Event;
  readonly attachments: readonly ReceivedAttachment[];
  readonly receivedAt: string;
}

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

  /** All events of the file in order. A last line without its end was being written when a process died: it was never accepted. */
  async *read(): AsyncGenerator<StoredEvent> {
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

  append({ event, attachments, receivedAt }: StoredEvent): Promise<void> {
    const encoded = attachments.map(({ name, contentType, data }) => ({ name, contentType, data: Buffer.from(data).toString('base64') }));
    const line = `${JSON.stringify({ receivedAt, event, attachments: encoded })}\n`;
    const written = this.#last.then(() => this.#handle.appendFile(line));
    this.#last = written.catch(() => {});
    return written;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle.close();
  }
}

function parseLine(line: string): StoredEvent | null {
  try {
    const parsed: unknown = JSON.parse(line);
    const field = (of: unknown, name: string): unknown => (typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined);
    const event = field(parsed, 'event');
    const attachments = field(parsed, 'attachments');
    if (typeof event !== 'object' || event === null || !Array.isArray(attachments)) return null;
    return {
      event,
      receivedAt: String(field(parsed, 'receivedAt')),
      attachments: attachments.map((one: unknown) => ({
        name: String(field(one, 'name')),
        contentType: String(field(one, 'contentType')),
        data: Buffer.from(String(field(one, 'data')), 'base64'),
      })),
    };
  } catch {
    return null;
  }
}
