/** Fields of an event, read from JSON that comes from outside. Each throws `InputError` that names the field and what was expected of it. */
import { InputError } from '../errors.ts';

export function refuse(path: string, expected: string): never {
  throw new InputError(`Not an event: ${path} is not ${expected}`);
}

export function members(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(path, 'an object');
  return Object.fromEntries(Object.entries(value));
}

export function list(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(path, 'a list');
}

export function text(value: unknown, path: string): string {
  return typeof value === 'string' ? value : refuse(path, 'a text');
}

export function flag(value: unknown, path: string): boolean {
  return typeof value === 'boolean' ? value : refuse(path, 'true or false');
}

export function number(value: unknown, path: string): number {
  return typeof value === 'number' ? value : refuse(path, 'a number');
}

export function whole(value: unknown, path: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : refuse(path, 'a whole number');
}

export function numberOrText(value: unknown, path: string): number | string {
  return typeof value === 'string' ? value : number(value, path);
}

export function hexId(value: unknown, path: string): string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value) ? value : refuse(path, '32 lower-case hex digits');
}

export function time(value: unknown, path: string): string {
  return typeof value === 'string' && Number.isFinite(Date.parse(value)) ? value : refuse(path, 'an ISO 8601 time');
}

export function word<Word extends string>(value: unknown, path: string, words: readonly Word[]): Word {
  return words.find((one) => one === value) ?? refuse(path, `one of ${words.join(', ')}`);
}

export function record<T>(value: unknown, path: string, of: (value: unknown, path: string) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(members(value, path)).map(([key, one]) => [key, of(one, `${path}.${key}`)]));
}
