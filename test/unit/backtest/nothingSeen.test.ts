import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../support/runCommand.ts';

const usable = '{"id": "a", "ts": "2026-01-01T00:00:00Z", "model": "m", "features": {"x": 1}}\n';
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-nothing-seen-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function backtest(name: string, content: string) {
  const predictions = join(folder, name);
  writeFileSync(predictions, content);
  const said = await runCommand(['backtest', '--predictions', predictions, '--out', join(folder, `${name}-out`), '--fail-on-drift']);
  return { ...said, predictions };
}

describe('a backtest without one usable prediction', () => {
  it('ends with 4 and says which row lacks what, and not that no incident would have been filed', async () => {
    const { code, out, err, predictions } = await backtest(
      'columns.csv',
      'uid,timestamp,amount\n1,2026-01-01T00:00:00Z,3\n2,2026-01-01T00:01:00Z,3\n',
    );
    expect(code).toBe(4);
    expect(out).toBe('');
    expect(err).toContain('no record is a prediction, so nothing was compared: no-id 2');
    expect(err).toContain(`first ${predictions} row 1: id is missing`);
  });

  it('ends with 4 where the file is empty, naming it', async () => {
    const { code, err, predictions } = await backtest('empty.ndjson', '');
    expect(code).toBe(4);
    expect(err).toContain(`nothing was compared: ${predictions} held no record`);
  });
});

describe('a backtest with some unusable records', () => {
  it('ends with 0 and tells their reasons', async () => {
    const { code, out } = await backtest('some.ndjson', `garbage\n${usable}`);
    expect(code).toBe(0);
    expect(out).toContain('1 invalid records (not-json 1)');
    expect(out).toContain('evaluations without an answer (all are learning, or have too little data)');
    expect(existsSync(join(folder, 'some.ndjson-out', 'report.html'))).toBe(true);
  });
});
