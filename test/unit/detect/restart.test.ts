import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/core/canonicalJson.ts';
import { Detector } from '../../../src/core/detect/detector.ts';
import { FactMap, restoreDetector } from '../../../src/core/detect/restore.ts';
import type { Step } from '../../../src/core/detect/step.ts';
import { hourMs } from '../../../src/core/duration.ts';
import type { EvaluationRecord, EventRecord } from '../../../src/core/incident/event.ts';
import type { CommandRecord, PartialsMessage } from '../../../src/core/summarize/messages.ts';
import { command } from '../../support/commands.ts';
import { partialsOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';
import { syntheticTraffic } from '../../support/syntheticTraffic.ts';

const settings = coreSettings({
  window: { hopMs: 15 * 60_000, scalesMs: [3 * hourMs, 24 * hourMs] },
  defaults: modelSettings({
    baseline: { kind: 'first', durationMs: 72 * hourMs },
    performance: { scalesMs: [24 * hourMs], minLabels: 50, minDrop: 0.02, horizonMs: 24 * hourMs, absent: 'unknown' },
    segments: ['plan'],
  }),
});

function trafficOf(seed: number) {
  return syntheticTraffic({
    random: new Random(seed),
    startMs: Date.UTC(2026, 2, 1, 0, 20),
    hours: 7 * 24,
    rowsPerHour: 120,
    predictionPartitions: 2,
    feedbackPartitions: 2,
    shiftAtHour: 6 * 24,
  });
}

interface Outcome {
  readonly events: Map<string, string>;
  readonly evaluations: Map<string, string>;
  readonly facts: FactMap;
}

function record(outcome: Outcome, step: Step): void {
  for (const event of step.events) same(outcome.events, event.id, event);
  for (const evaluation of step.evaluations) {
    const { model, version, segment, series, kind, scale, windowEnd } = evaluation;
    same(outcome.evaluations, JSON.stringify([model, version, segment, series, kind, scale, windowEnd]), evaluation);
  }
  for (const fact of [...step.facts, step.decided, ...step.tombstones]) outcome.facts.put(fact.key, fact.value);
}

/** Whoever repeats a decision must write the same bytes. */
function same(known: Map<string, string>, key: string, value: EventRecord | EvaluationRecord): void {
  const text = canonicalJson(value);
  const before = known.get(key);
  if (before !== undefined) expect(text).toBe(before);
  known.set(key, text);
}

function uninterrupted(messages: readonly PartialsMessage[]): Outcome {
  const outcome: Outcome = { events: new Map(), evaluations: new Map(), facts: new FactMap() };
  const detector = new Detector(settings);
  for (const [offset, message] of messages.entries()) {
    const step = detector.take(message, offset);
    if (step !== null) record(outcome, step);
  }
  return outcome;
}

/** Crashes after about every 40th decision, half of the time before `decided` was written, and reads on from the last commit. */
function interrupted(messages: readonly PartialsMessage[], random: Random): Outcome & { readonly restarts: number } {
  const outcome = { events: new Map(), evaluations: new Map(), facts: new FactMap(), restarts: 0 };
  let detector = new Detector(settings);
  let committed = 0;
  for (let offset = 0; offset < messages.length; offset++) {
    const step = detector.take(messages[offset] as PartialsMessage, offset);
    if (step === null) continue;
    const crash = random.next() < 1 / 40 ? random.int(4) : 4;
    for (const event of step.events) same(outcome.events, event.id, event);
    if (crash > 0) for (const fact of step.facts) outcome.facts.put(fact.key, fact.value);
    if (crash > 1) record(outcome, { ...step, tombstones: [] });
    if (crash > 2) for (const fact of step.tombstones) outcome.facts.put(fact.key, fact.value);
    if (crash > 3) committed = detector.commitOffset(offset + 1);
    else {
      detector = restoreDetector(settings, outcome.facts).detector;
      outcome.restarts++;
      offset = committed - 1;
    }
  }
  return outcome;
}

describe('a detector that is restored from its facts', () => {
  it.each([1, 2, 3])('gives the events and evaluations of one that never stopped, byte for byte (seed %i)', (seed) => {
    const messages = partialsOf(settings, trafficOf(seed), new Random(seed + 100));
    const whole = uninterrupted(messages);
    const broken = interrupted(messages, new Random(seed + 200));
    expect(broken.restarts).toBeGreaterThan(5);
    expect(Object.fromEntries(broken.events)).toEqual(Object.fromEntries(whole.events));
    expect(broken.evaluations.size).toBe(whole.evaluations.size);
    for (const [key, text] of whole.evaluations) expect(broken.evaluations.get(key)).toBe(text);
    const kinds = new Set([...whole.events.values()].map((text) => JSON.parse(text).kind));
    expect([...kinds].sort()).toEqual(['drift', 'performance', 'quality']);
  });
});

describe('what people say of a model', () => {
  it.each([5, 6, 7])('takes effect once and at the same place, however often the detector is restored (seed %i)', (seed) => {
    const random = new Random(seed + 300);
    const messages = partialsOf(settings, trafficOf(seed), new Random(seed + 100));
    const detector = new Detector(settings);
    const news = messages.flatMap((message, offset) => (detector.take(message, offset)?.events.length ? [offset] : []));
    const [first = 0, last = 0] = [news[0], news.at(-1)];
    // From the last one, so that the places of the others stay.
    const said: readonly (readonly [at: number, one: CommandRecord])[] = [
      [last + 1 + random.int(20), command('unmute', { id: 'd' })],
      [last + 1, command('accept', { id: 'c' })],
      [first - random.int(20), command('mute', { id: 'b', series: ['age'], untilMs: Date.UTC(2026, 2, 7, 8) })],
      [Math.floor(first * random.next()), command('accept', { id: 'a', segment: ['plan', 'free'] })],
    ];
    for (const [at, one] of said) messages.splice(at, 0, one);
    const whole = uninterrupted(messages);
    const broken = interrupted(messages, new Random(seed + 200));
    expect(broken.restarts).toBeGreaterThan(5);
    expect(Object.fromEntries(broken.events)).toEqual(Object.fromEntries(whole.events));
    for (const [key, text] of whole.evaluations) expect(broken.evaluations.get(key)).toBe(text);
    const events = [...whole.events.values()].map((text): EventRecord => JSON.parse(text));
    expect(events.some(({ closing }) => closing?.action === 'accepted')).toBe(true);
    expect(new Set(events.flatMap(({ inexactReasons }) => inexactReasons))).toEqual(new Set(['command']));
  });
});

describe('the order in which source partitions reach detect', () => {
  it('does not matter for what is decided', () => {
    const traffic = trafficOf(4);
    const outcomes = [11, 12, 13].map((seed) => uninterrupted(partialsOf(settings, traffic, new Random(seed))));
    const [first, ...others] = outcomes.map((outcome) => ({
      events: Object.fromEntries([...outcome.events].sort(([a], [b]) => (a < b ? -1 : 1))),
      evaluations: [...outcome.evaluations.values()].sort(),
    }));
    for (const other of others) expect(other).toEqual(first);
  });
});
