import { Command, Option } from 'commander';
import type { CommandContext } from './context.ts';
import { type ModelCommandOptions, sayOfModel, shortText, withModelOptions } from './modelCommand.ts';

interface AcceptOptions extends ModelCommandOptions {
  readonly kind?: 'drift' | 'performance';
  readonly reason: string;
}

/** `tidemark accept`: the change is the new normal. */
export function acceptCommand(context: CommandContext): Command {
  return withModelOptions(new Command('accept'))
    .summary('say that a change is the new normal: its incidents end, the baseline is learned anew')
    .description(
      'Ends the open incidents of a model with the reason and who gave it, and learns its baselines anew from the next pane on, also where a file gave them. Until a first day has been learned nothing is compared with them. Written to the log: every worker does the same at the same place, once. Drift and quality are accepted together; performance has one baseline for a model and all its segments.',
    )
    .addOption(new Option('--kind <kind>', 'only drift and quality, or only performance').choices(['drift', 'performance']))
    .requiredOption('--reason <text>', 'why; stands in the issue', shortText)
    .addHelpText('after', '\nExample:\n  tidemark accept fraud --reason "new pricing since Monday" --config tidemark.yaml')
    .action(async (model: string, options: AcceptOptions) => {
      const { kind = null, reason } = options;
      await sayOfModel(model, options, context, { action: 'accept', kind, series: [], untilMs: null, reason }, ({ open }) =>
        open.length === 0
          ? 'with the next pane the baseline is learned anew; no incident is open'
          : 'with the next pane the incidents concerned end and the baseline is learned anew',
      );
    });
}
