/**
 * One event of an incident as an event of Sentry: pure, so that an event has one text for ever and a repeated delivery is a repetition of the
 * same event. What it looks like to people is `wording.ts`, what may leave is `privacy.ts`.
 */
import type { Event } from '@sentry/core';
import { type EventRecord, type EventSeries, sinceOf } from '../core/incident/event.ts';
import { acceptCommand, type CommandFacts, muteCommand, replayCommand } from './commands.ts';
import { harmlessPart, isPrivate, type Sensitive } from './privacy.ts';
import { changeText, count, cut, effectsText, issueLine, issueTitle, lineLength, oneLine, overText, ranked, size } from './wording.ts';

export interface IssueContext {
  /** `kafka.group`: part of the fingerprint, so that two deployments never share an issue. */
  readonly group: string;
  /** URL templates by name (`links` of the config); what is filled in, `config/links.ts` lists. */
  readonly links: Readonly<Record<string, string>>;
  /** Features and segments of the event's model whose values must not leave. */
  readonly sensitive: Sensitive;
  readonly environment: string;
  /** Names of the configuration files, without their folders, for the command that reproduces the event. */
  readonly configFiles: readonly string[];
  /** Release shown by Sentry. */
  readonly release: string;
}

/** Relay's limits: a longer key or value is dropped by the server, so both are cut here. */
const tagKeyLength = 32;
const tagValueLength = 200;
const topFeatures = 5;
const sourceRows = 40;
/** A variation nearer to that of independent rows is not worth a word. */
const worthPhi = 1.05;

type Flat = Readonly<Record<string, string | number | boolean>>;

/**
 * The Sentry event of one step of an incident. The same input gives the same event. `end`: how the incident has ended by the time that the step is told; such
 * an event says so, and has the level `info` whatever the severity was: alerts go by the level, and nobody is to be woken for what is over.
 */
export function issueOf(event: EventRecord, context: IssueContext, end: EventRecord | null = null): Event {
  const line = issueLine(event, context.sensitive);
  return {
    event_id: event.id,
    timestamp: Date.parse(event.windowEnd) / 1_000,
    platform: 'other',
    logger: 'tidemark',
    level: end === null ? event.severity : 'info',
    environment: context.environment,
    release: context.release,
    transaction: cut(oneLine(`${event.model}@${newestVersion(event) || 'unversioned'}`), tagValueLength),
    fingerprint: ['tidemark', context.group, event.chain],
    exception: {
      values: [{ type: issueTitle(event, context.sensitive), value: end === null ? line : cut(overText(event, end) + line, lineLength) }],
    },
    tags: tagsOf(event, context.sensitive),
    contexts: contextsOf(event, context, end),
  };
}

function newestVersion(event: EventRecord): string {
  return event.versions.at(-1) ?? '';
}

/** For routing and search. `feature` is the most telling series where an incident is about features; empty values are left out. */
function tagsOf(event: EventRecord, sensitive: Sensitive): Record<string, string> {
  const [first] = ranked(event.series);
  const isAboutFeatures = event.kind === 'drift' || event.kind === 'quality';
  const tags: [string, string][] = [
    ['model', event.model],
    ['version', newestVersion(event)],
    ['kind', event.kind],
    ['severity', event.severity],
    ['team', event.owner ?? ''],
    ['feature', isAboutFeatures ? (first?.name ?? '') : ''],
    ['step', event.step],
    ['incident', event.incident],
    ...openSegments(event, sensitive),
  ];
  return Object.fromEntries(
    tags.map(([key, value]) => [tagKey(key), cut(oneLine(value), tagValueLength)]).filter(([, value]) => value !== ''),
  );
}

/** `segment.NAME` and value of the segments whose values may leave. */
function openSegments(event: EventRecord, sensitive: Sensitive): [string, string][] {
  return Object.entries(event.segment ?? {})
    .filter(([name]) => !isPrivate(name, sensitive))
    .map(([name, value]) => [`segment.${name}`, value]);
}

/** Sentry takes letters, digits, `_`, `.`, `:` and `-` in a key. */
function tagKey(key: string): string {
  return key.replace(/[^a-zA-Z0-9_.:-]/g, '_').slice(0, tagKeyLength);
}

/** Flat tables: Sentry shows each context as one, and nesting past the normalisation depth would be cut. */
function contextsOf(event: EventRecord, context: IssueContext, end: EventRecord | null): Record<string, Flat> {
  const links = linksOf(event, context);
  return {
    'Top features': topSeries(event, context.sensitive),
    'What changed': whatChanged(event, end),
    Source: sourceOf(event),
    Reproduce: reproduce(event, context),
    ...(end === null ? { 'What now': whatNow(event, context) } : {}),
    ...(Object.keys(links).length === 0 ? {} : { Links: links }),
  };
}

