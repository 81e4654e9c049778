import { describe, expect, it } from 'vitest';
import type { DecodedRecord, PredictionRecord } from '../../../src/core/record/record.ts';
import type { CoreSettings } from '../../../src/core/settings.ts';
import {
  type Cell,
  chunkSize,
  earliestWatermarkMs,
  endWatermarkMs,
  type PartialRecord,
  type SourceRole,
} from '../../../src/core/summarize/messages.ts';
import { PartitionSummarizer } from '../../../src/core/summarize/partitionSummarizer.ts';
import type { SummarizerStart } from '../../../src/core/summarize/past.ts';
import { parseResumeState } from '../../../src/core/summarize/resumeState.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const hopMs = 300_000;
const latenessMs = 300_000;
const t0 = 1_700_000_100_000;

function prediction(change: Partial<PredictionRecord> = {}): PredictionRecord {
  return {
    kind: 'prediction',
    id: 'a',
    timeMs: t0,
    model: 'fraud',
    version: '1',
    features: { amount: 1 },
    prediction: 'yes',
    score: 0.5,
    segments: {},
    label: null,
    ...change,
  };
}

const invalid: DecodedRecord = { kind: 'invalid', reason: 'not-json', detail: 'no', model: 'topic:source' };

interface Made {
  readonly role?: SourceRole;
  readonly settings?: CoreSettings;
  readonly start?: SummarizerStart;
}

function make({ role = 'predictions', settings = coreSettings(), start = { kind: 'beginning', offset: 0 } }: Made = {}) {
  const summarizer = new PartitionSummarizer({
    settings,
    source: { role, topic: 'source', partition: 0 },
    partitions: 4,
    configHash: 'hash',
    start,
  });
  return {
    summarizer,
    /** Adds records one after the other, each at its event time or `t0`. */
    add(...records: DecodedRecord[]) {
      for (const record of records) summarizer.add(record, summarizer.position, 'timeMs' in record ? record.timeMs : t0);
      return this;
    },
    /** Everything that came out, after the source has ended where `ends` says so. */
    partials(ends = true): PartialRecord[] {
      if (ends) summarizer.end();
      return summarizer.drain().flatMap(({ partials }) => partials);
    },
  };
}

function of(partials: readonly PartialRecord[], model = 'fraud'): PartialRecord[] {
  return partials.filter((partial) => partial.model === model);
}

function whole(partial: PartialRecord | undefined): Cell | undefined {
  return partial?.cells.find(({ segment }) => segment === null);
}

