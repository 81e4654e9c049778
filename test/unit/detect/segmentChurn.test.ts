/** Values of a segment that come and go, as campaigns and app versions do: never more at a time than the limit. */
import { expect, it } from 'vitest';
import { dayMs, hourMs, minuteMs } from '../../../src/core/duration.ts';
import type { EvaluationRecord } from '../../../src/core/incident/event.ts';
import type { PartialsMessage } from '../../../src/core/summarize/messages.ts';
import { detectorSteps } from '../../support/detectorSteps.ts';
import { messagesOf, summarizerOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);
const generations = 4;
const lastDays = 5;
const most = 3;
const settings = coreSettings({
  feedback: [],
  window: { hopMs: hourMs, scalesMs: [12 * hourMs] },
  limits: { valuesPerSegment: most },
  defaults: modelSettings({ segments: ['campaign'], baseline: { kind: 'first', durationMs: 2 * dayMs } }),
});

function messages(): PartialsMessage[] {
  const random = new Random(3);
  const summarizer = summarizerOf(settings, 'predictions');
  let offset = 0;
  for (let timeMs = startMs; timeMs < startMs + generations * lastDays * dayMs; timeMs += 10 * minuteMs) {
    const generation = Math.floor((timeMs - startMs) / (lastDays * dayMs));
    for (let value = 0; value < most; value += 1) {
      const segments = { campaign: `${generation}-${value}` };
      const rest = { version: '1', features: { amount: random.normal() }, prediction: 'ok', score: null, segments, label: null };
      summarizer.add({ kind: 'prediction', id: `r${offset}`, timeMs, model: 'fraud', ...rest }, offset, timeMs);
      offset += 1;
    }
  }
  return messagesOf(summarizer);
}

/** How many campaigns of each generation were watched; the detector is restored from its facts now and then where it is to be. */
function watchedBy(all: readonly PartialsMessage[], isRestarted: boolean): { watched: number[]; evaluations: EvaluationRecord[] } {
  const evaluations: EvaluationRecord[] = [];
  for (const step of detectorSteps(settings, all, isRestarted ? 50 : undefined)) evaluations.push(...step.evaluations);
  const values = new Set(evaluations.flatMap(({ segment }) => Object.values(segment ?? {})));
  const watched = Array.from({ length: generations }, (_, own) => [...values].filter((value) => value.startsWith(`${own}-`)).length);
  return { watched, evaluations };
}

it('are watched in the end as in the beginning: one that is gone for a day makes room, also after a restart', () => {
  const all = messages();
  const whole = watchedBy(all, false);
  expect(whole.watched).toEqual(Array.from({ length: generations }, () => most));
  expect(watchedBy(all, true).evaluations).toEqual(whole.evaluations);
});
