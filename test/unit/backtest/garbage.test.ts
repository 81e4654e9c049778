import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../support/runCommand.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-garbage-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file of feedback that begins with a line that cannot be read', () => {
  it('is read on from the next one, with the line counted', async () => {
    const startMs = Date.UTC(2026, 2, 1);
    const rows = Array.from({ length: 500 }, (_, at) => ({ id: `r${at}`, ts: startMs + at * 60_000, model: 'fraud' }));
    const predictions = join(folder, 'predictions.ndjson');
    const feedback = join(folder, 'feedback.ndjson');
    writeFileSync(predictions, rows.map((row) => JSON.stringify({ ...row, prediction: 'ok', features: { amount: 1 } })).join('\n'));
    writeFileSync(feedback, ['garbage', ...rows.map((row) => JSON.stringify({ ...row, label: 'ok' }))].join('\n'));
    const out = join(folder, 'out');
    const { code } = await runCommand(['backtest', '--predictions', predictions, '--feedback', feedback, '--out', out]);
    expect(code).toBe(0);
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
    expect(summary.invalid).toEqual({ 'not-json': 1 });
    expect(summary.records.feedback).toEqual({ 0: 501 });
  });
});
