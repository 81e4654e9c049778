import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationRecord, EventRecord } from '../../../src/core/incident/event.ts';
import { runCommand } from '../../support/runCommand.ts';
import { csv, dayMs, hourMs, ndjson, rowsOf, zeroMs } from './records.ts';

const liveMs = zeroMs + 10 * dayMs;
let folder = '';
let runs = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-baseline-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

interface Backtest {
  readonly code: number;
  readonly err: string;
  readonly events: EventRecord[];
  readonly evaluations: EvaluationRecord[];
}

async function backtest(baseline: string, predictions: string, ...sets: string[]): Promise<Backtest> {
  const out = join(folder, `out-${runs++}`);
  mkdirSync(out);
  const options = ['baseline.kind=file', `baseline.path=${baseline}`, 'window.scales=3h', 'window.hop=15m', ...sets];
  const { code, err } = await runCommand([
    'backtest',
    ...options.flatMap((option) => ['--set', option]),
    '--predictions',
    predictions,
    '--out',
    out,
  ]);
  const read = (name: string) =>
    code === 0
      ? readFileSync(join(out, name), 'utf8')
          .split('\n')
          .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
      : [];
  return { code, err, events: read('events.ndjson'), evaluations: read('evaluations.ndjson') };
}

function of(evaluations: readonly EvaluationRecord[], series: string): EvaluationRecord[] {
  return evaluations.filter((one) => one.series === series && one.segment === null);
}

/** Live data of a day, with a shift of the amounts at noon. */
function liveFile(): string {
  return file('live.ndjson', ndjson(rowsOf({ seed: 2, fromMs: liveMs, toMs: liveMs + dayMs, shiftFromMs: liveMs + 12 * hourMs })));
}

describe('a baseline file whose rows have times', () => {
  it('gives the first answers as soon as a window is full, and finds the shift', async () => {
    const baseline = file('dated.csv', csv(rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + 7 * dayMs })));
    const { code, err, events, evaluations } = await backtest(baseline, liveFile());
    expect(code).toBe(0);
    expect(err).toContain(
      `baseline of fraud: ${7 * 24 * 60} rows of ${baseline}, from 2026-03-02T00:00:00.000Z to 2026-03-08T23:59:00.000Z`,
    );
    expect(evaluations.some((one) => one.verdict === 'learning')).toBe(false);
    for (const series of ['amount', 'plan', 'prediction', 'score', 'invalid']) {
      const first = of(evaluations, series).find((one) => one.verdict === 'ok');
      expect(Date.parse(first?.windowEnd ?? '')).toBeLessThanOrEqual(liveMs + 3 * hourMs);
      expect(first?.baselineN).toBe(7 * 24 * 60);
    }
    const opened = events.filter((event) => event.step === 'opened');
    expect(opened).toHaveLength(1);
    expect(opened[0]?.series.map(({ name }) => name)).toEqual(['amount']);
    expect(Date.parse(opened[0]?.windowEnd ?? '')).toBeGreaterThan(liveMs + 12 * hourMs);
    expect(Date.parse(opened[0]?.windowEnd ?? '')).toBeLessThanOrEqual(liveMs + 14 * hourMs);
  });

  it('gives the same answers whatever the format of the same rows', async () => {
    const rows = rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + 2 * dayMs });
    const live = liveFile();
    const fromCsv = await backtest(file('same.csv', csv(rows)), live);
    const fromNdjson = await backtest(file('same.ndjson', ndjson(rows, 'id')), live);
    expect(fromCsv.evaluations.length).toBeGreaterThan(0);
    expect(fromNdjson.evaluations).toEqual(fromCsv.evaluations);
    expect(fromNdjson.events).toEqual(fromCsv.events);
  });

  it('does not compare windows with a baseline that they are a part of, but those before and after it', async () => {
    const whole = file('whole.ndjson', ndjson(rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + 4 * dayMs })));
    const middle = file('middle.ndjson', ndjson(rowsOf({ seed: 1, fromMs: zeroMs + dayMs, toMs: zeroMs + 3 * dayMs })));
    const { evaluations } = await backtest(middle, whole);
    const learning = of(evaluations, 'amount').filter((one) => one.verdict === 'learning');
    const isInside = (one: EvaluationRecord) =>
      Date.parse(one.windowEnd) > zeroMs + dayMs && Date.parse(one.windowStart) < zeroMs + 3 * dayMs;
    expect(learning).toEqual(of(evaluations, 'amount').filter(isInside));
    expect(learning.length).toBeGreaterThan(150);
    expect(of(evaluations, 'amount').filter((one) => !isInside(one)).length).toBeGreaterThan(150);
  });

  it('serves each version by its own rows, a new one by those of the version before it', async () => {
    const old = { seed: 1, fromMs: zeroMs, toMs: zeroMs + 2 * dayMs, version: '7' };
    const other = rowsOf({ ...old, seed: 3, version: '8' }).map((row) => ({ ...row, prediction: 'ok' }));
    const rows = [...rowsOf(old), ...other].sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const live = [
      ...rowsOf({ seed: 4, fromMs: liveMs, toMs: liveMs + 6 * hourMs, version: '7' }),
      ...rowsOf({ seed: 5, fromMs: liveMs + 6 * hourMs, toMs: liveMs + 12 * hourMs, version: '9' }),
      ...rowsOf({ seed: 6, fromMs: liveMs + 12 * hourMs, toMs: liveMs + 18 * hourMs, version: '8' }),
    ];
    const { evaluations } = await backtest(file('versions.ndjson', ndjson(rows)), file('three.ndjson', ndjson(live)));
    const verdicts = (version: string) =>
      new Set(
        of(evaluations, 'prediction')
          .filter((one) => one.version === version && one.n > 100)
          .map((one) => one.verdict),
      );
    expect(verdicts('7')).toEqual(new Set(['ok']));
    expect(verdicts('9')).toEqual(new Set(['ok']));
    expect(verdicts('8')).toEqual(new Set(['drift']));
  });

  it('serves a version that it does not hold by its only one, where none came before', async () => {
    const baseline = file('only.ndjson', ndjson(rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + 2 * dayMs, version: '6' })));
    const { evaluations } = await backtest(baseline, liveFile());
    expect(of(evaluations, 'prediction').some((one) => one.verdict === 'ok' && one.version === '7')).toBe(true);
  });

  it('holds for segments too, and a value that is not in it is learned', async () => {
    const rows = rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + 2 * dayMs });
    const live = rowsOf({ seed: 2, fromMs: liveMs, toMs: liveMs + dayMs }).map((row, index) =>
      index % 3 === 0 ? { ...row, segments: { country: 'ES' } } : row,
    );
    const { evaluations } = await backtest(file('segments.ndjson', ndjson(rows)), file('es.ndjson', ndjson(live)), 'segments=country');
    const verdicts = (country: string) =>
      new Set(evaluations.filter((one) => one.segment?.country === country && one.series === 'plan').map((one) => one.verdict));
    expect(verdicts('DE').has('ok')).toBe(true);
    expect(verdicts('DE').has('learning')).toBe(false);
    expect(verdicts('ES')).toEqual(new Set(['learning']));
  });
});