describe('Panes and watermarks', () => {
  it('a record belongs to the pane of its event time, aligned to the epoch', () => {
    const panes = of(
      make()
        .add(prediction(), prediction({ timeMs: t0 + hopMs - 1 }), prediction({ timeMs: t0 + hopMs }))
        .partials(),
    );
    expect(panes.map(({ paneMs, cells }) => [paneMs, cells[0]?.rows])).toEqual([
      [t0, 2],
      [t0 + hopMs, 1],
    ]);
  });

  it('a pane closes when the largest event time less the lateness has reached its end, with its partials in order, then a watermark record', () => {
    const one = make().add(
      prediction({ model: 'zeta' }),
      prediction({ model: 'alpha' }),
      prediction({ timeMs: t0 + hopMs + latenessMs - 1 }),
    );
    one.summarizer.drain();
    one.add(prediction({ timeMs: t0 + hopMs + latenessMs }));
    const [step, ...more] = one.summarizer.drain();
    expect(more).toEqual([]);
    expect(step?.partials.map(({ paneMs, model, from, to, complete }) => [paneMs, model, from, to, complete])).toEqual([
      [t0, 'alpha', 0, 4, true],
      [t0, 'topic:source', 0, 4, true],
      [t0, 'zeta', 0, 4, true],
    ]);
    expect(step?.watermark).toEqual({
      type: 'watermark',
      source: { role: 'predictions', topic: 'source', partition: 0 },
      position: 4,
      previous: 3,
      watermarkMs: t0 + hopMs,
      partitions: 4,
    });
  });

  it('a record whose pane has been passed before it came is late: counted in the current pane, for its model and its topic, not added', () => {
    const now = t0 + hopMs + latenessMs;
    const partials = make()
      .add(prediction({ timeMs: now }), prediction({ timeMs: t0 + hopMs - 1 }), prediction({ timeMs: t0 + hopMs }))
      .partials();
    const rows = of(partials).map(({ paneMs, cells, counts }) => [paneMs, cells[0]?.rows ?? 0, counts?.records, counts?.late]);
    expect(rows).toEqual([
      [t0 + hopMs, 1, 1, 0],
      [now, 1, 2, 1],
    ]);
    expect(of(partials, 'topic:source').map(({ counts }) => [counts?.records, counts?.late])).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  it('event time too far ahead of the Kafka timestamp is invalid and does not move the watermark', () => {
    const one = make().add(prediction());
    const ahead = one.summarizer.add(prediction({ timeMs: t0 + 3_600_001 }), 1, t0);
    expect(ahead).toMatchObject({ kind: 'invalid', reason: 'ahead-of-log', model: 'fraud' });
    expect(one.summarizer.add(prediction({ timeMs: t0 + 3_600_000 }), 2, t0)).toBeNull();
    expect(one.summarizer.watermarkMs).toBe(t0 + 3_600_000 - latenessMs);
    expect(of(one.partials())[0]?.counts).toEqual({ records: 2, late: 0, skipped: 0, capped: 0, invalid: { 'ahead-of-log': 1 } });
  });

  it('a log without timestamps cannot be run ahead of', () => {
    expect(make().summarizer.add(prediction({ timeMs: t0 }), 0, -1)).toBeNull();
  });

  it('bad records before any event time are counted in no pane, later ones in the pane of the largest event time', () => {
    const partials = of(make().add(invalid, { kind: 'skipped' }, prediction(), invalid).partials(), 'topic:source');
    expect(partials.map(({ paneMs, to, counts }) => [paneMs, to, counts])).toEqual([
      [null, 3, { records: 2, late: 0, skipped: 1, capped: 0, invalid: { 'not-json': 1 } }],
      [t0, 4, { records: 2, late: 0, skipped: 0, capped: 0, invalid: { 'not-json': 1 } }],
    ]);
  });

  it('a source that ends leaves nothing open and waits for nothing', () => {
    const one = make().add(prediction());
    one.summarizer.drain();
    one.summarizer.end();
    const [last] = one.summarizer.drain();
    expect(last?.partials).toHaveLength(2);
    expect(last?.watermark.watermarkMs).toBe(endWatermarkMs);
  });
});

describe('Chunks', () => {
  it('offsets that leave a chunk bring out all its open cells and a watermark record, through a gap too', () => {
    const one = make();
    one.summarizer.add(prediction(), chunkSize - 3, t0);
    one.summarizer.drain();
    one.summarizer.advanceTo(2 * chunkSize + 5);
    const [step, ...more] = one.summarizer.drain();
    expect(more).toEqual([]);
    expect(step?.partials.map(({ chunk, from, to }) => [chunk, from, to])).toEqual([
      [0, 0, chunkSize],
      [0, 0, chunkSize],
    ]);
    expect(step?.watermark).toMatchObject({ position: 2 * chunkSize, watermarkMs: t0 - latenessMs });
    one.summarizer.add(prediction(), 2 * chunkSize + 5, t0);
    expect(of(one.partials()).map(({ chunk, from, to, paneMs }) => [chunk, from, to, paneMs])).toEqual([
      [2, 2 * chunkSize, 2 * chunkSize + 6, t0],
    ]);
  });

  it('a chunk without any event time holds the clock back', () => {
    const one = make().add(invalid);
    one.summarizer.advanceTo(chunkSize);
    expect(one.summarizer.drain()[0]?.watermark.watermarkMs).toBe(earliestWatermarkMs);
  });
});

describe('The resume point', () => {
  it('is the first record that is only in open cells, and moves when its pane closes', () => {
    const one = make().add(prediction());
    expect(one.summarizer.resumePoint().offset).toBe(0);
    one.add(prediction({ timeMs: t0 + hopMs }), prediction(), prediction({ timeMs: t0 + hopMs + latenessMs }));
    // Offset 0 and 2 are in the closed pane; offset 1 is not.
    const { offset, metadata } = one.summarizer.resumePoint();
    expect(offset).toBe(1);
    expect(parseResumeState(metadata)).toMatchObject({ maxTimeMs: t0, closedUntilMs: t0 + hopMs, before: { offset: 0, timestampMs: t0 } });
  });

  it('never lies beyond the newest watermark record, so that readers see no gap after a restart', () => {
    const one = make();
    one.summarizer.advanceTo(10);
    expect(one.summarizer.resumePoint().offset).toBe(0);
    one.add(invalid);
    expect(one.summarizer.resumePoint().offset).toBe(0);
  });

  it('is not moved by an idle flush, which its metadata notes', () => {
    const one = make().add(prediction(), prediction());
    const before = one.summarizer.resumePoint().offset;
    expect(of(one.summarizer.flushIdle()).map(({ to, cells }) => [to, cells[0]?.rows])).toEqual([[2, 2]]);
    const { offset, metadata } = one.summarizer.resumePoint();
    expect(offset).toBe(before);
    expect(parseResumeState(metadata)?.idle).toEqual({ position: 2, maxTimeMs: t0 });
    one.add(prediction());
    expect(of(one.partials()).map(({ to, cells }) => [to, cells[0]?.rows])).toEqual([[3, 3]]);
  });

  it.each([
    '',
    '{}',
    '[1]',
    '[2,null,null,null,"h",1,null,null]',
    '[1,"x",null,null,"h",1,null,null]',
    '[1,null,null,[null,1],"h",1,null,null]',
    '[1,null,null,null,"h",1,null,null,[]]',
    '[1,null,null,null,"h",1,null,null,{"lost":["theft",1,2]}]',
    '[1,null,null,null,"h",1,null,null,{"generation":-1}]',
    '[1,null,null,null,"h",1,null,null,{"newest":[1,2]}]',
  ])('is not read from metadata that is not ours: %s', (metadata) => {
    expect(parseResumeState(metadata)).toBeNull();
  });
});

describe('A start that does not know what was before', () => {
  const middle: SummarizerStart = { kind: 'middle', offset: 100 };

  it('calls its panes incomplete until one that cannot have begun before, and names the first offset that it saw', () => {
    const one = make({ start: middle });
    one.add(
      prediction(),
      prediction({ timeMs: t0 + hopMs }),
      prediction({ timeMs: t0 + 2 * hopMs }),
      prediction({ timeMs: t0 + 3 * hopMs }),
    );
    expect(of(one.partials()).map(({ paneMs, from, complete }) => [((paneMs ?? 0) - t0) / hopMs, from, complete])).toEqual([
      [0, 100, false],
      // Within the lateness, a pane may have had records before the start.
      [1, 100, false],
      [2, 0, true],
      [3, 0, true],
    ]);
  });

  it('says so in its watermark records, until all panes are whole', () => {
    const one = make({ start: middle });
    one.add(
      prediction(),
      prediction({ timeMs: t0 + hopMs }),
      prediction({ timeMs: t0 + 2 * hopMs }),
      prediction({ timeMs: t0 + 4 * hopMs }),
      prediction({ timeMs: t0 + 5 * hopMs }),
    );
    const told = one.summarizer.drain().map(({ watermark }) => watermark.unknownUntilMs);
    expect(told[0]).toBe(t0 + hopMs + latenessMs);
    expect(told.at(-1)).toBeUndefined();
  });

  it('takes a late record for none where something tells how far event time had come', () => {
    const start: SummarizerStart = { ...middle, mostMs: t0 + hopMs + 1 };
    const one = make({ start });
    // Late for whoever has read what was before, and the first record for this reader.
    one.add(prediction({ timeMs: t0 - 4 * hopMs }), prediction({ timeMs: t0 + hopMs + 1 }), prediction({ timeMs: t0 + 2 * hopMs }));
    one.add(prediction({ timeMs: t0 + 4 * hopMs }));
    expect(of(one.partials()).map(({ paneMs, complete }) => [((paneMs ?? 0) - t0) / hopMs, complete])).toEqual([
      [-4, false],
      [1, false],
      [2, true],
      [4, true],
    ]);
  });

  it('remembers that across a restart', () => {
    const one = make({ start: middle }).add(prediction(), prediction());
    const { offset, metadata } = one.summarizer.resumePoint();
    const state = parseResumeState(metadata);
    if (state === null) throw new Error('its own metadata must be readable');
    const again = make({ start: { kind: 'resume', offset, state } }).add(prediction(), prediction());
    expect(again.partials()).toEqual(one.partials());
  });

  it('after a loss keeps what was closed closed, and begins incomplete panes behind it', () => {
    const one = make().add(prediction(), prediction({ timeMs: t0 + hopMs + latenessMs }));
    const state = parseResumeState(one.summarizer.resumePoint().metadata);
    if (state === null) throw new Error('its own metadata must be readable');
    const next = make({ start: { kind: 'gap', offset: 50, state } });
    next.add(prediction(), prediction({ timeMs: t0 + 2 * hopMs }));
    expect(of(next.partials()).map(({ paneMs, from, complete, cells }) => [paneMs, from, complete, cells[0]?.rows])).toEqual([
      [t0 + 2 * hopMs, 50, false, 1],
    ]);
  });

  it('while running writes what it has, begins again behind the loss, and lets readers see the gap', () => {
    const one = make().add(prediction());
    one.summarizer.drain();
    one.summarizer.skipLost(70);
    const [before] = one.summarizer.drain();
    expect(of(before?.partials ?? []).map(({ to, complete }) => [to, complete])).toEqual([[1, true]]);
    expect(before?.watermark.position).toBe(1);
    one.add(prediction({ timeMs: t0 + 3 * hopMs }));
    expect(one.summarizer.drain()[0]?.watermark).toMatchObject({ previous: 70, position: 71 });
    expect(of(one.partials()).map(({ from, complete }) => [from, complete])).toEqual([[70, false]]);
  });
});

describe('Feedback', () => {
  const feedback = (id: string, label: string, timeMs = t0): DecodedRecord => ({ kind: 'feedback', id, timeMs, model: '*', label });

  it('is filed by arrival, the running maximum of the Kafka timestamp, and is never late', () => {
    const { summarizer, partials } = make({ role: 'feedback' });
    const arrivals = [t0, t0 + 2 * hopMs, t0 - 5 * hopMs, t0 + hopMs];
    for (const [offset, arrivalMs] of arrivals.entries())
      summarizer.add(feedback(`id${offset}`, 'yes', t0 - 10 * hopMs), offset, arrivalMs);
    expect(summarizer.watermarkMs).toBe(t0 + 2 * hopMs);
    const cells = of(partials(), '*').map(({ paneMs, cells: [cell] }) => [
      ((paneMs ?? 0) - t0) / hopMs,
      cell?.rows,
      new Set(cell?.feedback?.entries.map(({ arrivalMs }) => (arrivalMs - t0) / hopMs)),
    ]);
    expect(cells).toEqual([
      [0, 1, new Set([0])],
      [2, 3, new Set([2])],
    ]);
  });

  it('keeps of several labels of one id the last, with its position, and the labels as a series', () => {
    const [partial] = of(
      make({ role: 'feedback' })
        .add(feedback('a', 'no', t0), feedback('a', 'yes', t0 + 5), feedback('a', 'no', t0 + 1))
        .partials(),
      '*',
    );
    expect(partial?.cells[0]?.feedback).toMatchObject({
      entries: [{ label: 'yes', timeMs: t0 + 5, offset: 1, partition: 0 }],
      duplicates: 2,
    });
    expect(partial?.cells[0]?.series.get('label')?.categories?.count).toBe(3);
  });

  it('is sampled by four times as many ids as predictions, a function of the settings only', () => {
    const settings = coreSettings({ limits: { bytesPerModel: 2 * 48 * 4032 * 3 } });
    const ids = Array.from({ length: 50 }, (_, i) => `id-${i}`);
    const labels = of(
      make({ role: 'feedback', settings })
        .add(...ids.map((id) => feedback(id, 'yes')))
        .partials(),
      '*',
    );
    const predictions = of(
      make({ settings })
        .add(...ids.map((id) => prediction({ id })))
        .partials(),
    );
    expect(whole(labels[0])?.feedback?.entries).toHaveLength(12);
    expect(whole(predictions[0])?.predictions?.entries).toHaveLength(3);
    const labelled = new Set(whole(labels[0])?.feedback?.entries.map(({ hash }) => hash.high));
    for (const { hash } of whole(predictions[0])?.predictions?.entries ?? []) expect(labelled).toContain(hash.high);
  });
});

describe('Cells', () => {
  it('there is one for the whole and one per watched segment value, for each version', () => {
    const settings = coreSettings({ defaults: modelSettings({ segments: ['plan', 'country'] }) });
    const records = [
      prediction({ segments: { country: 'ES', plan: 'free', other: 'x' } }),
      prediction({ segments: { country: 'FR' }, version: '2', id: 'b' }),
      prediction({ segments: { country: 'ES' }, id: 'c' }),
    ];
    const [partial] = of(
      make({ settings })
        .add(...records)
        .partials(),
    );
    expect(
      partial?.cells.map(({ version, segment, rows, predictions }) => [version, segment?.join('=') ?? null, rows, predictions !== null]),
    ).toEqual([
      ['1', null, 2, true],
      ['1', 'country=ES', 2, false],
      ['1', 'plan=free', 1, false],
      ['2', null, 1, true],
      ['2', 'country=FR', 1, false],
    ]);
    expect(whole(partial)?.predictions?.entries.map(({ segments }) => segments.join())).toEqual(expect.arrayContaining(['free,ES', ',ES']));
  });

  it('values are numeric, categorical, non-finite, missing or unsupported by what they are in JSON', () => {
    const values = [1.5, 0, 'text', true, false, 'NaN', 'Infinity', '-Infinity', Number.POSITIVE_INFINITY, null, undefined, [1], { a: 1 }];
    const cell = whole(
      of(
        make()
          .add(...values.map((x, i) => prediction({ id: `${i}`, features: { x } })))
          .partials(),
      )[0],
    );
    const x = cell?.series.get('x');
    expect(x?.numeric?.count).toBe(2);
    expect(x?.categories?.entries.map(({ value }) => value)).toEqual(['false', 'text', 'true']);
    expect([x?.nonFinite, x?.unsupported]).toEqual([4, 2]);
    expect((cell?.rows ?? 0) - 2 - 3 - 4 - 2).toBe(2);
  });

  it('predictions are categories where they are classes, numbers where they are values; a score by class counts by its largest', () => {
    const series = (records: readonly PredictionRecord[], task: 'binary' | null = null) => {
      const settings = coreSettings({ models: new Map([['fraud', modelSettings({ task })]]) });
      return whole(
        of(
          make({ settings })
            .add(...records)
            .partials(),
        )[0],
      )?.series;
    };
    expect(series([prediction({ prediction: 1, score: { a: 0.2, b: 0.7, c: 0.1 } })])?.get('prediction')?.numeric?.count).toBe(1);
    expect(series([prediction({ prediction: 1 })], 'binary')?.get('prediction')?.categories?.entries[0]?.value).toBe('1');
    expect(series([prediction({ prediction: true })])?.get('prediction')?.categories?.entries[0]?.value).toBe('true');
    expect(series([prediction({ score: { a: 0.2, b: 0.7, c: 0.1 } })])?.get('score')?.numeric?.max).toBe(0.7);
    expect(series([prediction({ prediction: null, score: null })])?.get('prediction')).toEqual({
      numeric: null,
      categories: null,
      nonFinite: 0,
      unsupported: 0,
    });
  });

  it('a feature with a reserved name is feature.NAME, ignored features are not there, no two features share a name', () => {
    const settings = coreSettings({ defaults: modelSettings({ ignore: ['trace'] }) });
    const features = { score: 1, 'feature.score': 2, trace: 3, amount: 4, invalid: 5 };
    const series = whole(of(make({ settings }).add(prediction({ features })).partials())[0])?.series;
    expect([...(series?.keys() ?? [])]).toEqual([
      'amount',
      'feature.feature.score',
      'feature.invalid',
      'feature.score',
      'prediction',
      'score',
    ]);
  });

  it('the order of keys and keys that come and go do not matter', () => {
    const records = [{ a: 1, b: 2 }, { b: 3, a: 4 }, { c: 5 }, { a: 6, c: 7, b: 8 }].map((features, i) =>
      prediction({ id: `${i}`, features }),
    );
    const series = whole(
      of(
        make()
          .add(...records)
          .partials(),
      )[0],
    )?.series;
    const sums = ['a', 'b', 'c'].map((name) => {
      const numeric = series?.get(name)?.numeric;
      return Math.round((numeric?.mean ?? 0) * (numeric?.count ?? 0));
    });
    expect(sums).toEqual([11, 13, 12]);
  });
});

describe('Caps', () => {
  const names = Array.from({ length: 30 }, (_, i) => `f${i}`);

  it('keep the same series whatever the order, declared ones first, and count every value that found no place', () => {
    const settings = coreSettings({ limits: { seriesPerModel: 5 }, defaults: modelSettings({ important: ['f7'], sensitive: ['f8'] }) });
    const kept = [names, [...names].reverse()].map((order) => {
      const records = order.map((name, i) => prediction({ id: `${i}`, features: { [name]: 1 } }));
      const cell = whole(
        of(
          make({ settings })
            .add(...records, ...records)
            .partials(),
        )[0],
      );
      expect(cell?.capped).toBe(2 * 25);
      return [...(cell?.series.keys() ?? [])]
        .filter((name) => name.startsWith('f'))
        .map((name) => [name, cell?.series.get(name)?.numeric?.count]);
    });
    expect(kept[0]).toEqual(kept[1]);
    expect(kept[0]).toHaveLength(5);
    expect(kept[0]).toEqual(
      expect.arrayContaining([
        ['f7', 2],
        ['f8', 2],
      ]),
    );
  });

  it('keep the same segment values and versions whatever the order, and count what they leave out', () => {
    const settings = coreSettings({ limits: { valuesPerSegment: 4, versionsPerModel: 3 }, defaults: modelSettings({ segments: ['s'] }) });
    const found = [names, [...names].reverse()].map((order) => {
      const [bySegment] = of(
        make({ settings })
          .add(...order.map((s, i) => prediction({ id: `${i}`, segments: { s } })))
          .partials(),
      );
      expect(bySegment?.cells).toHaveLength(5);
      expect(whole(bySegment)?.capped).toBe(26);
      const partials = make({ settings })
        .add(...order.map((version, i) => prediction({ id: `${i}`, version })))
        .partials();
      const [byVersion] = of(partials);
      expect(byVersion?.counts).toMatchObject({ records: 30, capped: 27 });
      expect(of(partials, 'topic:source')[0]?.counts).toMatchObject({ records: 30, capped: 27 });
      return [bySegment?.cells.map(({ segment }) => segment), byVersion?.cells.map(({ version }) => version)];
    });
    expect(found[0]).toEqual(found[1]);
  });

  it('bound the models of a topic too, where names are ids', () => {
    const models = Array.from({ length: 1_200 }, (_, i) => `model-${i}`);
    const partials = make()
      .add(...models.map((model) => prediction({ model })))
      .partials();
    expect(partials).toHaveLength(1_001);
    expect(of(partials, 'topic:source')[0]?.counts).toMatchObject({ records: 1_200, capped: 200 });
  });
});
