/** More names of models than a partition of `partials` has places. */
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/core/canonicalJson.ts';
import { Detector } from '../../../src/core/detect/detector.ts';
import { parseFactKey } from '../../../src/core/detect/fact.ts';
import { FactMap, restoreDetector } from '../../../src/core/detect/restore.ts';
import { type Step, writtenTogether } from '../../../src/core/detect/step.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/core/duration.ts';
import { keepSmallestHashes } from '../../../src/core/record/caps.ts';
import { pseudoModel } from '../../../src/core/record/record.ts';
import type { CommandRecord, PartialsMessage } from '../../../src/core/summarize/messages.ts';
import { command } from '../../support/commands.ts';
import { messagesOf, summarizerOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({
  window: { hopMs: hourMs, scalesMs: [12 * hourMs], latenessMs: 0 },
  defaults: modelSettings({
    baseline: { kind: 'first', durationMs: dayMs },
    performance: { scalesMs: [dayMs], minLabels: 20, minDrop: 0.02, horizonMs: dayMs, absent: 'unknown' },
  }),
  models: new Map([['declared', modelSettings()]]),
});
const topicModel = pseudoModel('predictions');
const rowsPerHour = 12;

interface Hour {
  /** Models with predictions in the hour. */
  readonly models: readonly string[];
  /** Models named by labels of the hour; left out: those with predictions. */
  readonly labelled?: readonly string[];
}

/** Predictions and labels by the hour. After each hour its watermarks; from `heldFromHour` on none but the last, so that one step decides it all. */
function messagesOfHours(hours: readonly Hour[], heldFromHour = Number.POSITIVE_INFINITY): PartialsMessage[] {
  const random = new Random(11);
  const predictions = summarizerOf(settings, 'predictions');
  const feedback = summarizerOf(settings, 'feedback');
  const messages: PartialsMessage[] = [];
  const offsets = { predictions: 0, feedback: 0 };
  for (const [hour, { models, labelled = models }] of hours.entries()) {
    for (let row = 0; row < rowsPerHour; row += 1) {
      const timeMs = startMs + hour * hourMs + row * 5 * minuteMs;
      for (const model of models) {
        const features = { amount: random.normal() + (hour % 97 > 80 ? 4 : 0) };
        const rest = { version: '1', features, prediction: 'ok', score: null, segments: {}, label: null };
        predictions.add({ kind: 'prediction', id: `${model}/${hour}/${row}`, timeMs, model, ...rest }, offsets.predictions++, timeMs);
      }
      for (const model of labelled) {
        const label = random.next() < 0.9 ? 'ok' : 'bad';
        feedback.add({ kind: 'feedback', id: `${model}/${hour}/${row}`, timeMs, model, label }, offsets.feedback++, timeMs);
      }
    }
    if (hour < heldFromHour) messages.push(...messagesOf(predictions), ...messagesOf(feedback));
  }
  predictions.end();
  feedback.end();
  const rest = [...messagesOf(predictions), ...messagesOf(feedback)];
  if (heldFromHour === Number.POSITIVE_INFINITY) return [...messages, ...rest];
  const last = (role: string) => rest.filter((message) => message.type === 'watermark' && message.source.role === role).slice(-1);
  return [...messages, ...rest.filter(({ type }) => type === 'partial'), ...last('feedback'), ...last('predictions')];
}

function hoursOf(days: number, modelsOf: (hour: number) => readonly string[], labelledOf?: (hour: number) => readonly string[]): Hour[] {
  return Array.from({ length: days * 24 }, (_, hour) => ({
    models: modelsOf(hour),
    ...(labelledOf === undefined ? {} : { labelled: labelledOf(hour) }),
  }));
}

interface Outcome {
  readonly detector: Detector;
  readonly facts: FactMap;
  readonly steps: Step[];
  /** Events and evaluations by what they are about. */
  readonly said: Map<string, string>;
}

function say(said: Map<string, string>, step: Step): void {
  for (const event of step.events) said.set(event.id, canonicalJson(event));
  for (const one of step.evaluations)
    said.set(canonicalJson([one.model, one.version, one.segment, one.series, one.scale, one.windowEnd]), canonicalJson(one));
}

function put(facts: FactMap, written: readonly { readonly key: string; readonly value: Uint8Array | null }[]): void {
  for (const { key, value } of written) facts.put(key, value);
}

function decide(messages: readonly PartialsMessage[], limit: number): Outcome {
  const detector = new Detector(settings, new Map(), () => true, limit);
  const outcome: Outcome = { detector, facts: new FactMap(), steps: [], said: new Map() };
  for (const [offset, message] of messages.entries()) {
    const step = detector.take(message, offset);
    if (step === null) continue;
    outcome.steps.push(step);
    say(outcome.said, step);
    put(outcome.facts, [...step.facts, step.decided, ...step.tombstones]);
  }
  return outcome;
}

/** Restarts where `crashAt` says so: before the facts (0), after them (1), after `decided` (2), or between two steps (3). */
function decideBroken(messages: readonly PartialsMessage[], limit: number, crashAt: (step: Step) => 0 | 1 | 2 | 3 | null) {
  const facts = new FactMap();
  const said = new Map<string, string>();
  let detector = new Detector(settings, new Map(), () => true, limit);
  let committed = 0;
  let restarts = 0;
  for (let offset = 0; offset < messages.length; offset += 1) {
    const step = detector.take(messages[offset] as PartialsMessage, offset);
    if (step === null) continue;
    const crash = crashAt(step);
    say(said, step);
    if (crash !== 0) put(facts, step.facts);
    if (crash !== 0 && crash !== 1) put(facts, [step.decided]);
    if (crash === null || crash === 3) {
      put(facts, step.tombstones);
      committed = detector.commitOffset(offset + 1);
    }
    if (crash === null) continue;
    const restored = restoreDetector(settings, facts, new Map(), undefined, limit);
    put(
      facts,
      restored.replaced.map((key) => ({ key, value: null })),
    );
    detector = restored.detector;
    restarts += 1;
    offset = committed - 1;
  }
  return { facts, said, restarts, detector };
}

/** Facts of models by their keys, as text. */
function contentOf(facts: FactMap): string[] {
  const { decided: _, ...ofModels } = facts.byKind();
  return Object.values(ofModels)
    .flatMap((kind) => kind.map(({ subject, value }) => `${canonicalJson(subject)} ${Buffer.from(value).toString('base64')}`))
    .sort();
}

/** Without the pseudo-model of the topic, which is always there. */
function modelsIn(facts: FactMap): string[] {
  const names = new Set(facts.byKind().state.map(({ subject }) => subject.model));
  names.delete(topicModel);
  return [...names].sort();
}

/** Some models that stay, one after the other that goes after two days, and ids that come in bursts. */
const crowd = hoursOf(24, (hour) => [
  'stays',
  `gone-${Math.floor(hour / 48)}`,
  ...(hour % 30 === 0 ? Array.from({ length: 3 }, (_, index) => `id-${hour}-${index}`) : []),
]);

describe('the places of a partition', () => {
  it('go to the names of a pane that every cap keeps first, and to nobody else', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const { detector, facts } = decide(messagesOfHours(hoursOf(1, () => names)), 4);
    expect(modelsIn(facts)).toEqual(keepSmallestHashes(names, new Set(), 4).sort());
    expect(detector.counts.refusedRows).toBe(2 * 24 * rowsPerHour);
    expect(names).toContain(detector.refusedModel);
    expect(modelsIn(facts)).not.toContain(detector.refusedModel);
  });

  it('stay with who has them, whatever comes', () => {
    const outcome = decide(messagesOfHours(hoursOf(3, (hour) => ['a', 'b', ...(hour < 5 ? [] : [`id-${hour}`, `id-${hour}-2`])])), 2);
    expect(modelsIn(outcome.facts)).toEqual(['a', 'b']);
    const evaluated = new Set(outcome.steps.flatMap((step) => step.evaluations.map(({ model }) => model)));
    expect([...evaluated].sort()).toEqual(['a', 'b', topicModel]);
  });

  it('are enough: nothing is refused', () => {
    const { detector } = decide(messagesOfHours(hoursOf(1, () => ['a', 'b'])), 2);
    expect(detector.counts.refusedRows).toBe(0);
    expect(detector.refusedModel).toBeNull();
  });

  it('are not needed by models that the configuration names, nor by what belongs to no model', () => {
    const hours = hoursOf(2, (hour) => ['a', 'b', ...(hour < 6 ? [] : ['declared', topicModel, 'topic:other'])]);
    const { facts } = decide(messagesOfHours(hours), 2);
    expect(modelsIn(facts)).toEqual(['a', 'b', 'declared']);
    const ofTopic = facts.byKind().predictions.filter(({ subject }) => subject.model === topicModel);
    expect(ofTopic.length).toBeGreaterThan(0);
  });

  it('are enough for names that change by the day, of which few are there at a time', () => {
    const { detector, steps } = decide(messagesOfHours(hoursOf(30, (hour) => [`day-${Math.floor(hour / 24)}`])), 6);
    expect(detector.counts.refusedRows).toBe(0);
    const givenUp = steps.flatMap((step) => step.givenUp);
    expect(givenUp).toEqual(Array.from({ length: 24 }, (_, day) => `day-${day}`));
  });
});

