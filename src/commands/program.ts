/** The command line: all commands under one name. */
import { Command } from 'commander';
import { acceptCommand } from './accept.ts';
import { backtestCommand } from './backtest.ts';
import { checkCommand } from './check.ts';
import type { CommandContext } from './context.ts';
import { demoCommand } from './demo.ts';
import { docsCommand } from './docs.ts';
import { errorText, exitCodeOf, exitCodes, exitCodeTable } from './exitCodes.ts';
import { inboxCommand } from './inbox.ts';
import { inspectCommand } from './inspect.ts';
import { muteCommand, unmuteCommand } from './mute.ts';
import { sentryCommand } from './sentrySetup.ts';
import { topicsCommand } from './topics.ts';
import { trafficCommand } from './traffic.ts';
import { packageVersion } from './version.ts';
import { workerCommand } from './worker.ts';

/** Builds the command line. Wrong usage is thrown as `CommanderError`, never an exit of the process. */
export function tidemarkProgram(context: CommandContext): Command {
  const program = new Command('tidemark')
    .description('Drift monitoring beside Kafka-based inference: exact windowed sketches in, one good Sentry issue per incident out.')
    .version(packageVersion())
    .configureOutput({ writeOut: (text) => context.stdout(text), writeErr: (text) => context.stderr(text) })
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText(
      'after',
      `\nExit codes:\n${exitCodeTable.map(([code, meaning]) => `  ${String(code).padStart(2)}  ${meaning}`).join('\n')}`,
    );
  const commands = [
    workerCommand(context),
    backtestCommand(context),
    checkCommand(context),
    inspectCommand(context),
    acceptCommand(context),
    muteCommand(context),
    unmuteCommand(context),
    inboxCommand(context),
    sentryCommand(context),
    topicsCommand(context),
    demoCommand(context),
    trafficCommand(context),
    docsCommand(context, () => tidemarkProgram(context)),
  ];
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program));
    for (const inner of command.commands) inner.copyInheritedSettings(command);
  }
  return program;
}

/** Runs one command line (without `node` and the script) and gives the exit code. Errors become words on `stderr` here and nowhere else. */
export async function runProgram(args: readonly string[], io: Omit<CommandContext, 'exitWith'>): Promise<number> {
  let exitCode: number = exitCodes.done;
  const context: CommandContext = {
    ...io,
    exitWith: (code) => {
      exitCode = code;
    },
  };
  try {
    await tidemarkProgram(context).parseAsync(args, { from: 'user' });
  } catch (error) {
    io.stderr(errorText(error));
    return exitCodeOf(error);
  }
  return exitCode;
}
