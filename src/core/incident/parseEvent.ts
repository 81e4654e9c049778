import { InputError } from '../errors.ts';
import type { EventRecord, EventSeries, IncidentKind, IncidentStep, Severity, SourceRange } from './event.ts';

const steps: readonly IncidentStep[] = ['opened', 'escalated', 'reminded', 'recovered', 'ended'];
const kinds: readonly IncidentKind[] = ['drift', 'performance', 'estimate', 'quality', 'volume'];
const severities: readonly Severity[] = ['info', 'warning', 'error'];

/**
 * Reads one event of the events topic (or a line of `events.ndjson`). The bytes come from outside, so every field is checked; members
 * that this release does not know are left out. Throws `InputError` that names the field and what was expected of it.
 */
export function parseEvent(value: Uint8Array | string | null): EventRecord {
  if (value === null) throw new InputError('Not an event: the record has no value');
  let parsed: unknown;
  try {
    parsed = JSON.parse(typeof value === 'string' ? value : new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (error) {
    throw new InputError('Not an event: the value is not JSON', { cause: error });
  }
  const field = members(parsed, 'event');
  return {
    id: hexId(field.id, 'id'),
    incident: hexId(field.incident, 'incident'),
    chain: hexId(field.chain, 'chain'),
    ordinal: whole(field.ordinal, 'ordinal'),
    step: word(field.step, 'step', steps),
    kind: word(field.kind, 'kind', kinds),
    severity: word(field.severity, 'severity', severities),
    model: text(field.model, 'model'),
    versions: list(field.versions, 'versions').map((version, index) => text(version, `versions[${index}]`)),
    segment: field.segment === null ? null : record(field.segment, 'segment', text),
    scale: text(field.scale, 'scale'),
    windowStart: time(field.windowStart, 'windowStart'),
    windowEnd: time(field.windowEnd, 'windowEnd'),
    start: time(field.start, 'start'),
    exact: flag(field.exact, 'exact'),
    inexactReasons: list(field.inexactReasons, 'inexactReasons').map((reason, index) => text(reason, `inexactReasons[${index}]`)),
    summary: text(field.summary, 'summary'),
    series: list(field.series, 'series').map((one, index) => series(one, `series[${index}]`)),
    source: list(field.source, 'source').map((one, index) => range(one, `source[${index}]`)),
    owner: field.owner === null ? null : text(field.owner, 'owner'),
  };
}

function series(value: unknown, path: string): EventSeries {
  const field = members(value, path);
  return {
    name: text(field.name, `${path}.name`),
    since: time(field.since, `${path}.since`),
    joined: flag(field.joined, `${path}.joined`),
    statistic: text(field.statistic, `${path}.statistic`),
    effects: record(field.effects, `${path}.effects`, number),
    p: number(field.p, `${path}.p`),
    n: number(field.n, `${path}.n`),
    baselineN: number(field.baselineN, `${path}.baselineN`),
    phi: number(field.phi, `${path}.phi`),
    current: record(field.current, `${path}.current`, numberOrText),
    baseline: record(field.baseline, `${path}.baseline`, numberOrText),
  };
}

function range(value: unknown, path: string): SourceRange {
  const field = members(value, path);
  return {
    topic: text(field.topic, `${path}.topic`),
    partition: whole(field.partition, `${path}.partition`),
    from: whole(field.from, `${path}.from`),
    to: whole(field.to, `${path}.to`),
  };
}

function refuse(path: string, expected: string): never {
  throw new InputError(`Not an event: ${path} is not ${expected}`);
}

function members(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(path, 'an object');
  return Object.fromEntries(Object.entries(value));
}

function list(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(path, 'a list');
}

function text(value: unknown, path: string): string {
  return typeof value === 'string' ? value : refuse(path, 'a text');
}

function flag(value: unknown, path: string): boolean {
  return typeof value === 'boolean' ? value : refuse(path, 'true or false');
}

function number(value: unknown, path: string): number {
  return typeof value === 'number' ? value : refuse(path, 'a number');
}

function whole(value: unknown, path: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : refuse(path, 'a whole number');
}

function numberOrText(value: unknown, path: string): number | string {
  return typeof value === 'string' ? value : number(value, path);
}

function hexId(value: unknown, path: string): string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value) ? value : refuse(path, '32 lower-case hex digits');
}

function time(value: unknown, path: string): string {
  return typeof value === 'string' && Number.isFinite(Date.parse(value)) ? value : refuse(path, 'an ISO 8601 time');
}

function word<Word extends string>(value: unknown, path: string, words: readonly Word[]): Word {
  return words.find((one) => one === value) ?? refuse(path, `one of ${words.join(', ')}`);
}

function record<T>(value: unknown, path: string, of: (value: unknown, path: string) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(members(value, path)).map(([key, one]) => [key, of(one, `${path}.${key}`)]));
}