describe('a model that has fallen silent', () => {
  // Labels name it long after it is gone: samples of them are kept.
  const hours = hoursOf(
    12,
    (hour) => (hour < 72 ? ['old', 'stays'] : hour < 240 ? ['stays'] : ['new', 'stays']),
    () => ['old', 'stays'],
  );

  it('gives its place to a new one, and leaves no fact', () => {
    const messages = messagesOfHours(hours);
    const { facts, steps, detector } = decide(messages, 2);
    const last = steps.findIndex((step) => step.givenUp.length > 0);
    expect(steps[last]?.givenUp).toEqual(['old']);
    const kinds = new Set(steps[last]?.tombstones.flatMap(({ key }) => (key.includes('"old"') ? (parseFactKey(key)?.fact ?? []) : [])));
    expect([...kinds].sort()).toEqual(['baseline', 'feedback', 'reference', 'state']);
    expect(modelsIn(facts)).toEqual(['new', 'stays']);
    expect(contentOf(facts).filter((line) => line.includes('"old"'))).toEqual([]);
    expect(detector.counts.refusedRows).toBe(0);
  });

  it('stays while labels may still be joined with what it predicted', () => {
    const early = hoursOf(4, (hour) => (hour < 36 ? ['old', 'stays'] : hour < 84 ? ['stays'] : ['new', 'stays']));
    const { facts, detector } = decide(messagesOfHours(early), 2);
    expect(modelsIn(facts)).toEqual(['old', 'stays']);
    expect(detector.counts.refusedRows).toBeGreaterThan(0);
  });

  it('stays while something that people have said of it is in force', () => {
    const messages = messagesOfHours(hours);
    const mute: CommandRecord = command('mute', { id: 'm', model: 'old', untilMs: startMs + 100 * dayMs });
    const at = messages.findIndex((message) => message.type === 'watermark' && message.watermarkMs > startMs + 60 * hourMs);
    messages.splice(at, 0, mute);
    expect(modelsIn(decide(messages, 2).facts)).toEqual(['old', 'stays']);
  });

  it('does not come back in the step that ended it, whose tombstones would meet its new facts', () => {
    const back = hoursOf(14, (hour) => {
      if (hour < 74) return ['declared', 'other', ...(hour < 72 ? ['old'] : [])];
      return ['declared', ...(hour >= 240 ? ['new'] : []), ...(hour >= 280 ? ['old'] : [])];
    });
    const atOnce = decide(messagesOfHours(back, 220), 2);
    expect(atOnce.steps.at(-1)?.dataPanes).toBeGreaterThan(96);
    expect(atOnce.steps.flatMap((step) => step.givenUp)).toEqual(['old']);
    expect(modelsIn(atOnce.facts)).toEqual(['declared', 'new', 'other']);
    const byHour = decide(messagesOfHours(back), 2);
    expect(byHour.steps.flatMap((step) => step.givenUp)).toEqual(['old', 'other']);
    expect(modelsIn(byHour.facts)).toEqual(['declared', 'new', 'old']);
  });
});

