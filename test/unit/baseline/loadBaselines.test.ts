import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBaselines } from '../../../src/baseline/loadBaselines.ts';
import { ConfigError, InputError } from '../../../src/core/errors.ts';
import type { CoreSettings, ModelSettings } from '../../../src/core/settings.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';
import { dayMs, ndjson, rowsOf, zeroMs } from './records.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-baselines-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function withFile(path: string, change: Partial<ModelSettings> = {}): ModelSettings {
  return modelSettings({ baseline: { kind: 'file', path, durationMs: 7 * dayMs }, ...change });
}

function settingsOf(defaults: ModelSettings, models: Record<string, ModelSettings> = {}): CoreSettings {
  return coreSettings({ defaults, models: new Map(Object.entries(models)) });
}

const span = { fromMs: zeroMs, toMs: zeroMs + 2 * dayMs };

/** Rows of two models in one file, in the order of time. */
function twoModels(): string {
  const rows = [...rowsOf({ seed: 1, ...span }), ...rowsOf({ seed: 2, ...span, model: 'churn', version: '1' })];
  return file('two.ndjson', ndjson(rows.sort((a, b) => (a.ts < b.ts ? -1 : 1))));
}

describe('the baseline files of the settings', () => {
  it('are none where no baseline is of kind file', async () => {
    expect(await loadBaselines(settingsOf(modelSettings()))).toEqual({ baselines: new Map(), notes: [] });
  });

  it('serve every model that a common file names', async () => {
    const { baselines, notes } = await loadBaselines(settingsOf(withFile(twoModels())));
    expect([...baselines.keys()]).toEqual(['churn', 'fraud']);
    expect(baselines.get('churn')?.onlyVersion).toBe('1');
    expect(notes).toHaveLength(2);
  });

  it('leave out rows of models that have another baseline, and say how many', async () => {
    const { baselines, notes } = await loadBaselines(settingsOf(withFile(twoModels()), { churn: modelSettings() }));
    expect([...baselines.keys()]).toEqual(['fraud']);
    expect(notes[0]).toMatch(/^baseline of fraud: 2880 rows .*; 2880 rows of other models are left out$/);
  });

  it('belong to the model of their entry where rows name none', async () => {
    const path = file('anonymous.ndjson', ndjson(rowsOf({ seed: 1, ...span }), 'model', 'version', 'id'));
    const { baselines } = await loadBaselines(settingsOf(modelSettings(), { fraud: withFile(path) }));
    expect([...baselines.keys()]).toEqual(['fraud']);
    expect(baselines.get('fraud')).toMatchObject({ kind: 'dated', onlyVersion: '' });
  });

  it('stop the start where one has no row of the model that it is named for', async () => {
    const path = file('fraud.ndjson', ndjson(rowsOf({ seed: 1, ...span })));
    const loading = loadBaselines(settingsOf(modelSettings(), { churn: withFile(path) }));
    await expect(loading).rejects.toThrow(InputError);
    await expect(loading).rejects.toThrow(
      /^models\.churn\.baseline\.path: .*fraud\.ndjson: has no usable row of model churn, but 2880 usable rows of other models and 0 invalid rows; expected/,
    );
  });

  it('say which rows are of no use, and why', async () => {
    const [first, ...rest] = rowsOf({ seed: 1, ...span });
    const content = `${ndjson(first === undefined ? [] : [first])}{"ts": 1, "model": "fraud"}\n${ndjson(rest)}`;
    const { notes } = await loadBaselines(settingsOf(withFile(file('bad.ndjson', content))));
    expect(notes[0]).toMatch(/1 rows are invalid \(row 2: ts .*\)$/);
  });

  it('must be files that can be read again', async () => {
    await expect(loadBaselines(settingsOf(withFile('-')))).rejects.toThrow(ConfigError);
  });

  it('give the same from the same bytes, and another hash for others', async () => {
    const rows = rowsOf({ seed: 1, ...span });
    const load = async (name: string, content: string) => (await loadBaselines(settingsOf(withFile(file(name, content))))).baselines;
    const first = await load('a.ndjson', ndjson(rows));
    expect(await load('b.ndjson', ndjson(rows))).toEqual(first);
    const other = await load('c.ndjson', ndjson(rows.slice(1)));
    const hashOf = (baselines: typeof first) => baselines.get('fraud')?.cells.get('["*",null]')?.hash;
    expect(hashOf(first)).toMatch(/^[0-9a-f]{64}$/);
    expect(hashOf(other)).not.toBe(hashOf(first));
  });
});