describe('a baseline file whose rows have no times', () => {
  it('waits three days for the variation, then compares with the file and not with those days', async () => {
    // No time, no version, no id: what a training table has.
    const baseline = file('training.csv', csv(rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + 2 * dayMs }), 'id', 'ts', 'version'));
    // One of five ages is missing, in the file as in the live data, at last one of two.
    const lossMs = liveMs + 3.5 * dayMs;
    const rows = rowsOf({ seed: 2, fromMs: liveMs, toMs: liveMs + 4 * dayMs, shiftFromMs: 0 }).map((row, index) =>
      Date.parse(row.ts) >= lossMs && index % 2 === 0 ? { ...row, features: { ...row.features, age: null } } : row,
    );
    const { code, err, events, evaluations } = await backtest(baseline, file('shifted.ndjson', ndjson(rows)));
    expect(code).toBe(0);
    expect(err).toContain('without times: their variation is learned from the first 3 live days');
    const amounts = of(evaluations, 'amount');
    for (const one of amounts) expect(one.verdict === 'learning').toBe(Date.parse(one.windowStart) < liveMs + 3 * dayMs);
    const drifting = of(evaluations, 'age').filter((one) => one.verdict === 'drift');
    expect(drifting.every((one) => one.statistic === 'miss' && Date.parse(one.windowEnd) > lossMs)).toBe(true);
    const opened = events.filter((event) => event.step === 'opened').map(({ kind, series }) => [kind, ...series.map(({ name }) => name)]);
    expect(opened).toEqual([
      ['drift', 'amount'],
      ['quality', 'age'],
    ]);
    const tested = of(evaluations, 'prediction').filter((one) => one.verdict === 'ok');
    expect(tested.length).toBeGreaterThan(50);
    expect(tested.every((one) => one.version === '7' && one.baselineN === 2 * 24 * 60)).toBe(true);
  });
});

describe('a file that is no baseline', () => {
  it.each([
    ['not there', 'missing.csv', null, /^tidemark: baseline\.path: .*missing\.csv: cannot be read: ENOENT/m],
    ['of an unknown format', 'rows.xml', '<row/>', /baseline\.path: .*rows\.xml: the name does not tell its format/],
    ['empty', 'empty.csv', '', /baseline\.path: .*empty\.csv: has no usable row, but 0 usable rows of other models and 0 invalid rows/],
    [
      'without predictions',
      'junk.ndjson',
      '{"ts": "soon"}\n',
      /has no usable row.* 1 invalid rows \(row 1: .*expected the format of predictions/,
    ],
  ])('stops the start where it is %s', async (_, name, content, message) => {
    const path = content === null ? join(folder, name) : file(name, content);
    const { code, err } = await backtest(path, liveFile());
    expect(err).toMatch(message);
    expect(code).toBe(4);
  });

  it('stops the start where it covers no whole day', async () => {
    const rows = rowsOf({ seed: 1, fromMs: zeroMs + 20 * 60_000, toMs: zeroMs + dayMs });
    const { code, err } = await backtest(file('short.ndjson', ndjson(rows)), liveFile());
    expect(err).toMatch(/rows of model fraud go from 2026-03-02T01:00:00.000Z \(first complete hour\) to 2026-03-03T00:00:00.000Z/);
    expect(code).toBe(4);
  });

  it('stops the start where some rows have times and the first ones do not', async () => {
    const [first, ...rest] = rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + dayMs });
    const content = ndjson(first === undefined ? [] : [first], 'ts') + ndjson(rest);
    const { code, err } = await backtest(file('mixed.ndjson', content), liveFile());
    expect(err).toMatch(/row 2 has ts, rows before have none; expected it in all rows or in none/);
    expect(code).toBe(4);
  });

  it('stops the start where its rows are in no order of time', async () => {
    const rows = rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + 4 * dayMs }).reverse();
    const { code, err } = await backtest(file('reversed.ndjson', ndjson(rows)), liveFile());
    expect(err).toMatch(/rows are more than a day earlier than a row before them; .*sort the file/);
    expect(code).toBe(4);
  });
});
