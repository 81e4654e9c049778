/** The bytes of a request to the envelope endpoint as events and attachments. */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { type Event, parseEnvelope } from '@sentry/core';
import { InputError } from '../../core/errors.ts';

/** Largest envelope, before and after decompression. Sentry takes more; an inbox on a laptop need not. */
export const largestEnvelope = 20 * 1024 * 1024;

export interface ReceivedAttachment {
  readonly name: string;
  readonly contentType: string;
  readonly data: Uint8Array;
}

export interface ReceivedEnvelope {
  /** Error events only; sessions, reports and what else SDKs send is accepted and left alone. */
  readonly event: Event | null;
  readonly attachments: readonly ReceivedAttachment[];
}

const decoders = new Map([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** Reads an envelope. Throws `InputError` for what is none. `encoding`: the request's `Content-Encoding`, empty where it has none. */
export async function readEnvelope(body: Uint8Array, encoding: string): Promise<ReceivedEnvelope> {
  try {
    const bytes = await decoded(body, encoding);
    const [, items] = parseEnvelope(bytes);
    let event: Event | null = null;
    const attachments: ReceivedAttachment[] = [];
    for (const [header, payload] of items) {
      if (header.type === 'event') event = eventOf(payload);
      if (header.type === 'attachment') attachments.push(attachmentOf(header, payload));
    }
    return { event, attachments };
  } catch (error) {
    throw new InputError(`Not an envelope: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function decoded(body: Uint8Array, encoding: string): Promise<Uint8Array> {
  if (encoding === '' || encoding === 'identity') return body;
  const decode = decoders.get(encoding);
  if (decode === undefined) throw new InputError(`content-encoding "${encoding}" is not one of ${[...decoders.keys()].join(', ')}`);
  return decode(body, { maxOutputLength: largestEnvelope });
}

/** An item with a length comes as bytes, one without as parsed JSON. */
function eventOf(payload: unknown): Event {
  const event: unknown = payload instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(payload)) : payload;
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw new InputError('the event is not an object');
  return event;
}

function attachmentOf(header: object, payload: unknown): ReceivedAttachment {
  const text = (name: string, otherwise: string) => {
    const value: unknown = Reflect.get(header, name);
    return typeof value === 'string' ? value : otherwise;
  };
  return {
    name: text('filename', 'attachment'),
    contentType: text('content_type', 'application/octet-stream'),
    data: payload instanceof Uint8Array ? payload : new TextEncoder().encode(JSON.stringify(payload)),
  };
}
