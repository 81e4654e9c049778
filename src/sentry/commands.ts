/** The commands that an issue offers, ready for a POSIX shell: come to the event again, accept the change, ask for quiet. Pure. */
import type { EventRecord } from '../core/incident/event.ts';
import { isPrivate, type Sensitive } from './privacy.ts';

export interface CommandFacts {
  /** Names of the configuration files, without their folders. */
  readonly configFiles: readonly string[];
  /** Segments whose values must not leave. */
  readonly sensitive: Sensitive;
}

/** The backtest that comes to the event again. */
export function replayCommand(event: EventRecord, { configFiles }: CommandFacts): string {
  const { from, to } = event.replay ?? { from: event.windowStart, to: event.windowEnd };
  const times = ['--from', seconds(from), '--to', seconds(to)];
  return commandOf(['backtest', ...configOptions(configFiles), ...times, '--out', `incident-${event.incident.slice(0, 8)}`]);
}

/** The change is the new normal. Performance has one baseline for a model and its segments, so there the segment is not named. */
export function acceptCommand(event: EventRecord, facts: CommandFacts): string {
  const isPerformance = event.kind === 'performance' || event.kind === 'estimate';
  const kind = isPerformance ? 'performance' : 'drift';
  const segment = isPerformance ? [] : segmentOptions(event, facts);
  return commandOf(['accept', event.model, '--kind', kind, ...segment, '--reason', reason, ...configOptions(facts.configFiles)]);
}

/** Nothing of it is told for a while. */
export function muteCommand(event: EventRecord, facts: CommandFacts): string {
  const what = ['--kind', event.kind, ...segmentOptions(event, facts), '--for', '6h'];
  return commandOf(['mute', event.model, ...what, '--reason', reason, ...configOptions(facts.configFiles)]);
}

/** Stands where a person has to write something. */
const reason = 'WHY';

function segmentOptions({ segment }: EventRecord, { sensitive }: CommandFacts): readonly string[] {
  return Object.entries(segment ?? {}).flatMap(([name, value]) => ['--segment', `${name}=${isPrivate(name, sensitive) ? 'VALUE' : value}`]);
}

function configOptions(files: readonly string[]): readonly string[] {
  return (files.length === 0 ? ['tidemark.yaml'] : files).flatMap((file) => ['--config', file]);
}

function commandOf(words: readonly string[]): string {
  return ['tidemark', ...words.map(shellWord)].join(' ');
}

/** A word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w.@%+=:,/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** An ISO time without milliseconds that are zero. */
function seconds(iso: string): string {
  return iso.replace('.000Z', 'Z');
}