describe('a detector whose places are taken', () => {
  const messages = messagesOfHours(crowd);
  const limit = 5;
  const whole = decide(messages, limit);

  it('refuses some and lets others give way in this test', () => {
    expect(whole.detector.counts.refusedRows).toBeGreaterThan(0);
    expect(new Set(whole.steps.flatMap((step) => step.givenUp)).size).toBeGreaterThan(3);
  });

  it('never has more models than places', () => {
    const facts = new FactMap();
    for (const step of whole.steps) {
      put(facts, [...step.facts, step.decided, ...step.tombstones]);
      expect(modelsIn(facts).length).toBeLessThanOrEqual(limit);
    }
  });

  it.each([1, 2, 3])('goes on the same after restarts between its steps: events, evaluations and facts (seed %i)', (seed) => {
    const random = new Random(seed);
    const broken = decideBroken(messages, limit, () => (random.next() < 0.1 ? 3 : null));
    expect(broken.restarts).toBeGreaterThan(5);
    expect(Object.fromEntries(broken.said)).toEqual(Object.fromEntries(whole.said));
    expect(contentOf(broken.facts)).toEqual(contentOf(whole.facts));
  });

  it.each([4, 5, 6])('goes on the same after crashes in the middle of a step (seed %i)', (seed) => {
    const random = new Random(seed);
    const broken = decideBroken(messages, limit, () => (random.next() < 0.1 ? (random.int(4) as 0 | 1 | 2 | 3) : null));
    expect(broken.restarts).toBeGreaterThan(5);
    expect(Object.fromEntries(broken.said)).toEqual(Object.fromEntries(whole.said));
    expect(modelsIn(broken.facts)).toEqual(modelsIn(whole.facts));
  });

  it('goes on the same after a crash before the tombstones of a model, and what was left of it is gone', () => {
    const broken = decideBroken(messages, limit, (step) => (step.givenUp.length > 0 ? 2 : null));
    expect(broken.restarts).toBeGreaterThan(3);
    expect(Object.fromEntries(broken.said)).toEqual(Object.fromEntries(whole.said));
    expect(contentOf(broken.facts)).toEqual(contentOf(whole.facts));
  });

  it('restored from facts of more models than there are places now, keeps them until they give way', () => {
    const before = messagesOfHours(crowd.slice(0, 48));
    const { facts } = decide(before, 100);
    const many = modelsIn(facts);
    expect(many.length).toBeGreaterThan(3);
    const { detector } = restoreDetector(settings, facts, new Map(), undefined, 2);
    for (const [offset, message] of messages.entries()) {
      const step = detector.take(message, offset);
      if (step !== null) put(facts, [...step.facts, step.decided, ...step.tombstones]);
    }
    expect(modelsIn(facts).length).toBeLessThanOrEqual(2);
    expect(modelsIn(facts)).toContain('stays');
  });
});

it('steps are written together up to one that gives up a model', () => {
  const step = (...givenUp: string[]) => ({ givenUp }) as unknown as Step;
  const [a, b, c, d] = [step(), step('x'), step(), step('y')];
  expect(writtenTogether([a, b, c, d] as Step[])).toEqual([
    [a, b],
    [c, d],
  ]);
  expect(writtenTogether([])).toEqual([]);
});
