#!/usr/bin/env node
/** The program's door: arguments in, exit code out. */
import { runProgram } from './commands/program.ts';

// A reader that has seen enough (`tidemark inspect events | head -1`) is no error, and changes no exit code.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), {
  env: process.env,
  directory: '.',
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
});
