/** Any record of an internal topic as plain data that JSON can hold. */
import { parseFactKey, readFeedback, readNode, readPredictions, readReference } from '../core/detect/fact.ts';
import { InputError } from '../core/errors.ts';
import type { InternalTopics } from '../core/incident/topics.ts';
import { decodeMessage } from '../core/summarize/codec.ts';
import type { LogRecord } from '../log/port.ts';

export type InternalTopic = keyof InternalTopics;

const text = new TextDecoder();

/** Key and value of a record, decoded. What cannot be decoded comes as `{ unreadable: why, bytes }`: an inspection goes on. */
export function readableRecord(topic: InternalTopic, record: LogRecord): { key: unknown; value: unknown } {
  const key = record.key === null ? null : text.decode(record.key);
  const { value } = record;
  if (value === null) return { key: topic === 'history' ? readableKey(key) : key, value: null };
  try {
    return { key: topic === 'history' ? readableKey(key) : key, value: plain(readableValue(topic, key, value)) };
  } catch (error) {
    if (!(error instanceof InputError) && !(error instanceof SyntaxError)) throw error;
    return { key, value: { unreadable: error.message, bytes: value.byteLength } };
  }
}

function readableValue(topic: InternalTopic, key: string | null, value: Uint8Array): unknown {
  if (topic === 'partials') return decodeMessage(value);
  return topic === 'history' && key !== null ? factValue(key, value) : JSON.parse(text.decode(value));
}

function factValue(key: string, value: Uint8Array): unknown {
  const subject = parseFactKey(key);
  switch (subject?.fact) {
    case 'node':
      return readNode([value], subject.stepMs, subject.endMs) ?? pieceOf(value);
    case 'reference':
      return readReference(value);
    case 'predictions':
      return readPredictions([value]) ?? pieceOf(value);
    case 'feedback':
      return readFeedback([value]) ?? pieceOf(value);
    case 'state':
      return subject.part === 0 ? JSON.parse(text.decode(value)) : pieceOf(value);
    case undefined:
      return { barrier: text.decode(value) };
    default:
      return JSON.parse(text.decode(value));
  }
}

/** Large facts are cut into records that are read together only. */
function pieceOf(value: Uint8Array): unknown {
  return { piece: 'one of several records of this fact', bytes: value.byteLength };
}

function readableKey(key: string | null): unknown {
  return key === null ? null : JSON.parse(key);
}

/** Maps as objects and typed arrays as lists, at every depth. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, inner]) => [String(name), plain(inner)]));
  if (value instanceof Float64Array) return [...value];
  if (value instanceof Uint8Array) return { bytes: value.byteLength };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
