/** A model whose state is larger than a record that a broker takes: a thousand series that drift at once, thousands of segments, mutes without end. */
import { expect, it } from 'vitest';
import { Detector } from '../../../src/core/detect/detector.ts';
import { parseFactKey, readState, stateFacts } from '../../../src/core/detect/fact.ts';
import { FactMap, restoreDetector } from '../../../src/core/detect/restore.ts';
import type { Step } from '../../../src/core/detect/step.ts';
import { hourMs } from '../../../src/core/duration.ts';
import { command } from '../../support/commands.ts';
import { partialsOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings } from '../../support/settings.ts';
import { syntheticTraffic } from '../../support/syntheticTraffic.ts';

const startMs = Date.UTC(2026, 2, 1);
/** Far below the 1,048,588 bytes of a broker's default. */
const largest = 600 * 1024;

it('is written in parts, read back from them, and not from some of them', () => {
  const of = { model: 'fraud', clock: 'data', endMs: 300_000 } as const;
  const state = { texts: Array.from({ length: 20_000 }, (_, index) => `ä wörd with Unicode ${index} ${'x'.repeat(40)}`) };
  const facts = stateFacts(of, state);
  expect(facts.length).toBeGreaterThan(3);
  const values = facts.map(({ value }) => value ?? new Uint8Array());
  for (const value of values) expect(value.length).toBeLessThan(largest);
  expect(readState(values)).toEqual(state);
  expect(readState(values.slice(0, -1))).toBeNull();
  expect(readState([])).toBeNull();
  expect(facts.map(({ key }) => parseFactKey(key))).toEqual(facts.map((_, part) => ({ fact: 'state', ...of, part })));
  expect(stateFacts(of, { small: 1 })).toHaveLength(1);
});

it('goes on after a restart as if it had never stopped, and leaves no part behind', () => {
  const settings = coreSettings({ feedback: [], window: { hopMs: hourMs, scalesMs: [12 * hourMs], latenessMs: 0 } });
  const traffic = syntheticTraffic({
    random: new Random(5),
    startMs,
    hours: 12,
    rowsPerHour: 20,
    predictionPartitions: 1,
    feedbackPartitions: 0,
  });
  const messages = partialsOf(settings, traffic, new Random(6));
  const half = Math.floor(messages.length / 2);
  const mutes = Array.from({ length: 1_500 }, (_, index) =>
    command('mute', {
      id: `mute ${index}`,
      model: 'fraud',
      series: [`no series ${index}`],
      reason: 'x'.repeat(400),
      untilMs: startMs + 400 * hourMs,
    }),
  );
  const all = [...messages.slice(0, half), ...mutes, ...messages.slice(half)];
  const facts = new FactMap();
  const put = ({ facts: written, decided, tombstones }: Step) => {
    for (const { key, value } of [...written, decided, ...tombstones]) {
      expect(value?.length ?? 0).toBeLessThan(largest);
      facts.put(key, value);
    }
  };
  const statesOf = () => facts.byKind().state.filter(({ subject }) => subject.model === 'fraud' && subject.clock === 'data');
  const whole = new Detector(settings);
  let restored: Detector | null = null;
  let pieces = 0;
  for (const [offset, message] of all.entries()) {
    const step = whole.take(message, offset);
    const again = restored?.take(message, offset);
    if (restored !== null) expect(again).toEqual(step);
    if (step === null) continue;
    put(step);
    pieces = Math.max(pieces, statesOf().length);
    if (restored === null && pieces > 1) {
      restored = restoreDetector(settings, facts).detector;
      for (let read = restored.commitOffset(0); read <= offset; read += 1) restored.take(all[read] as (typeof all)[number], read);
    }
  }
  expect(pieces).toBeGreaterThan(2);
  expect(restored).not.toBeNull();
  expect(new Set(statesOf().map(({ subject }) => subject.endMs)).size).toBe(1);
});
