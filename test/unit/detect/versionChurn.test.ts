/** Ids in the place of versions: the label side keeps as few of them as the data side. */
import { expect, it } from 'vitest';
import { parseFactKey } from '../../../src/core/detect/fact.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/core/duration.ts';
import type { PartialsMessage } from '../../../src/core/summarize/messages.ts';
import { detectorSteps } from '../../support/detectorSteps.ts';
import { messagesOf, summarizerOf } from '../../support/partialsOf.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const hours = 72;
const most = 3;
const performance = { scalesMs: [12 * hourMs], minLabels: 20, minDrop: 0.02, horizonMs: dayMs, absent: 'unknown' } as const;
const settings = coreSettings({
  window: { scalesMs: [12 * hourMs] },
  limits: { versionsPerModel: most },
  defaults: modelSettings({ performance, baseline: { kind: 'first', durationMs: dayMs } }),
});

function messages(): PartialsMessage[] {
  const predictions = summarizerOf(settings, 'predictions');
  const feedback = summarizerOf(settings, 'feedback');
  const all: PartialsMessage[] = [];
  let offset = 0;
  for (let timeMs = startMs; timeMs < startMs + hours * hourMs; timeMs += minuteMs) {
    for (const version of ['1', `id-${offset}`]) {
      const id = `r${offset}`;
      const rest = { version, features: {}, prediction: 'ok', score: null, segments: {}, label: null };
      predictions.add({ kind: 'prediction', id, timeMs, model: 'fraud', ...rest }, offset, timeMs);
      feedback.add({ kind: 'feedback', id, timeMs, model: 'fraud', label: 'ok' }, offset, timeMs);
      offset += 1;
    }
    all.push(...messagesOf(predictions), ...messagesOf(feedback));
  }
  return all;
}

/** Versions with predictions that wait for labels, by day; every record of `history`; restarted now and then where it is to be. */
function decide(all: readonly PartialsMessage[], isRestarted: boolean): { versions: number[]; written: string[] } {
  const byDay = new Map<number, Set<string>>();
  const written: string[] = [];
  for (const step of detectorSteps(settings, all, isRestarted ? 100 : undefined)) {
    for (const { key, value } of [...step.facts, step.decided, ...step.tombstones]) {
      written.push(`${key} ${value === null ? 'gone' : Buffer.from(value).toString('base64')}`);
      const subject = parseFactKey(key);
      if (subject?.fact !== 'predictions') continue;
      const day = Math.floor((subject.endMs - startMs - 1) / dayMs);
      byDay.set(day, (byDay.get(day) ?? new Set()).add(subject.version));
    }
  }
  return { versions: [...byDay.values()].map(({ size }) => size), written };
}

it('keeps predictions for labels of no more versions than the limit, but for those that one of a smaller hash replaces', () => {
  const all = messages();
  const whole = decide(all, false);
  expect(whole.versions.length).toBe(hours / 24);
  // Some ten of them are ever among those with the smallest hashes; without the limit it would be hundreds.
  for (const versions of whole.versions) expect(versions).toBeLessThanOrEqual(20 * most);
  expect(decide(all, true).written).toEqual(whole.written);
});
