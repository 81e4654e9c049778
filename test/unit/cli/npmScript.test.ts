/** The program as the README starts it: by npm. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly text: string;
}

/** Runs `npm run -s tidemark -- ...args` in a folder; `stopAt`: what it has to say before npm gets a SIGTERM. */
function tidemark(args: readonly string[], folder: string, stopAt?: string): Promise<Ended> {
  // As in a shell of its own, not inside of "npm test".
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && name !== 'INIT_CWD'));
  const child = spawn('npm', ['run', '-s', 'tidemark', '--', ...args], { cwd: folder, env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      const isNew = stopAt !== undefined && !text.includes(stopAt);
      text += chunk.toString();
      if (isNew && text.includes(stopAt)) child.kill('SIGTERM');
    });
  }
  // Not before all of them have closed the streams: a process that npm leaves behind holds them.
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, text })));
}

it('hands a SIGTERM on, and waits until the program has stopped in good order', async () => {
  expect(await tidemark(['inbox', '--port', '0'], root, 'Ctrl-C stops it')).toMatchObject({ code: 0, signal: null });
});

it('takes paths from the folder in which npm was called', async () => {
  mkdirSync(join(root, 'out'), { recursive: true });
  const folder = mkdtempSync(join(root, 'out', 'npm-'));
  writeFileSync(join(folder, 'mine.yaml'), 'predictions: { topic: p, fromat: json }\n');
  const { code, text } = await tidemark(['check', '--config', 'mine.yaml'], folder);
  rmSync(folder, { recursive: true });
  expect(code).toBe(2);
  expect(text).toContain('predictions.fromat');
});
