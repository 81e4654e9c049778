/** The command line: all commands under one name. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { docsCommand } from './docs.ts';
import { errorText, exitCodeOf, exitCodes, exitCodeTable } from './exitCodes.ts';
import { topicsCommand } from './topics.ts';

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
  const commands = [topicsCommand(context), docsCommand(context, () => tidemarkProgram(context))];
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program));
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

/** From the package itself, which stands two folders up both from `src/commands` and from `dist/commands`. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
