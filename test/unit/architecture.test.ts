/** The rules of the tree are enforced by tools that pass silently when they see nothing: each must find a violation that is planted. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

const planted = {
  'src/log/port.ts': 'export interface Port {\n  readonly name: string;\n}\nexport const now = (): number => Date.now();\n',
  'src/core/clean.ts':
    "import { createHash } from 'node:crypto';\n\nexport const hash = (text: string): string => createHash('sha256').update(text).digest('hex');\n",
  'src/core/readsFiles.ts': "import { readFileSync } from 'node:fs';\n\nexport const text = readFileSync('x', 'utf8');\n",
  'src/core/usesPackage.ts': "import { pino } from 'pino';\n\nexport const log = pino;\n",
  'src/core/importsUpwards.ts': "import { now } from '../log/port.ts';\n\nexport const start = now();\n",
  'src/core/importsTypeUpwards.ts': "import type { Port } from '../log/port.ts';\n\nexport type Name = Port['name'];\n",
  'src/core/first.ts': "import { second } from './second.ts';\n\nexport const first = (): unknown => second;\n",
  'src/core/second.ts': "import { first } from './first.ts';\n\nexport const second = (): unknown => first;\n",
  'src/chart/readsConfig.ts': "import { config } from '../config/config.ts';\n\nexport const width = config;\n",
  'src/config/config.ts': 'export const config = 1;\n',
  'src/core/readsClock.ts': 'export const now = (): number => Date.now();\n',
  'src/core/makesDate.ts': 'export const today = (): Date => new Date();\n',
  'src/core/givenDate.ts': 'export const dateOf = (timeMs: number): Date => new Date(timeMs);\n',
  'src/formats/rollsDice.ts': 'export const chance = (): number => Math.random();\n',
  'src/chart/waits.ts': 'export const wait = (run: () => void): unknown => setTimeout(run, 1);\n',
};

let tree: string;

/** A small tree under the rules of this repository. */
beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'tidemark-rules-'));
  for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'biome.json', 'package.json', '.ci/lint']) {
    cpSync(join(root, name), join(tree, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  for (const [name, text] of Object.entries(planted)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text);
  }
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** What a tool of the test command says in the planted tree; whether it ends with 0 then depends on the form of its report. */
function outputOf(tool: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(join(root, 'node_modules/.bin', tool), args, { cwd: tree, maxBuffer: 1 << 24 }, (_error, stdout) => resolve(stdout));
  });
}

describe('the import rules', () => {
  it('let dependency-cruiser find each planted violation, and nothing else', async () => {
    const report: { summary: { violations: { from: string; rule: { name: string } }[] } } = JSON.parse(
      await outputOf('depcruise', ['src', '--output-type', 'json']),
    );
    const found = report.summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`).sort();
    expect(found).toEqual([
      'src/chart/readsConfig.ts: chart-imports-core',
      'src/core/first.ts: no-circular',
      'src/core/importsTypeUpwards.ts: core-imports-only-core',
      'src/core/importsUpwards.ts: core-imports-only-core',
      'src/core/readsFiles.ts: core-is-pure',
      'src/core/usesPackage.ts: core-is-pure',
    ]);
  });
});

describe('the lint rule against clocks, chance and timers', () => {
  it('finds them in the core, the formats and the charts, and leaves times that are given, and other folders, alone', async () => {
    const report: { diagnostics: { category: string; location: { path: string | { file: string } } }[] } = JSON.parse(
      await outputOf('biome', ['lint', 'src', '--reporter=json']),
    );
    const found = report.diagnostics
      .filter(({ category }) => category === 'plugin')
      .map(({ location: { path } }) => (typeof path === 'string' ? path : path.file))
      .sort();
    expect(found).toEqual(['src/chart/waits.ts', 'src/core/makesDate.ts', 'src/core/readsClock.ts', 'src/formats/rollsDice.ts']);
  });
});
