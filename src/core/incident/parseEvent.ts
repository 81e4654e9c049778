import { InputError } from '../errors.ts';
import {
  type Closing,
  type EventRecord,
  type EventSeries,
  type IncidentStep,
  incidentKinds,
  type Severity,
  type SourceRange,
  type WorstMoment,
} from './event.ts';
import { flag, hexId, list, members, number, numberOrText, record, text, time, whole, word } from './fields.ts';
import { readPicture } from './readPicture.ts';

const steps: readonly IncidentStep[] = ['opened', 'escalated', 'reminded', 'recovered', 'ended'];
const severities: readonly Severity[] = ['info', 'warning', 'error'];

/**
 * Reads one event of the events topic (or a line of `events.ndjson`). The bytes come from outside, so every field is checked; members
 * that this release does not know are left out, and so is a picture that it cannot read: the event matters more. Throws `InputError` that names the field and what was expected of it.
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
  const picture = field.picture === undefined ? null : readPicture(field.picture);
  return {
    id: hexId(field.id, 'id'),
    incident: hexId(field.incident, 'incident'),
    chain: hexId(field.chain, 'chain'),
    ordinal: whole(field.ordinal, 'ordinal'),
    step: word(field.step, 'step', steps),
    kind: word(field.kind, 'kind', incidentKinds),
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
    ...(field.replay === undefined ? {} : { replay: replay(field.replay) }),
    owner: field.owner === null ? null : text(field.owner, 'owner'),
    ...(field.closing === undefined ? {} : { closing: closing(field.closing) }),
    ...(picture === null ? {} : { picture }),
  };
}

function worst(value: unknown, path: string): WorstMoment {
  const field = members(value, path);
  return {
    at: time(field.at, `${path}.at`),
    statistic: text(field.statistic, `${path}.statistic`),
    effect: number(field.effect, `${path}.effect`),
    observed: number(field.observed, `${path}.observed`),
    expected: number(field.expected, `${path}.expected`),
  };
}

function closing(value: unknown): Closing {
  const field = members(value, 'closing');
  return {
    action: word(field.action, 'closing.action', ['accepted']),
    by: text(field.by, 'closing.by'),
    reason: text(field.reason, 'closing.reason'),
  };
}

function replay(value: unknown): { from: string; to: string } {
  const field = members(value, 'replay');
  return { from: time(field.from, 'replay.from'), to: time(field.to, 'replay.to') };
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
    ...(field.scale === undefined ? {} : { scale: text(field.scale, `${path}.scale`) }),
    ...(field.worst === undefined ? {} : { worst: worst(field.worst, `${path}.worst`) }),
    ...(field.categories === undefined ? {} : { categories: whole(field.categories, `${path}.categories`) }),
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
