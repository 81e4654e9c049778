import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/core/errors.ts';
import type { TopicSource } from '../../../src/core/settings.ts';
import type { SourceRole } from '../../../src/core/summarize/messages.ts';
import { type FileRecord, readFile } from '../../../src/files/readFile.ts';

const source: TopicSource = { topic: 'predictions', format: 'json', model: null, feedback: null };
const startMs = Date.UTC(2026, 0, 1);
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-files-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, role: SourceRole = 'predictions', of: TopicSource = source): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  for await (const record of readFile(path, { role, source: of })) records.push(record);
  return records;
}

const first = {
  id: 'a',
  ts: '2026-01-01T00:00:00.000Z',
  model: 'fraud',
  version: '7',
  features: { amount: 12.5, plan: 'pro' },
  prediction: 1,
  score: 0.75,
  segments: { country: 'DE' },
};

const decodedFirst = {
  kind: 'prediction',
  id: 'a',
  timeMs: startMs,
  model: 'fraud',
  version: '7',
  features: { amount: 12.5, plan: 'pro' },
  prediction: 1,
  score: 0.75,
  segments: { country: 'DE' },
  label: null,
};

describe('NDJSON files', () => {
  it('give the record of each line, at the row of its line, with its own time as the Kafka timestamp', async () => {
    const path = file('plain.ndjson', `${JSON.stringify(first)}\n\n  \r\n${JSON.stringify({ ...first, id: 'b', ts: startMs + 1 })}\r\n`);
    const records = await read(path);
    expect(records.map(({ row, timestampMs }) => [row, timestampMs])).toEqual([
      [0, startMs],
      [3, startMs + 1],
    ]);
    expect(records[0]?.decoded).toEqual(decodedFirst);
  });

  it('may lack the last line end, be packed with gzip, and be larger than one chunk of the stream', async () => {
    const count = 20_000;
    const lines = Array.from({ length: count }, (_, index) => JSON.stringify({ ...first, id: `id-${index}`, ts: startMs + index }));
    for (const path of [file('many.jsonl', lines.join('\n')), file('many.json.gz', gzipSync(lines.join('\n')))]) {
      const records = await read(path);
      expect(records).toHaveLength(count);
      expect(records.every(({ row, timestampMs }) => timestampMs === startMs + row)).toBe(true);
    }
  });

  it('hold unusable lines as invalid records with a reason, timed as the record before', async () => {
    const lines = [JSON.stringify(first), '{"id": ', '[1]', '{"id": "x"}', JSON.stringify({ ...first, ts: startMs + 5 })];
    const records = await read(file('bad.ndjson', lines.join('\n')));
    expect(records.map(({ decoded, timestampMs }) => [decoded.kind === 'invalid' ? decoded.reason : decoded.kind, timestampMs])).toEqual([
      ['prediction', startMs],
      ['not-json', startMs],
      ['not-object', startMs],
      ['no-time', startMs],
      ['prediction', startMs + 5],
    ]);
  });

  it('with invalid UTF-8 give an invalid record, not a mended one', async () => {
    const broken = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff]), Buffer.from(`","ts":${startMs}}\n`)]);
    const [record] = await read(file('utf8.ndjson', broken));
    expect(record?.decoded).toMatchObject({ kind: 'invalid', reason: 'not-json' });
  });

  it('of feedback give labels; without a model they serve every model of the topic', async () => {
    const path = file('labels.ndjson', JSON.stringify({ id: 'a', ts: startMs, label: true }));
    expect((await read(path, 'feedback')).map(({ decoded }) => decoded)).toEqual([
      { kind: 'feedback', id: 'a', timeMs: startMs, model: '*', label: true },
    ]);
  });
});

