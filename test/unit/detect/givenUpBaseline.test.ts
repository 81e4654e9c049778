/** A model with two days of data, then none for more than a day: its baseline is given up, and a crash before its tombstones are written does not bring it back. */
import { expect, it } from 'vitest';
import { Detector } from '../../../src/core/detect/detector.ts';
import { parseFactKey } from '../../../src/core/detect/fact.ts';
import { FactMap, restoreDetector } from '../../../src/core/detect/restore.ts';
import type { Step } from '../../../src/core/detect/step.ts';
import { dayMs, minuteMs } from '../../../src/core/duration.ts';
import type { PartialsMessage } from '../../../src/core/summarize/messages.ts';
import { messagesOf, summarizerOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const settings = coreSettings({ feedback: [] });

/** `fraud` for two and a half days, nothing for two days, then again with other values; `other` all the time. */
function messages(): PartialsMessage[] {
  const random = new Random(7);
  const summarizer = summarizerOf(settings, 'predictions');
  let offset = 0;
  for (let timeMs = startMs; timeMs < startMs + 6 * dayMs; timeMs += minuteMs) {
    const sinceMs = timeMs - startMs;
    const isAway = sinceMs >= 2.5 * dayMs + 31 * minuteMs && sinceMs < 4.5 * dayMs;
    for (const model of isAway ? ['other'] : ['fraud', 'other']) {
      const shift = model === 'fraud' && sinceMs >= 4.5 * dayMs ? 3 : 0;
      for (let i = 0; i < 5; i += 1)
        summarizer.add(
          {
            kind: 'prediction',
            id: `r${offset}`,
            timeMs,
            model,
            version: '1',
            features: { amount: random.normal() + shift },
            prediction: 'ok',
            score: null,
            segments: {},
            label: null,
          },
          offset++,
          timeMs,
        );
    }
  }
  return messagesOf(summarizer);
}

it('gives the same events after a crash before the tombstones of a given-up baseline', () => {
  const all = messages();
  const facts = new FactMap();
  const put = (step: Step, withTombstones = true) => {
    for (const fact of [...step.facts, step.decided, ...(withTombstones ? step.tombstones : [])]) facts.put(fact.key, fact.value);
  };
  const whole = new Detector(settings);
  const expected: string[] = [];
  const found: string[] = [];
  let broken: Detector | null = null;
  let commit = 0;
  for (const [offset, message] of all.entries()) {
    const step = whole.take(message, offset);
    if (step !== null) expected.push(...step.events.map((event) => JSON.stringify(event)));
    if (broken !== null) {
      const other = broken.take(message, offset);
      if (other !== null) found.push(...other.events.map((event) => JSON.stringify(event)));
      continue;
    }
    if (step === null) continue;
    found.push(...step.events.map((event) => JSON.stringify(event)));
    const isGivenUp = step.tombstones.some(({ key }) => {
      const subject = parseFactKey(key);
      return subject?.fact === 'baseline' && subject.model === 'fraud';
    });
    // The first refit drops a baseline too; the one that is meant leaves none behind.
    const isLast = isGivenUp && !step.facts.some(({ key }) => parseFactKey(key)?.fact === 'baseline' && key.includes('fraud'));
    put(step, !isLast);
    commit = whole.commitOffset(offset + 1);
    if (!isLast) continue;
    broken = restoreDetector(settings, facts).detector;
    for (let again = commit; again <= offset; again += 1) broken.take(all[again] as PartialsMessage, again);
  }
  expect(broken).not.toBeNull();
  const short = (events: string[]) => events.map((event) => JSON.parse(event)).map((e) => `${e.model} ${e.step} ${e.kind} ${e.windowEnd}`);
  expect(short(found)).toEqual(short(expected));
});
