import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecodedRecord } from '../../../src/core/record/record.ts';
import { encodeMessage, partialKey } from '../../../src/core/summarize/codec.ts';
import type { PartialRecord, SourcePartition } from '../../../src/core/summarize/messages.ts';
import { PartitionSummarizer } from '../../../src/core/summarize/partitionSummarizer.ts';
import type { SummarizerStart } from '../../../src/core/summarize/past.ts';
import { parseResumeState } from '../../../src/core/summarize/resumeState.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

interface Logged {
  readonly offset: number;
  readonly timestampMs: number;
  readonly decoded: DecodedRecord;
}

const hopMs = 300_000;
const startMs = 1_700_000_100_000;
const settings = coreSettings({
  window: { hopMs, latenessMs: 400_000, maxAheadMs: 3_600_000 },
  limits: { seriesPerModel: 3, valuesPerSegment: 2, versionsPerModel: 2, bytesPerModel: 12 * 48 * 2 * 4032 },
  defaults: modelSettings({ segments: ['country'], important: ['amount'] }),
});

/** The `partials` topic as a reader sees it: of each identity the bytes with the largest `to`. */
class Reader {
  readonly best = new Map<string, PartialRecord>();
  readonly #bytes = new Map<string, string>();
  #position: number;

  constructor(position: number) {
    this.#position = position;
  }

  partials(partials: readonly PartialRecord[]): void {
    for (const partial of partials) {
      const identity = partialKey(partial);
      const bytes = hex(partial);
      const written = `${identity} to ${partial.to}`;
      // Two of one identity and coverage are the same bytes.
      expect(this.#bytes.get(written) ?? bytes, written).toBe(bytes);
      this.#bytes.set(written, bytes);
      const known = this.best.get(identity);
      if (known === undefined || partial.to > known.to) this.best.set(identity, partial);
    }
  }

  drain(summarizer: PartitionSummarizer): void {
    for (const { partials, watermark } of summarizer.drain()) {
      this.partials(partials);
      expect(watermark.previous, 'nothing is missing before a watermark record').toBeLessThanOrEqual(this.#position);
      this.#position = Math.max(this.#position, watermark.position);
    }
  }

  idle(summarizer: PartitionSummarizer): void {
    this.partials(summarizer.flushIdle());
    this.#position = Math.max(this.#position, summarizer.idleRecord(1).position);
  }
}

function hex(partial: PartialRecord): string {
  return Buffer.from(encodeMessage(partial)).toString('hex');
}

function summarizer(source: SourcePartition, start: SummarizerStart): PartitionSummarizer {
  return new PartitionSummarizer({ settings, source, partitions: 1, configHash: 'hash', start });
}

/** Offsets begin shortly before the end of a chunk, and now and then jump, so that runs cross chunks. */
const firstOffset = 65_530;

const word = fc.constantFrom('a', 'b', 'c', 'd');
const value = fc.oneof(fc.double({ noNaN: true }), word, fc.boolean(), fc.constant(null), fc.constant('NaN'), fc.constant([1]));

function history(role: SourcePartition['role']): fc.Arbitrary<Logged[]> {
  const record = fc.record({
    gap: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40_000) }),
    kind: fc.oneof({ weight: 12, arbitrary: fc.constant('usual' as const) }, fc.constantFrom('invalid' as const, 'skipped' as const)),
    // Most event times go forward by a little; some come late, some far too late, some lie in the future.
    driftMs: fc.oneof(
      { weight: 10, arbitrary: fc.integer({ min: -200_000, max: 200_000 }) },
      fc.integer({ min: -3_000_000, max: 0 }),
      fc.constant(50_000_000),
    ),
    elapsedMs: fc.nat(60_000),
    id: fc.nat(60),
    model: fc.constantFrom('fraud', 'churn', 'topic:source', '*'),
    version: fc.constantFrom('1', '2', '3'),
    features: fc.dictionary(fc.constantFrom('amount', 'age', 'score', 'x', 'y', 'z'), value, { maxKeys: 6 }),
    prediction: fc.oneof(word, fc.double({ noNaN: true }), fc.constant(null)),
    score: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(null), fc.constant({ yes: 0.7, no: 0.3 })),
    country: fc.option(word, { nil: null }),
  });
  return fc.array(record, { minLength: 1, maxLength: 80, size: 'max' }).map((records) => {
    let offset = firstOffset;
    let nowMs = startMs;
    return records.map((each) => {
      offset += 1 + each.gap;
      nowMs += each.elapsedMs;
      return { offset: offset - 1, timestampMs: nowMs + (each.id % 3) * 1000, decoded: decodedOf(each, nowMs + each.driftMs) };
    });
  });

  function decodedOf(each: typeof record extends fc.Arbitrary<infer Type> ? Type : never, timeMs: number): DecodedRecord {
    if (each.kind === 'skipped') return { kind: 'skipped' };
    if (each.kind === 'invalid') return { kind: 'invalid', reason: 'bad-time', detail: 'no time', model: each.model };
    const id = `id-${each.id}`;
    if (role === 'feedback') return { kind: 'feedback', id, timeMs, model: each.model, label: each.country ?? each.id };
    const segments: Record<string, string> = each.country === null ? {} : { country: each.country };
    const { model, version, features, prediction, score } = each;
    return { kind: 'prediction', id, timeMs, model, version, features, prediction, score, segments, label: null };
  }
}

