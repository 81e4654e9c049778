/** What a command gets from the outside, so that tests can run it in their own process. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that is looked in for `tidemark.yaml` where no file is named. */
  readonly directory: string;
  /** What the command answers; `stderr` is for what it says meanwhile. */
  stdout(text: string): void;
  stderr(text: string): void;
  /** Ends with another code than 0 although nothing was thrown (`backtest --fail-on-drift`, a check that found mistakes). */
  exitWith(code: number): void;
}

export interface ConfigOptions {
  readonly config?: readonly string[];
  readonly set?: readonly string[];
}

/** File that is read where `--config` names none and the working directory has it. */
const usualFile = 'tidemark.yaml';

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds `--config` and `--set`, which mean the same on every command. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', `configuration file, may be repeated, later ones win (default: ${usualFile} if it is there)`, collect)
    .option('-s, --set <key=value>', 'set one key, such as window.hop=1m; may be repeated; wins over files and environment', collect);
}

/** The configuration that a command was called with. Warnings go to `stderr`. */
export function configOf(options: ConfigOptions, context: CommandContext, assumeTopics = false): Config {
  const usual = join(context.directory, usualFile);
  const files = options.config ?? (existsSync(usual) ? [usual] : []);
  const config = loadConfig({ files, env: context.env, sets: options.set ?? [], assumeTopics });
  for (const warning of config.warnings) context.stderr(`tidemark: ${warning}\n`);
  return config;
}
