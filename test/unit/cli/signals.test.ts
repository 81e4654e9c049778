import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runNode } from '../../support/runNode.ts';

const module = join(import.meta.dirname, '../../../src/commands/signals.ts');

/** A process that is told to stop, does `onStop`, and then never comes to an end by itself. */
function ends(onStop: string) {
  const script = `
    const { stopOnSignals } = await import(${JSON.stringify(module)});
    stopOnSignals(50).addEventListener('abort', () => { ${onStop} });
    setInterval(() => {}, 1_000);
    process.kill(process.pid, 'SIGTERM');
  `;
  return runNode(['--input-type=module', '-e', script], { cwd: import.meta.dirname, env: process.env });
}

describe('a stop that does not come to its end', () => {
  it('is a failure while something may not be written', async () => {
    expect((await ends('')).code).toBe(1);
  });

  it('is none once everything is written, and only connections hang', async () => {
    expect((await ends('process.exitCode = 0')).code).toBe(0);
  });

  it('is cut short by a second signal', async () => {
    expect((await ends("process.exitCode = 0; process.kill(process.pid, 'SIGINT')")).code).toBe(1);
  });
});
