import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../src/commands/program.ts';

/** A folder without a configuration. */
const noFolder = join(tmpdir(), 'tidemark-tests-without-configuration');

/** Runs one command line in this process and collects what it says. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runProgram(args, {
    env,
    // Not the checkout, where a person may have put a tidemark.yaml.
    directory: noFolder,
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}
