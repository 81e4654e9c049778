import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/core/errors.ts';
import { incidentKinds } from '../../../src/core/incident/event.ts';
import type { InvalidReason } from '../../../src/core/record/record.ts';
import { FeedbackSampler, PredictionSampler } from '../../../src/core/sketch/sample.ts';
import { SeriesBuilder } from '../../../src/core/sketch/seriesBuilder.ts';
import { decodeMessage, encodeMessage, partialKey } from '../../../src/core/summarize/codec.ts';
import {
  type Cell,
  type CommandRecord,
  type IdleRecord,
  type Loss,
  lossCauses,
  type PartialRecord,
  type PartialsMessage,
  type SourcePartition,
  type WatermarkRecord,
} from '../../../src/core/summarize/messages.ts';
import { PartAssembler, splitPartial } from '../../../src/core/summarize/parts.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const count = fc.oneof(fc.nat(300), fc.nat(Number.MAX_SAFE_INTEGER));
const time = fc.integer({ min: -8.64e15, max: 8.64e15 });
const source: fc.Arbitrary<SourcePartition> = fc
  .record({
    role: fc.constantFrom('predictions' as const, 'feedback' as const),
    topic: text,
    partition: fc.nat(1000),
    generation: fc.nat(2),
  })
  .map(({ generation, ...first }) => (generation === 0 ? first : { ...first, generation }));
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

const summary = fc
  .record({ numbers: fc.array(finite, { maxLength: 50 }), texts: fc.array(text, { maxLength: 9 }), others: fc.nat(3) })
  .map((values) => {
    const builder = new SeriesBuilder({ engine: 'merging', delta: 20 }, 5);
    for (const value of values.numbers) builder.pushNumber(value);
    for (const value of values.texts) builder.pushCategory(value);
    for (let i = 0; i < values.others; i += 1) builder.countNonFinite();
    for (let i = 0; i < values.others; i += 1) builder.countUnsupported();
    return builder.summary();
  });

const hash = fc.record({ high: fc.nat(0xffffffff), low: fc.nat(0xffffffff) });
const predictions = fc
  .array(
    fc.record({
      hash,
      timeMs: time,
      prediction: fc.oneof(text, finite, fc.constant(null)),
      score: fc.option(finite, { nil: null }),
      segments: fc.constant([null, 'at']),
      label: fc.option(text, { nil: null }),
    }),
    { maxLength: 12 },
  )
  .map((entries) => {
    const sampler = new PredictionSampler(8);
    for (const entry of entries) sampler.offer(entry);
    return sampler.sample();
  });
const feedback = fc
  .array(fc.record({ hash, timeMs: time, arrivalMs: time, label: fc.oneof(text, finite), partition: fc.nat(9), offset: fc.nat(1e9) }), {
    maxLength: 12,
  })
  .map((entries) => {
    const sampler = new FeedbackSampler(8);
    for (const entry of entries) sampler.offer(entry);
    return sampler.sample();
  });

const cell: fc.Arbitrary<Cell> = fc.record({
  version: text,
  segment: fc.option(fc.tuple(text, text), { nil: null }),
  rows: count,
  series: fc.dictionary(text, summary, { maxKeys: 4 }).map((series) => new Map(Object.entries(series))),
  capped: count,
  predictions: fc.option(predictions, { nil: null }),
  feedback: fc.option(feedback, { nil: null }),
});

const reasons: InvalidReason[] = ['not-json', 'ahead-of-log', 'bad-label'];
const counts = fc.record({
  records: count,
  late: count,
  skipped: count,
  capped: count,
  invalid: fc
    .uniqueArray(fc.constantFrom(...reasons))
    .chain((used) => fc.constant(Object.fromEntries(used.map((reason, i) => [reason, i + 1])))),
});

const partial: fc.Arbitrary<PartialRecord> = fc.record({
  type: fc.constant('partial' as const),
  source,
  chunk: count,
  paneMs: fc.option(time, { nil: null }),
  model: text,
  from: count,
  to: count,
  first: count,
  complete: fc.boolean(),
  configHash: text,
  cells: fc.array(cell, { maxLength: 3 }),
  counts: fc.option(counts, { nil: null }),
});

const command: fc.Arbitrary<CommandRecord> = fc
  .record({
    type: fc.constant('command' as const),
    id: text,
    action: fc.constantFrom('accept' as const, 'mute' as const, 'unmute' as const),
    model: text,
    kind: fc.option(fc.constantFrom(...incidentKinds), { nil: null }),
    segment: fc.option(fc.tuple(text, text), { nil: null }),
    series: fc.array(text, { maxLength: 3 }),
    by: text,
    reason: text,
    untilMs: time,
    atMs: time,
  })
  .map((one) => (one.action === 'mute' ? one : { ...one, untilMs: null }));

const loss: fc.Arbitrary<Loss> = fc.record({ cause: fc.constantFrom(...lossCauses), from: count, to: count });

/** With a loss or without. */
function withLoss<Record extends WatermarkRecord | IdleRecord>(record: fc.Arbitrary<Record>): fc.Arbitrary<Record> {
  return fc.tuple(record, fc.option(loss)).map(([one, lost]) => (lost === null ? one : { ...one, lost }));
}

