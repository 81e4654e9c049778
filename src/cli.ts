#!/usr/bin/env node
/** The program's door: arguments in, exit code out. */

/** Oldest Node that has all that the program uses. */
const oldestNode = 24;

if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  process.stderr.write(
    `tidemark: needs Node ${oldestNode} or later, this is ${process.version}; in a checkout, "npm run -s tidemark --" brings its own\n`,
  );
  process.exitCode = 2;
} else {
  // Not before the version is known: an older Node fails at the imports, without a word that helps.
  const { runProgram } = await import('./commands/program.ts');
  // npm runs its scripts in the folder of package.json; paths are meant from where the person stands.
  if (process.env.npm_lifecycle_event === 'tidemark' && process.env.INIT_CWD !== undefined) process.chdir(process.env.INIT_CWD);
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
}
