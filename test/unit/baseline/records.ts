/** Rows of a steady model, one a minute, with a shift where a test wants one. */
import { Random } from '../../support/random.ts';

const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const zeroMs = Date.UTC(2026, 2, 2);

export interface Row {
  readonly id: string;
  readonly ts: string;
  readonly model: string;
  readonly version: string;
  readonly features: { readonly amount: number; readonly plan: string; readonly age: number | null };
  readonly prediction: string;
  readonly score: number;
  readonly segments: { readonly country: string };
}

export interface RowsOptions {
  readonly seed: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly model?: string;
  readonly version?: string;
  /** From this time on amounts are larger by one standard deviation. */
  readonly shiftFromMs?: number;
}

export function rowsOf(options: RowsOptions): Row[] {
  const { seed, fromMs, toMs, model = 'fraud', version = '7', shiftFromMs = Number.POSITIVE_INFINITY } = options;
  const random = new Random(seed);
  return Array.from({ length: (toMs - fromMs) / minuteMs }, (_, index) => {
    const timeMs = fromMs + index * minuteMs;
    return {
      id: `${seed}-${index}`,
      ts: new Date(timeMs).toISOString(),
      model,
      version,
      features: {
        amount: 100 + 10 * random.normal() + (timeMs >= shiftFromMs ? 10 : 0),
        plan: random.next() < 0.3 ? 'pro' : 'free',
        age: random.next() < 0.2 ? null : 20 + random.int(50),
      },
      prediction: random.next() < 0.2 ? 'fraud' : 'ok',
      score: random.next(),
      segments: { country: random.next() < 0.4 ? 'DE' : 'FR' },
    };
  });
}

/** NDJSON of rows without the fields named. */
export function ndjson(rows: readonly Row[], ...without: readonly (keyof Row)[]): string {
  return rows
    .map((row) => `${JSON.stringify(Object.fromEntries(Object.entries(row).filter(([name]) => !without.some((one) => one === name))))}\n`)
    .join('');
}

/** CSV of rows without the columns named. */
export function csv(rows: readonly Row[], ...without: readonly string[]): string {
  const columns = [
    'id',
    'ts',
    'model',
    'version',
    'features.amount',
    'features.plan',
    'features.age',
    'prediction',
    'score',
    'segments.country',
  ].filter((column) => !without.includes(column));
  const cell = (row: Row, column: string): unknown => {
    if (column === 'features.amount') return row.features.amount;
    if (column === 'features.plan') return row.features.plan;
    if (column === 'features.age') return row.features.age ?? '';
    if (column === 'segments.country') return row.segments.country;
    return Object.entries(row).find(([name]) => name === column)?.[1];
  };
  return `${[columns.join(','), ...rows.map((row) => columns.map((column) => cell(row, column)).join(','))].join('\n')}\n`;
}
