import { Command, InvalidArgumentError, Option } from 'commander';
import { durationForm, parseDuration } from '../core/duration.ts';
import { type IncidentKind, incidentKinds } from '../core/incident/event.ts';
import { systemClock } from '../log/systemClock.ts';
import type { CommandContext } from './context.ts';
import { type ModelCommandOptions, sayOfModel, shortText, timeText, withModelOptions } from './modelCommand.ts';

interface MuteOptions extends ModelCommandOptions {
  readonly kind?: IncidentKind;
  readonly series?: readonly string[];
}

/** `tidemark mute`: for a while nothing is told of a model. */
export function muteCommand(context: CommandContext): Command {
  return withMuteOptions(new Command('mute'))
    .summary('tell nothing of a model for a while')
    .description(
      'Until that event time nothing of the model (or of the kind, segment or series named) opens, escalates or reminds; what recovers still resolves its issue. It goes on being watched: what lasts when the time is over opens then. Written to the log: every worker does the same at the same place.',
    )
    .requiredOption('--for <duration>', 'how long, from now', mutedFor)
    .requiredOption('--reason <text>', 'why', shortText)
    .addHelpText(
      'after',
      '\nExample:\n  tidemark mute fraud --for 6h --series amount --reason "backfill is running" --config tidemark.yaml',
    )
    .action(async (model: string, options: MuteOptions & { readonly for: number; readonly reason: string }) => {
      const untilMs = systemClock.nowMs() + options.for;
      const { kind = null, series = [], reason } = options;
      await sayOfModel(model, options, context, { action: 'mute', kind, series, untilMs, reason }, () => {
        return `with the next pane it is muted, until event time ${timeText(untilMs)}; "tidemark unmute ${model}" ends it before`;
      });
    });
}

/** `tidemark unmute`: ends what `mute` began. */
export function unmuteCommand(context: CommandContext): Command {
  return withMuteOptions(new Command('unmute'))
    .summary('tell of a model again before the time of its mute is over')
    .description('Ends the mutes of the model that lie within what is named: a kind, a segment, series; nothing named: all of them.')
    .addHelpText('after', '\nExample:\n  tidemark unmute fraud --config tidemark.yaml')
    .action(async (model: string, options: MuteOptions) => {
      const { kind = null, series = [] } = options;
      await sayOfModel(model, options, context, { action: 'unmute', kind, series, untilMs: null, reason: '' }, ({ mutes }) =>
        mutes.length === 0
          ? 'nothing of it is muted, unless a mute was said since the newest pane'
          : 'with the next pane it is told of again',
      );
    });
}

function withMuteOptions(command: Command): Command {
  return withModelOptions(command)
    .addOption(new Option('--kind <kind>', 'only incidents of this kind').choices(incidentKinds))
    .option(
      '--series <name>',
      'only this series (a feature, prediction, score, accuracy); may be repeated',
      (name, before: readonly string[] = []) => [...before, name],
    );
}

function mutedFor(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === null || durationMs <= 0) throw new InvalidArgumentError(`must be ${durationForm}.`);
  return durationMs;
}