function whatChanged(event: EventRecord, end: EventRecord | null): Flat {
  const breached = event.series.filter(({ joined }) => joined).length;
  return {
    step: event.step,
    kind: event.kind,
    'open since': plainTime(sinceOf(event)),
    ...(end === null ? {} : { 'over since': `${plainTime(end.windowEnd)}: ${end.step} before Sentry could be told of this step` }),
    window: `${plainTime(event.windowStart)} to ${plainTime(event.windowEnd)}`,
    scale: event.scale,
    series: `${breached} breached${breached === event.series.length ? '' : `, ${event.series.length - breached} moving too`}`,
    versions: cut(event.versions.map((version) => version || '(none)').join(', '), 200),
    exact: event.exact ? 'yes: a replay of the source gives the same event' : `no: ${event.inexactReasons.join(', ')}`,
    incident: event.incident,
    ordinal: event.ordinal,
  };
}

/** At most five rows. Numbered, so that they keep their order and no name of a feature is a key (`__proto__` would be lost). */
function topSeries(event: EventRecord, sensitive: Sensitive): Flat {
  const rows = ranked(event.series).slice(0, topFeatures);
  const more = event.series.length - rows.length;
  return {
    ...Object.fromEntries(rows.map((series, index) => [`${index + 1}. ${cut(oneLine(series.name), 80)}`, seriesRow(series, sensitive)])),
    ...(more > 0 ? { more: `${more} more series` } : {}),
  };
}

function seriesRow(series: EventSeries, sensitive: Sensitive): string {
  const isHidden = isPrivate(series.name, sensitive);
  // `observed` and `expected` stand in the words of the change.
  const current = isHidden ? harmlessPart(series.current) : series.current;
  const baseline = isHidden ? harmlessPart(series.baseline) : series.baseline;
  const changes = Object.entries(current)
    .filter(([name, value]) => name !== 'observed' && (value !== 0 || baseline[name] !== 0))
    .map(([name, value]) => {
      const before = Object.hasOwn(baseline, name) ? baseline[name] : undefined;
      return `${name} ${before === undefined ? '' : `${plain(before)} → `}${plain(value)}`;
    });
  const parts = [
    changeText(series, sensitive),
    effectsText(series),
    ...changes,
    `n ${count(series.n)}${series.scale === undefined ? '' : ` in ${series.scale}`}, baseline ${count(series.baselineN)}`,
    `p ${size(series.p)}`,
    ...(series.phi < worthPhi ? [] : [`varies ${size(series.phi)}× as much as independent rows would`]),
    ...(isHidden ? ['values withheld'] : []),
    ...(series.joined ? [] : ['moving too']),
  ];
  return cut(oneLine(parts.join(' · ')), 1_000);
}

function plain(value: number | string): string {
  return typeof value === 'number' ? size(value) : value;
}

/** An ISO time without milliseconds that are zero. */
function plainTime(iso: string): string {
  return iso.replace('.000Z', 'Z');
}

/** Where the records stand. Offsets as they are, ungrouped: they are copied into other tools. */
function sourceOf(event: EventRecord): Flat {
  const shown = event.source.slice(0, sourceRows);
  const records = event.source.reduce((sum, { from, to }) => sum + to - from, 0);
  return {
    from: plainTime(event.windowStart),
    to: plainTime(event.windowEnd),
    records: count(records),
    ...Object.fromEntries(
      shown.map(({ topic, partition, from, to }) => [
        `${topic} partition ${partition}`,
        `offsets ${from} to ${to} (${count(to - from)} records)`,
      ]),
    ),
    ...(event.source.length > shown.length ? { more: `${event.source.length - shown.length} more partitions` } : {}),
  };
}

/** The command that comes to the event again, and what it wants. */
function reproduce(event: EventRecord, facts: CommandFacts): Flat {
  const note =
    event.replay === undefined
      ? 'A "first" baseline is learned from where the replay begins: set --from back by baseline.duration to see the event come again.'
      : `It begins where the model did, for there its baseline was learned, and comes to event ${event.id}${event.exact ? '' : ', if nothing that made it inexact matters'}. The topics must still hold that time.`;
  return { command: replayCommand(event, facts), note };
}

/** What a person may say to it, once they know what it is. */
function whatNow(event: EventRecord, facts: CommandFacts): Flat {
  return {
    'if the change is meant': acceptCommand(event, facts),
    'if it has to wait': muteCommand(event, facts),
  };
}

function linksOf(event: EventRecord, { links, sensitive }: IssueContext): Flat {
  const values = new Map<string, string>([
    ['model', event.model],
    ['version', newestVersion(event)],
    ['kind', event.kind],
    ['severity', event.severity],
    ['team', event.owner ?? ''],
    ['incident', event.incident],
    ['feature', ranked(event.series)[0]?.name ?? ''],
    ['from', event.windowStart],
    ['to', event.windowEnd],
    ['fromMs', String(Date.parse(event.windowStart))],
    ['toMs', String(Date.parse(event.windowEnd))],
    ...openSegments(event, sensitive),
  ]);
  return Object.fromEntries(
    Object.entries(links).map(([name, template]) => [
      name,
      template.replace(/\{([\w.-]+)\}/g, (hole, key: string) => fill(values.get(key), hole)),
    ]),
  );
}

function fill(value: string | undefined, hole: string): string {
  // A lone surrogate, which JSON can carry, has no encoding.
  return value === undefined ? hole : encodeURIComponent(value.toWellFormed());
}
