/** What `accept`, `mute` and `unmute` share: whom they concern, who speaks, and the record that is written. */
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { createLogger } from '../config/logger.ts';
import { ConfigError } from '../core/errors.ts';
import type { CommandRecord, SegmentKey } from '../core/summarize/messages.ts';
import { type ModelView, viewModel, watchedModels } from '../inspect/modelView.ts';
import { systemClock } from '../log/systemClock.ts';
import { writeCommand } from '../stages/commandWriter.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';
import { openKafka } from './openKafka.ts';

/** Longest text that a person may give: it goes into every event that it explains. */
const longestText = 500;

export interface ModelCommandOptions extends ConfigOptions {
  readonly segment?: NonNullable<SegmentKey>;
  readonly by?: string;
  readonly reason?: string;
}

/** Adds the model, `--segment`, `--by` and the configuration. */
export function withModelOptions(command: Command): Command {
  return withConfigOptions(command)
    .argument('<model>', 'name of the model, as in the records')
    .option('--segment <name=value>', 'only this segment', segmentOf)
    .option('--by <name>', 'who says so (default: the user of this shell)', shortText);
}

/** Name of the account that runs the program; empty where the system knows none, as for a number that a container was given. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

/** What a command says beside whom it concerns. */
export type Said = Pick<CommandRecord, 'action' | 'kind' | 'series' | 'untilMs' | 'reason'>;

/**
 * Checks that the group watches what is named, writes the record, and says where it stands and what is open and muted there.
 * `ConfigError` where there is no such model, segment or series; nothing is written then.
 */
export async function sayOfModel(
  model: string,
  options: ModelCommandOptions,
  context: CommandContext,
  said: Said,
  outcome: (view: ModelView) => string,
): Promise<void> {
  const by = options.by ?? (context.env.USER || context.env.USERNAME || accountName());
  if (by === '') throw new ConfigError('the command has to say who gave it, and this account has no name: --by NAME');
  const config = configOf(options, context, true);
  const { group } = config.core;
  const segment = options.segment ?? null;
  const log = await openKafka(config, createLogger(config.log.level));
  try {
    const view = await viewModel(log, group, model);
    if (view === null) {
      const others = await watchedModels(log, group);
      throw new ConfigError(`the group "${group}" watches no model "${model}"; it watches ${listOf(others)}. Nothing was written`);
    }
    checkNames(view, segment, said.series, model);
    const command: CommandRecord = { type: 'command', id: randomUUID(), model, segment, by, atMs: systemClock.nowMs(), ...said };
    const { topic, partition, offset } = await writeCommand(log, group, command);
    const lines = [...stateLines(view), `written: ${topic}, partition ${partition}, offset ${offset}`, outcome(view)];
    context.stdout(`${lines.join('\n')}\n`);
  } finally {
    await log.close();
  }
}

function checkNames(view: ModelView, segment: SegmentKey, series: readonly string[], model: string): void {
  if (segment !== null && !view.segments.some(([name, value]) => name === segment[0] && value === segment[1])) {
    const known = view.segments.map((one) => one.join('='));
    throw new ConfigError(`no segment ${segment.join('=')} of "${model}" is watched; there is ${listOf(known)}. Nothing was written`);
  }
  for (const name of series) {
    if (view.series.has(name)) continue;
    throw new ConfigError(`no series "${name}" of "${model}" is watched; there is ${listOf([...view.series].sort())}. Nothing was written`);
  }
}

function stateLines({ open, mutes }: ModelView): string[] {
  return [
    ...open.map(({ kind, segment, startMs, series, id }) => {
      const names = [...new Set(series.filter(({ joined }) => joined).map(({ last }) => last.name))];
      return `open: ${kind}${segment === null ? '' : ` of ${segment.join('=')}`} since ${timeText(startMs)}: ${names.join(', ')} (incident ${id})`;
    }),
    ...mutes.map(({ kind, segment, series, untilMs, by, reason }) => {
      const what = [kind ?? 'everything', ...(segment === null ? [] : [`of ${segment.join('=')}`]), ...series];
      return `muted: ${what.join(' ')} until ${timeText(untilMs)}, by ${by}: ${reason}`;
    }),
  ];
}

/** `2026-03-01 09:40Z` */
export function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

function listOf(names: readonly string[]): string {
  if (names.length === 0) return 'none yet';
  const shown = names.slice(0, 20).join(', ');
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}

function segmentOf(text: string): NonNullable<SegmentKey> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('must be NAME=VALUE, such as plan=free.');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A text of a person, not empty and not too long. */
export function shortText(text: string): string {
  if (text.trim() === '' || text.length > longestText) throw new InvalidArgumentError(`must be a text of 1 to ${longestText} characters.`);
  return text.trim();
}