const action = fc.oneof(
  { weight: 12, arbitrary: fc.constant('read' as const) },
  { weight: 4, arbitrary: fc.constant('write' as const) },
  { weight: 4, arbitrary: fc.constant('write and commit' as const) },
  { weight: 2, arbitrary: fc.constant('crash' as const) },
  fc.constantFrom('idle flush' as const, 'zombie comes back' as const, 'read a control record' as const),
);

function straightRun(source: SourcePartition, records: readonly Logged[]): Reader {
  const reader = new Reader(firstOffset);
  const one = summarizer(source, { kind: 'beginning', offset: firstOffset });
  for (const record of records) one.add(record.decoded, record.offset, record.timestampMs);
  one.end();
  reader.drain(one);
  return reader;
}

/** The same records under a schedule of batches, commits, idle flushes, crashes and zombies. */
function troubledRun(source: SourcePartition, records: readonly Logged[], actions: readonly string[]): Reader {
  const reader = new Reader(firstOffset);
  let commit: { offset: number; metadata: string } | null = null;
  let current = summarizer(source, { kind: 'beginning', offset: firstOffset });
  let zombie: PartitionSummarizer | null = null;
  const next = (one: PartitionSummarizer) => records.find(({ offset }) => offset >= one.position);
  const read = (one: PartitionSummarizer) => {
    const record = next(one);
    if (record !== undefined) one.add(record.decoded, record.offset, record.timestampMs);
  };
  const write = (one: PartitionSummarizer) => {
    reader.drain(one);
    return one.resumePoint();
  };
  for (const each of actions) {
    if (each === 'read') read(current);
    else if (each === 'write') write(current);
    else if (each === 'write and commit') commit = write(current);
    else if (each === 'idle flush') {
      write(current);
      reader.idle(current);
    } else if (each === 'read a control record') current.advanceTo(next(current)?.offset ?? current.position);
    else if (each === 'zombie comes back') {
      // It reads, writes and commits as if nothing had happened.
      if (zombie === null) continue;
      for (let i = 0; i < 5; i += 1) read(zombie);
      commit = write(zombie);
    } else {
      zombie = current;
      current = restarted(source, commit);
    }
  }
  while (next(current) !== undefined) read(current);
  current.end();
  reader.drain(current);
  return reader;
}

function restarted(source: SourcePartition, commit: { offset: number; metadata: string } | null): PartitionSummarizer {
  if (commit === null) return summarizer(source, { kind: 'beginning', offset: firstOffset });
  expect(Buffer.byteLength(commit.metadata)).toBeLessThan(4096);
  const state = parseResumeState(commit.metadata);
  if (state === null) throw new Error('its own metadata must be readable');
  return summarizer(source, { kind: 'resume', offset: commit.offset, state });
}

describe('A partition that is read again after crashes', () => {
  it.each(['predictions', 'feedback'] as const)('gives the same %s partials, byte for byte, as one that never stopped', (role) => {
    const source: SourcePartition = { role, topic: 'source', partition: 3 };
    fc.assert(
      fc.property(history(role), fc.array(action, { maxLength: 160, size: 'max' }), (records, actions) => {
        const expected = straightRun(source, records).best;
        const found = troubledRun(source, records, actions).best;
        expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const [identity, partial] of expected) {
          const other = found.get(identity);
          expect(other?.to, identity).toBe(partial.to);
          expect(other && hex(other), identity).toBe(hex(partial));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('lets event time go on as before where only records come that move none, wherever it was stopped', () => {
    const source: SourcePartition = { role: 'predictions', topic: 'source', partition: 3 };
    const minuteMs = 60_000;
    // An hour of good records, an hour of broken ones, good ones again; the timestamps of Kafka are a minute behind the events.
    const records = Array.from({ length: 180 }, (_, minute): Logged => {
      const timeMs = startMs + minute * minuteMs;
      const decoded: DecodedRecord =
        minute >= 60 && minute < 120
          ? { kind: 'invalid', reason: 'not-json', detail: 'no JSON', model: 'topic:source' }
          : {
              kind: 'prediction',
              id: `id-${minute}`,
              timeMs,
              model: 'fraud',
              version: '1',
              features: { amount: minute },
              prediction: 'a',
              score: null,
              segments: {},
              label: null,
            };
      return { offset: firstOffset + minute, timestampMs: timeMs + minuteMs, decoded };
    });
    const expected = straightRun(source, records).best;
    const broken = [...expected.values()].filter(({ counts }) => (counts?.invalid['not-json'] ?? 0) > 0);
    // Not all in the pane of the last good one.
    expect(new Set(broken.map(({ paneMs }) => paneMs)).size).toBeGreaterThan(5);
    for (let stop = 1; stop < records.length; stop += 1) {
      const actions = [...Array.from({ length: stop }, () => 'read'), 'write and commit', 'crash'];
      const found = troubledRun(source, records, actions).best;
      expect([...found].map(([identity, partial]) => [identity, hex(partial)]).sort()).toEqual(
        [...expected].map(([identity, partial]) => [identity, hex(partial)]).sort(),
      );
    }
  });
});
