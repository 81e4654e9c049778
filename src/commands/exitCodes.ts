/** The one place that turns errors into exit codes and words. */
import { CommanderError } from 'commander';
import { ConfigError, DependencyError, InputError } from '../core/errors.ts';

/** Exit codes of every command, by what they mean. */
export const exitCodes = { done: 0, failure: 1, usage: 2, dependency: 3, input: 4, drift: 10 } as const;

/** For `--help` and docs/cli.md. */
export const exitCodeTable: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.done, 'done'],
  [exitCodes.failure, 'an error of Tidemark itself; please report it'],
  [exitCodes.usage, 'wrong usage or configuration: the message says which key and what is allowed'],
  [exitCodes.dependency, 'something outside (brokers, Sentry) cannot be reached or refuses'],
  [exitCodes.input, 'input that cannot be read, or (backtest) holds no prediction'],
  [exitCodes.drift, 'backtest --fail-on-drift: an incident was found'],
];

export function exitCodeOf(error: unknown): number {
  // commander exits with 1 for wrong usage, which here means an error of ours; --help and --version are "errors" with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof ConfigError) return exitCodes.usage;
  if (error instanceof DependencyError) return exitCodes.dependency;
  if (error instanceof InputError) return exitCodes.input;
  return exitCodes.failure;
}

/** What a person reads: the message of an expected error, the whole stack of an unexpected one; empty where commander has spoken already. */
export function errorText(error: unknown): string {
  if (error instanceof CommanderError) return '';
  if (error instanceof ConfigError || error instanceof DependencyError || error instanceof InputError)
    return `tidemark: ${error.message}\n`;
  return `tidemark: unexpected error\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
}
