/** Reading answers of Sentry's web API: data from outside is parsed, never cast. */
import { SentryApiError } from './client.ts';

/** One object of an answer. */
export type ApiObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is ApiObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The answer as an object. `what` names the call in the message. Throws `SentryApiError` for anything else. */
export function objectOf(value: unknown, what: string): ApiObject {
  if (!isObject(value)) throw new SentryApiError(`Sentry answered ${what} with something that is no object`, null);
  return value;
}

/** A field that must be a text; ids may come as numbers. Throws `SentryApiError` where it is missing. */
export function textOf(object: ApiObject, field: string, what: string): string {
  const value = object[field];
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number') return String(value);
  throw new SentryApiError(`Sentry answered ${what} without "${field}"`, null);
}
