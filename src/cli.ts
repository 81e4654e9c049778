#!/usr/bin/env node
/** The program's door: arguments in, exit code out. */
import { runProgram } from './commands/program.ts';

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  directory: '.',
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
});
