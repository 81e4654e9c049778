/** `tidemark` as a process of its own, as an operator runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const cli = join(import.meta.dirname, '../../src/cli.ts');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CommandProcess {
  readonly process: ChildProcess;
  /** What it said on standard output and standard error so far. */
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<Ended>;
}

/** Starts a command line. The environment is only what is given: no DSN or broker of the machine gets in. */
export function startCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}): CommandProcess {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return { process: child, out: () => out, err: () => err, ended };
}

/** Runs a command line to its end. */
export async function runProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended & { readonly out: string; readonly err: string }> {
  const started = startCommand(args, env);
  const ended = await started.ended;
  return { ...ended, out: started.out(), err: started.err() };
}
