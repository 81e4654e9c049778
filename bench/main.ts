/** `npm run bench -- NAME [--json FILE] [--runs N]`: runs bench/NAME.ts several times and prints the median and the spread of every figure. */
import { readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { BenchResult } from './types.ts';

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const defaultRuns = 5;

async function main(): Promise<number> {
  const names = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.ts') && file !== 'main.ts' && file !== 'types.ts')
    .map((file) => file.slice(0, -3))
    .sort();
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, runs: { type: 'string', default: String(defaultRuns) } },
  });
  const [name] = positionals;
  const runs = Number(values.runs);
  if (name === undefined || !names.includes(name) || !(Number.isInteger(runs) && runs > 0)) {
    process.stderr.write(`Usage: npm run bench -- NAME [--json FILE] [--runs N]\nNAME is one of: ${names.join(', ')}\n`);
    return 2;
  }
  // The edge where a file's name becomes a module: every bench file exports run().
  const bench = (await import(`./${name}.ts`)) as { run(): Promise<BenchResult> };
  const results: BenchResult[] = [];
  for (let i = 1; i <= runs; i += 1) {
    process.stderr.write(`${name}: run ${i} of ${runs}\n`);
    results.push(await bench.run());
  }
  const figures = spreads(results.map((result) => result.figures));
  const ratios = spreads(results.map((result) => result.ratios));
  const compared = results[0]?.compared ?? '';
  const machine = `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}`;
  process.stdout.write(`${compared}\n${machine}; ${runs} runs\n\n`);
  print('figure', figures);
  print('ratio', ratios);
  if (values.json !== undefined) {
    const json = { name, compared, machine, runs, figures: medians(figures), ratios: medians(ratios), spread: { figures, ratios } };
    writeFileSync(values.json, `${JSON.stringify(json, null, 2)}\n`);
  }
  return 0;
}

function spreads(runs: readonly Readonly<Record<string, number>>[]): Record<string, Spread> {
  const out: Record<string, Spread> = {};
  for (const key of Object.keys(runs[0] ?? {})) {
    const sorted = runs.map((run) => run[key] ?? Number.NaN).sort((left, right) => left - right);
    const low = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
    const high = sorted[sorted.length >> 1] ?? Number.NaN;
    out[key] = { median: (low + high) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
  }
  return out;
}

function medians(values: Readonly<Record<string, Spread>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, spread]) => [key, spread.median]));
}

function print(title: string, values: Readonly<Record<string, Spread>>): void {
  process.stdout.write(`${title.padEnd(40)}${['median', 'min', 'max'].map((word) => word.padStart(14)).join('')}\n`);
  for (const [key, { median, min, max }] of Object.entries(values)) {
    process.stdout.write(`${key.padEnd(40)}${[median, min, max].map((value) => rounded(value).padStart(14)).join('')}\n`);
  }
  process.stdout.write('\n');
}

function rounded(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

process.exitCode = await main();
