import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/core/canonicalJson.ts';
import { Detector } from '../../../src/core/detect/detector.ts';
import { FactMap, restoreDetector } from '../../../src/core/detect/restore.ts';
import type { Step } from '../../../src/core/detect/step.ts';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import type { EventRecord } from '../../../src/core/incident/event.ts';
import type { Loss, PartialsMessage, WatermarkRecord } from '../../../src/core/summarize/messages.ts';
import { Random } from '../../support/random.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1, 9);
const hopMs = 10 * minuteMs;
const settings = coreSettings({ feedback: [], window: { hopMs, scalesMs: [2 * hourMs], latenessMs: 0 } });
const partitions = 3;

/** A watermark record of one partition, which has 100 records a pane. */
function watermark(partition: number, pane: number, change: Partial<WatermarkRecord> = {}): WatermarkRecord {
  return {
    type: 'watermark',
    source: { role: 'predictions', topic: 'predictions', partition },
    position: pane * 100,
    previous: (pane - 1) * 100,
    watermarkMs: startMs + pane * hopMs,
    partitions,
    ...change,
  };
}

/** Partials of a model for a pane, without cells: enough for a pane to be decided. */
function partial(pane: number): PartialsMessage {
  return {
    type: 'partial',
    source: { role: 'predictions', topic: 'predictions', partition: 0 },
    chunk: 0,
    paneMs: startMs + (pane - 1) * hopMs,
    model: 'topic:predictions',
    from: 0,
    to: pane * 100,
    first: (pane - 1) * 100,
    complete: true,
    configHash: 'h',
    cells: [],
    counts: { records: 100, late: 0, skipped: 0, capped: 0, invalid: {} },
  };
}

/** Panes 1 to `last`; what stands in `losses` is lost by a partition just before the watermark record of a pane. */
function messages(
  last: number,
  losses: readonly { readonly pane: number; readonly partition: number; readonly lost: Loss }[],
): PartialsMessage[] {
  const all: PartialsMessage[] = [];
  for (let pane = 1; pane <= last; pane++) {
    all.push(partial(pane));
    for (let partition = 0; partition < partitions; partition++) {
      const loss = losses.find((one) => one.pane === pane && one.partition === partition);
      all.push(watermark(partition, pane, loss === undefined ? {} : { lost: loss.lost }));
    }
  }
  return all;
}

function run(all: readonly PartialsMessage[]): { events: EventRecord[]; facts: FactMap } {
  const detector = new Detector(settings);
  const outcome = { events: [] as EventRecord[], facts: new FactMap() };
  for (const [offset, message] of all.entries()) record(outcome, detector.take(message, offset));
  return outcome;
}

function record(outcome: { events: EventRecord[]; facts: FactMap }, step: Step | null): void {
  if (step === null) return;
  outcome.events.push(...step.events);
  for (const fact of [...step.facts, step.decided, ...step.tombstones]) outcome.facts.put(fact.key, fact.value);
}

const retention = (from: number, to: number): Loss => ({ cause: 'retention', from, to });

