/** One sentence a problem: the field, what was found, what is expected, what to do. Built only when a record is refused. */
import { earliestEventMs, latestEventMs } from '../core/record/eventTime.ts';
import { maxNameBytes, nameFits } from './limits.ts';
import { article, shown } from './shown.ts';

export function notJson(byteLength: number, error: unknown): string {
  if (byteLength === 0) return 'the message is empty (0 bytes), expected one JSON object; to delete a key send a null value';
  if (!(error instanceof SyntaxError))
    return `the message (${byteLength} bytes) is not valid UTF-8: is the topic JSON, and not Avro, Protobuf or compressed?`;
  const found = `the message is not JSON: ${error.message.slice(0, 100)}`;
  return /^Unexpected token '[NI-]'/.test(error.message) ? `${found}: JSON has no NaN or Infinity, send null or the text "NaN"` : found;
}

export function notObject(value: unknown): string {
  return `the message is ${article(value)}, expected one JSON object a message, such as {"id": "1", "ts": "2026-01-01T00:00:00Z", ...}`;
}

export function badId(id: unknown): string {
  if (id === undefined || id === null) return 'id is missing, expected a text that is unique per prediction';
  if (id === '') return 'id is empty, expected a text that is unique per prediction';
  if (typeof id === 'number') return `id is the number ${shown(id)}, which JSON cannot carry exactly: send ids as texts`;
  return `id is ${article(id)}, expected a text (or a whole number up to 2^53)`;
}

export function badTime(time: unknown): string {
  const bounds = `${new Date(earliestEventMs).toISOString()} and ${new Date(latestEventMs).toISOString()}`;
  return `ts is ${shown(time)}, expected ISO 8601 text or epoch s, ms, us or ns, between ${bounds}`;
}

export function badModel(model: unknown): string {
  if (model === '*') return 'model is "*", which stands for every model: name the model that made the prediction';
  return typeof model === 'string'
    ? tooLong('model', model)
    : `model is ${shown(model)}, expected a text, or none (then the topic names the model)`;
}

export function badVersion(version: unknown): string {
  if (typeof version === 'string') return tooLong('version', version);
  return `version is ${shown(version)}, expected a text (a decimal would lose digits: 1.10 is 1.1), or none`;
}

export function badFeatures(features: unknown): string {
  return `features is ${article(features)}, expected an object of name: number, text, true, false or null`;
}

export function badValue(field: 'prediction' | 'label', value: unknown): string {
  if (typeof value === 'string') return tooLong(field, value);
  return `${field} is ${shown(value)}, expected a finite number, a text, true or false`;
}

export function badScore(score: unknown): string {
  const expected = 'expected a finite number (the probability of the positive class), an object class: probability, or null';
  if (typeof score !== 'object' || score === null || Array.isArray(score)) return `score is ${shown(score)}, ${expected}`;
  for (const [name, share] of Object.entries(score)) {
    if (!nameFits(name)) return tooLong('a class of score', name);
    if (typeof share !== 'number' || !Number.isFinite(share)) return `score of class ${shown(name)} is ${shown(share)}, ${expected}`;
  }
  return `score is an object, ${expected}`;
}

export function badSegments(segments: unknown): string {
  const expected = 'expected an object of name: text';
  if (typeof segments !== 'object' || segments === null || Array.isArray(segments)) return `segments is ${article(segments)}, ${expected}`;
  for (const [name, value] of Object.entries(segments)) {
    if (!nameFits(name)) return tooLong('a segment name', name);
    if (typeof value === 'string' && !nameFits(value)) return tooLong(`segment ${shown(name)}`, value);
    if (typeof value === 'object' && value !== null) return `segment ${shown(name)} is ${article(value)}, ${expected}`;
  }
  return `segments holds a value that is no text, ${expected}`;
}

export function tooLong(what: string, text: string): string {
  return `${what} has ${Buffer.byteLength(text, 'utf8')} bytes (${shown(text.slice(0, 24))}), at most ${maxNameBytes} are allowed: it is no name`;
}
