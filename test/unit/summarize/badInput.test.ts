import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../src/core/summarize/codec.ts';
import type { PartialRecord } from '../../../src/core/summarize/messages.ts';
import { PartitionSummarizer } from '../../../src/core/summarize/partitionSummarizer.ts';
import { jsonDecoder } from '../../../src/formats/json.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const t0 = 1_700_000_100_000;
const watched = coreSettings({ defaults: modelSettings({ segments: ['country'] }) });

/** What messages become, through the decoder of the `json` preset: the partials of the one pane, by model. */
function summarized(messages: Iterable<string | Buffer>, settings = watched): Map<string, PartialRecord> {
  const decode = jsonDecoder({ topic: 'source', format: 'json', model: null, feedback: null }, 'predictions');
  const summarizer = new PartitionSummarizer({
    settings,
    source: { role: 'predictions', topic: 'source', partition: 0 },
    partitions: 1,
    configHash: 'hash',
    start: { kind: 'beginning', offset: 0 },
  });
  const partials: PartialRecord[] = [];
  for (const message of messages) {
    const value = Buffer.from(message);
    summarizer.add(decode(value, t0), summarizer.position, t0, value);
  }
  summarizer.end();
  for (const output of summarizer.drain()) partials.push(...output.partials);
  return new Map(partials.map((partial) => [partial.model, partial]));
}

function message(features: string, id = 'a'): string {
  return `{"id":"${id}","ts":${t0},"model":"fraud","version":"1","features":${features},"prediction":1,"score":0.5,"segments":{"country":"ES"}}`;
}

function series(partials: Map<string, PartialRecord>, name: string) {
  return partials
    .get('fraud')
    ?.cells.find(({ segment }) => segment === null)
    ?.series.get(name);
}

describe('Bad input', () => {
  it('a feature called __proto__ or constructor is a feature like any other', () => {
    const partials = summarized([message('{"__proto__": 5, "constructor": 6, "toString": "x"}')]);
    expect(series(partials, '__proto__')?.numeric?.max).toBe(5);
    expect(series(partials, 'constructor')?.numeric?.max).toBe(6);
    expect(series(partials, 'toString')?.categories?.count).toBe(1);
  });

  it('ten thousand features a message stay within the cap, and what the cap leaves out is counted', () => {
    const features = (shift: number) => `{${Array.from({ length: 10_000 }, (_, i) => `"f${i + shift}":${i}`).join(',')}}`;
    const partials = summarized(Array.from({ length: 20 }, (_, i) => message(features(i % 2), `${i}`)));
    const cell = partials.get('fraud')?.cells.find(({ segment }) => segment === null);
    expect(cell?.series.size).toBe(1_000 + 2);
    const kept = [...(cell?.series ?? [])].reduce(
      (sum, [name, { numeric }]) => sum + (name.startsWith('f') ? (numeric?.count ?? 0) : 0),
      0,
    );
    expect(kept + (cell?.capped ?? 0)).toBe(20 * 10_000);
  });

  it('features whose names never repeat stay within the cap', () => {
    const partials = summarized(Array.from({ length: 20_000 }, (_, i) => message(`{"f${i}":${i}}`, `${i}`)));
    const cell = partials.get('fraud')?.cells.find(({ segment }) => segment === null);
    expect(cell?.series.size).toBe(1_000 + 2);
    expect(cell?.capped).toBe(19_000);
  });

  it('a million distinct categories give a partial of bounded size that says it is not the whole truth', () => {
    function* messages() {
      for (let i = 0; i < 1_000_000; i += 1) yield message(`{"user":"user-${i}"}`, `${i}`);
    }
    const partials = summarized(messages(), coreSettings({ limits: { categoriesPerSeries: 200 } }));
    for (const partial of partials.values()) expect(encodeMessage(partial).length).toBeLessThan(200_000);
    const user = series(partials, 'user')?.categories;
    expect(user?.truncated).toBe(true);
    expect(user?.entries).toHaveLength(200);
  });

  it('each kind of unusable record is counted once, by reason, and everything else goes on', () => {
    const deep = `${'['.repeat(200)}${']'.repeat(200)}`;
    const bad: [reason: string, value: string | Buffer][] = [
      ['not-json', 'no json'],
      ['not-json', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
      ['not-json', ''],
      ['not-object', '[]'],
      ['no-id', `{"ts":${t0},"model":"fraud"}`],
      ['no-time', '{"id":"a","model":"fraud"}'],
      ['bad-time', '{"id":"a","ts":"soon","model":"fraud"}'],
      ['ahead-of-log', `{"id":"a","ts":${t0 + 7 * 3_600_000},"model":"fraud"}`],
      ['bad-features', message('[1]')],
      ['bad-features', message(`{"${'n'.repeat(100_000)}":1}`)],
      ['too-deep', message(`{"x":${deep}}`)],
      ['too-large', `{"id":"${'a'.repeat(5_000_000)}"}`],
    ];
    const partials = summarized([message('{"amount":1}'), ...bad.map(([, value]) => value), message('{"amount":2}', 'b')]);
    const expected: Record<string, number> = {};
    for (const [reason] of bad) expected[reason] = (expected[reason] ?? 0) + 1;
    expect(partials.get('topic:source')?.counts).toMatchObject({ records: bad.length + 2, invalid: expected });
    expect(series(partials, 'amount')?.numeric?.count).toBe(2);
  });

  it('NaN and Infinity as texts, and numbers that overflow, never enter a digest', () => {
    const values = ['"NaN"', '"Infinity"', '"-Infinity"', '1e999', '-1e999', '3'];
    const x = series(summarized(values.map((value, i) => message(`{"x":${value}}`, `${i}`))), 'x');
    expect(x?.nonFinite).toBe(5);
    expect(x?.numeric).toMatchObject({ count: 1, min: 3, max: 3 });
  });

  it('texts that UTF-8 cannot carry are one name, and come back as they were written', () => {
    const partials = summarized([message('{"\\ud800":1,"\\ud801":2}'), message('{"x":"\\udc00"}', 'b')]);
    expect(series(partials, '\ufffd')?.numeric?.count).toBe(2);
  });
});
