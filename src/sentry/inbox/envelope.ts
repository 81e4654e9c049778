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
  /** Sessions, reports and what else SDKs send is accepted and left alone. */
  readonly event: Event | null;
  readonly attachments: readonly ReceivedAttachment[];
  /** Of the event that the attachments belong to, as the header has it; empty where it says nothing. */
  readonly eventId: string;
  readonly checkIns: readonly ReceivedCheckIn[];
  readonly gauges: readonly ReceivedGauge[];
}

export interface ReceivedCheckIn {
  readonly monitor: string;
  readonly status: string;
  readonly environment: string;
  /** As `every 5 minutes`; empty where the check-in does not say. */
  readonly schedule: string;
}

export interface ReceivedGauge {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, string>>;
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
    const [header, items] = parseEnvelope(bytes);
    const eventId = textOf(header.event_id);
    let event: Event | null = null;
    const attachments: ReceivedAttachment[] = [];
    const checkIns: ReceivedCheckIn[] = [];
    const gauges: ReceivedGauge[] = [];
    for (const [item, payload] of items) {
      if (item.type === 'event') event = eventOf(payload);
      if (item.type === 'attachment') attachments.push(attachmentOf(item, payload));
      if (item.type === 'check_in') checkIns.push(checkInOf(objectOf(payload)));
      if (item.type === 'trace_metric') gauges.push(...gaugesOf(objectOf(payload)));
    }
    return { event, attachments, eventId, checkIns, gauges };
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

function eventOf(payload: unknown): Event {
  return objectOf(payload);
}

/** An item with a length comes as bytes, one without as parsed JSON. */
function objectOf(payload: unknown): object {
  const value: unknown = payload instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(payload)) : payload;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InputError('an item is not an object');
  return value;
}

function checkInOf(item: object): ReceivedCheckIn {
  const schedule = fieldOf(fieldOf(item, 'monitor_config'), 'schedule');
  const [every, unit] = [fieldOf(schedule, 'value'), fieldOf(schedule, 'unit')];
  return {
    monitor: textOf(fieldOf(item, 'monitor_slug')),
    status: textOf(fieldOf(item, 'status')),
    environment: textOf(fieldOf(item, 'environment')),
    schedule: schedule === undefined ? '' : `every ${textOf(every)} ${textOf(unit)}${every === 1 ? '' : 's'}`,
  };
}

/** Gauges only: Tidemark sends no others. */
function gaugesOf(item: object): ReceivedGauge[] {
  const items = fieldOf(item, 'items');
  if (!Array.isArray(items)) return [];
  return items.flatMap((one: unknown) => {
    const value = fieldOf(one, 'value');
    if (fieldOf(one, 'type') !== 'gauge' || typeof value !== 'number') return [];
    const attributes = fieldOf(one, 'attributes');
    const shown = typeof attributes === 'object' && attributes !== null ? Object.entries(attributes) : [];
    return {
      name: textOf(fieldOf(one, 'name')),
      value,
      unit: textOf(fieldOf(one, 'unit')),
      attributes: Object.fromEntries(shown.map(([name, attribute]) => [name, textOf(fieldOf(attribute, 'value'))])),
    };
  });
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
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