describe('CSV files', () => {
  it('give the same record as the same facts in JSON: dotted headers are paths', async () => {
    const header = 'id,ts,model,version,features.amount,features.plan,prediction,score,segments.country,comment';
    const path = file('dotted.csv', `${header}\na,2026-01-01T00:00:00Z,fraud,7,12.5,pro,1,0.75,DE,ignored\n`);
    expect(await read(path)).toEqual([{ row: 0, decoded: decodedFirst, timestampMs: startMs }]);
  });

  it('take every column that is no field as a feature where no header begins with features.', async () => {
    const path = file('flat.csv.gz', gzipSync(`\ufeffid,ts,amount,a.b,__proto__,score.yes\n007,${startMs},1e3,x,2,0.5\n`));
    const [record] = await read(path);
    expect(record?.decoded).toMatchObject({ id: '007', timeMs: startMs, model: 'topic:predictions', score: { yes: 0.5 } });
    const features = record?.decoded.kind === 'prediction' ? Object.entries(record.decoded.features) : [];
    expect(features).toEqual([
      ['amount', 1000],
      ['a.b', 'x'],
      ['__proto__', 2],
    ]);
  });

  it('read finite numbers as numbers, other text as text, empty cells as missing', async () => {
    const path = file(
      'values.csv',
      `id,ts,v\n1,${startMs},-1.5\n2,${startMs},0x10\n3,${startMs},\n4,${startMs},NaN\n5,${startMs},true\n6,${startMs},1e999\n`,
    );
    const values = (await read(path)).map(({ decoded }) => (decoded.kind === 'prediction' ? decoded.features.v : decoded.kind));
    expect(values).toEqual([-1.5, '0x10', undefined, 'NaN', 'true', '1e999']);
  });

  it('may quote line ends and commas, and hold rows of a wrong length as invalid', async () => {
    const path = file('quoted.csv', `id,ts,v\n1,${startMs},"a, ""b""\nc"\n\n2,${startMs}\n3,${startMs},z\n`);
    const records = await read(path);
    expect(records.map(({ row }) => row)).toEqual([0, 1, 2]);
    expect(records.map(({ decoded }) => decoded)).toMatchObject([
      { features: { v: 'a, "b"\nc' } },
      { kind: 'invalid', reason: 'not-object', detail: 'the row has 2 cells, its header 3', model: 'topic:predictions' },
      { id: '3' },
    ]);
  });

  it('of feedback have labels that equal the predictions they are compared with', async () => {
    const path = file('labels.csv', `id,ts,label\n007,${startMs},1\n`);
    expect((await read(path, 'feedback', { ...source, topic: 'feedback', model: 'fraud' })).map(({ decoded }) => decoded)).toEqual([
      { kind: 'feedback', id: '007', timeMs: startMs, model: 'fraud', label: 1 },
    ]);
  });
});

describe('Parquet files', () => {
  // Three rows in row groups of two, written with hyparquet-writer 0.17.
  const path = fileURLToPath(new URL('./fixtures/predictions.parquet', import.meta.url));

  it('give rows of all row groups, with 64-bit integers, times and non-finite values as JSON would have them', async () => {
    const records = await read(path);
    expect(records.map(({ row, timestampMs }) => [row, timestampMs])).toEqual([
      [0, startMs],
      [1, startMs + 60_000],
      [2, startMs + 60_000],
    ]);
    expect(records.map(({ decoded }) => decoded)).toMatchObject([
      {
        id: 'a',
        timeMs: startMs,
        prediction: 'yes',
        score: 0.75,
        features: { count: 1, amount: 1.5, opened: startMs },
        segments: { country: 'DE' },
      },
      { id: 'b', features: { count: 2 ** 53, amount: 'NaN' } },
      { kind: 'invalid', reason: 'bad-score' },
    ]);
  });
});

describe('standard input', () => {
  it('is read as NDJSON under the name -', () => {
    const script = `
      const { readFile } = await import(${JSON.stringify(new URL('../../../src/files/readFile.ts', import.meta.url).href)});
      for await (const { row, timestampMs } of readFile('-', { role: 'predictions', source: ${JSON.stringify(source)} })) console.log(row, timestampMs);
    `;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      input: `${JSON.stringify(first)}\n\n${JSON.stringify(first)}`,
    });
    expect(String(stdout)).toBe(`0 ${startMs}\n2 ${startMs}\n`);
  });
});

describe('files that cannot be read', () => {
  it.each([
    ['missing.ndjson', null, 'cannot be read at line 1: ENOENT'],
    ['missing.csv', null, 'cannot be read as CSV: ENOENT'],
    ['missing.parquet', null, 'cannot be read as Parquet: '],
    ['text.gz', 'x', 'the name does not tell its format'],
    ['not.ndjson.gz', 'plain text', 'cannot be read at line 1: incorrect header check'],
    ['not.parquet', 'plain text, long enough to have a footer', 'cannot be read as Parquet: '],
    ['open.csv', `id,ts\n1,${startMs}\n2,"never closed\n`, 'cannot be read as CSV after row 1: Quote Not Closed'],
  ])('%s: an error that names the file and what is wrong', async (name, content, message) => {
    const path = content === null ? join(folder, name) : file(name, content);
    const failure = await read(path).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(InputError);
    expect(String(failure)).toContain(`${path}: ${message}`);
  });

  it('cut off in the middle of gzip: an error, after the lines before it', async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) =>
      JSON.stringify({ ...first, id: `id-${index}`, ts: startMs + ((index * 7919) % 5_000) }),
    );
    const packed = gzipSync(lines.join('\n'));
    await expect(read(file('cut.ndjson.gz', packed.subarray(0, packed.length / 2)))).rejects.toThrow(
      /cannot be read at line \d+: unexpected end of file/,
    );
  });
});