const message: fc.Arbitrary<PartialsMessage> = fc.oneof(
  partial,
  command,
  withLoss(
    fc
      .record({
        type: fc.constant('watermark' as const),
        source,
        position: count,
        previous: count,
        watermarkMs: time,
        partitions: fc.nat(99),
        unknownUntilMs: fc.option(time),
      })
      .map(({ unknownUntilMs, ...record }) => (unknownUntilMs === null ? record : { ...record, unknownUntilMs })),
  ),
  withLoss(
    fc.record({
      type: fc.constant('idle' as const),
      source,
      position: count,
      idleForMs: fc.nat(1e9),
      watermarkMs: fc.option(time, { nil: null }),
      partitions: fc.nat(99),
    }),
  ),
);

describe('A message of the partials topic', () => {
  it('comes back the same, and as the same bytes', () => {
    fc.assert(
      fc.property(message, (original) => {
        const bytes = encodeMessage(original);
        const read = decodeMessage(bytes);
        expect(read).toEqual(original);
        if (read.type === 'part') throw new Error('never written');
        expect(Buffer.compare(encodeMessage(read), bytes)).toBe(0);
      }),
    );
  });

  it('is refused with an InputError where bytes are missing, changed beyond reading, or too many', () => {
    fc.assert(
      fc.property(message, fc.double({ min: 0, max: 0.999, noNaN: true }), (original, share) => {
        const bytes = encodeMessage(original);
        expect(() => decodeMessage(bytes.subarray(0, Math.floor(bytes.length * share)))).toThrow(InputError);
        expect(() => decodeMessage(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(InputError);
        expect(() => decodeMessage(Buffer.concat([Buffer.from([9]), bytes.subarray(1)]))).toThrow(InputError);
      }),
    );
  });

  it('never fails in another way, whatever the bytes are', () => {
    fc.assert(
      fc.property(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }), (original, changes) => {
        const bytes = encodeMessage(original);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          decodeMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('A partial over the size limit', () => {
  const limit = 2_048;
  const large = fc
    .tuple(partial, fc.array(cell, { minLength: 5, maxLength: 12 }))
    .map(([one, cells]): PartialRecord => ({ ...one, cells }));

  it('is cut into parts within the limit, and comes back from them in any order, doubled or not', () => {
    fc.assert(
      fc.property(large, fc.infiniteStream(fc.nat()), (original, order) => {
        const records = splitPartial(original, limit);
        expect(Math.max(...records.map((record) => record.length))).toBeLessThanOrEqual(limit);
        if (records.length === 1) return;
        const mixed = [...records, ...records.slice(0, 1)]
          .map((record) => ({ record, at: order.next().value ?? 0 }))
          .sort((left, right) => left.at - right.at);
        const assembler = new PartAssembler();
        const found: PartialRecord[] = [];
        for (const { record } of mixed) {
          const part = decodeMessage(record);
          if (part.type !== 'part') throw new Error('a part was expected');
          expect(partialKey(part)).toBe(partialKey(original));
          const whole = assembler.add(part);
          if (whole !== null) found.push(whole);
        }
        expect(found).toEqual([original]);
      }),
    );
  });

  it('is not there while a part is missing, and a longer writing of it does not mix with it', () => {
    const cells = fc.sample(cell, { numRuns: 40, seed: 7 });
    const [head] = fc.sample(partial, { numRuns: 1, seed: 7 });
    if (head === undefined) throw new Error('no sample');
    const shorter: PartialRecord = { ...head, to: 100, cells };
    const longer: PartialRecord = { ...head, to: 200, cells: cells.slice(1) };
    const [first, ...rest] = splitPartial(shorter, limit);
    const assembler = new PartAssembler();
    const add = (record: Uint8Array | undefined) => {
      const part = record && decodeMessage(record);
      if (part?.type !== 'part') throw new Error('a part was expected');
      return assembler.add(part);
    };
    for (const record of rest) expect(add(record)).toBeNull();
    expect(
      splitPartial(longer, limit)
        .map(add)
        .filter((whole) => whole !== null),
    ).toEqual([longer]);
    expect(add(first)).toEqual(shorter);
    expect(assembler.size).toBe(0);
  });

  it('is forgotten where nobody waits for it any more', () => {
    const [head] = fc.sample(partial, { numRuns: 1, seed: 3 });
    if (head === undefined) throw new Error('no sample');
    const [record] = splitPartial({ ...head, paneMs: 5, cells: fc.sample(cell, { numRuns: 40, seed: 3 }) }, limit);
    const part = record && decodeMessage(record);
    if (part?.type !== 'part') throw new Error('a part was expected');
    const assembler = new PartAssembler();
    assembler.add(part);
    assembler.forget(({ paneMs }) => paneMs !== null && paneMs < 5);
    expect(assembler.size).toBe(1);
    assembler.forget(({ paneMs }) => paneMs !== null && paneMs <= 5);
    expect(assembler.size).toBe(0);
  });
});