describe('records that were lost', () => {
  it('are one incident of kind quality that says where, how many, until when, and what to do', () => {
    const { events } = run(messages(20, [{ pane: 5, partition: 2, lost: retention(390, 450) }]));
    expect(events.map(({ step, kind, severity, model }) => [step, kind, severity, model])).toEqual([
      ['opened', 'quality', 'error', 'topic:predictions'],
      ['recovered', 'quality', 'error', 'topic:predictions'],
    ]);
    const [opened, recovered] = events;
    expect(opened?.summary).toBe(
      'topic predictions, partition 2: 60 records lost to retention between 2026-03-01 09:40Z and 09:50Z; ' +
        'windows until 2026-03-01 11:50Z are incomplete; raise the retention of the topic or add workers',
    );
    expect(opened).toMatchObject({ exact: false, inexactReasons: ['gap'], windowEnd: '2026-03-01T09:50:00.000Z' });
    // The window that ends at 11:50 begins behind the loss; two evaluations agree.
    expect(recovered).toMatchObject({ windowEnd: '2026-03-01T12:00:00.000Z' });
    expect(recovered?.summary).toBe('Recovered after 2h: no window misses records of predictions/2 any more');
  });

  it('of several partitions are one incident', () => {
    const { events } = run(
      messages(20, [
        { pane: 5, partition: 1, lost: retention(390, 450) },
        { pane: 5, partition: 2, lost: retention(380, 420) },
      ]),
    );
    expect(events.map(({ step }) => step)).toEqual(['opened', 'recovered']);
    expect(events[0]?.summary).toMatch(/^topic predictions, partitions 1, 2: 100 records lost to retention between /);
  });

  it('of a partition that loses later escalate the incident, and it lasts until no window misses any', () => {
    const { events } = run(
      messages(30, [
        { pane: 5, partition: 1, lost: retention(390, 450) },
        { pane: 12, partition: 2, lost: retention(1080, 1120) },
      ]),
    );
    expect(events.map(({ step, windowEnd }) => [step, windowEnd.slice(11, 16)])).toEqual([
      ['opened', '09:50'],
      ['escalated', '11:00'],
      ['recovered', '13:10'],
    ]);
  });

  it('that nobody tells of are seen by what a watermark record leaves out', () => {
    const all = messages(20, []).filter(
      (message) => message.type !== 'watermark' || message.source.partition !== 2 || message.position !== 500,
    );
    const { events } = run(all);
    expect(events[0]?.summary).toMatch(/^topic predictions, partition 2: 100 records in no summary between 2026-03-01 09:40Z and 10:00Z; /);
    expect(events[0]?.inexactReasons).toEqual(['gap']);
  });

  it('are told of once, however often a restarted summarizer says so', () => {
    const lost = retention(390, 450);
    const once = messages(20, [{ pane: 5, partition: 2, lost }]);
    const at = once.findIndex((message) => message.type === 'watermark' && message.lost !== undefined);
    const again = once[at] as PartialsMessage;
    const repeated = run([...once.slice(0, at + 1), again, again, ...once.slice(at + 1, at + 8), again, ...once.slice(at + 8)]);
    expect(canonicalJson(repeated.events)).toBe(canonicalJson(run(once).events));
  });

  it('are told of by one partition of partials', () => {
    const silent = new Detector(settings, new Map(), (model) => model !== 'topic:predictions');
    const steps = messages(20, [{ pane: 5, partition: 2, lost: retention(390, 450) }]).map((message, offset) =>
      silent.take(message, offset),
    );
    expect(steps.flatMap((step) => step?.events ?? [])).toEqual([]);
  });

  it('are the same events byte for byte wherever detect is restarted', () => {
    const all = messages(30, [
      { pane: 5, partition: 1, lost: retention(390, 450) },
      { pane: 12, partition: 2, lost: retention(1080, 1120) },
    ]);
    const expected = new Map(run(all).events.map((event) => [event.id, canonicalJson(event)]));
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed);
      const outcome = { events: [] as EventRecord[], facts: new FactMap() };
      let detector = new Detector(settings);
      let committed = 0;
      for (let offset = 0; offset < all.length; offset++) {
        record(outcome, detector.take(all[offset] as PartialsMessage, offset));
        if (random.next() < 0.5) committed = Math.max(committed, detector.commitOffset(offset + 1));
        if (random.next() > 0.1) continue;
        detector = restoreDetector(settings, outcome.facts).detector;
        offset = committed - 1;
      }
      const found = new Map(outcome.events.map((event) => [event.id, canonicalJson(event)]));
      expect(found, `seed ${seed}`).toEqual(expected);
    }
  });

  it('are not seen where a restart has only forgotten how far a partition was', () => {
    // Partition 2 runs far ahead while the others stand: nothing is decided meanwhile, and detect is restarted at what it has committed.
    const all = [...messages(5, []), ...Array.from({ length: 10 }, (_, index) => watermark(2, 6 + index))];
    const outcome = { events: [] as EventRecord[], facts: new FactMap() };
    const detector = new Detector(settings);
    for (const [offset, message] of all.entries()) record(outcome, detector.take(message, offset));
    const restored = restoreDetector(settings, outcome.facts).detector;
    for (let offset = detector.commitOffset(all.length); offset < all.length; offset++)
      restored.take(all[offset] as PartialsMessage, offset);
    restored.take(watermark(2, 16), all.length);
    expect(restored.counts.gaps).toBe(0);
  });
});
