/** Labels that name no model come for ever: for a model that is gone, and before there is any. */
import { describe, expect, it } from 'vitest';
import { Detector } from '../../../src/core/detect/detector.ts';
import { parseFactKey } from '../../../src/core/detect/fact.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/core/duration.ts';
import { messagesOf, summarizerOf } from '../../support/partialsOf.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const startMs = Date.UTC(2026, 2, 1);

function label(id: string, timeMs: number, model = '*') {
  return { kind: 'feedback', id, timeMs, model, label: 'ok' } as const;
}

function prediction(id: string, timeMs: number, model: string) {
  const rest = { version: '1', features: {}, prediction: 'ok', score: null, segments: {}, label: null };
  return { kind: 'prediction', id, timeMs, model, ...rest } as const;
}

describe('a model that has been gone for longer than its horizon', () => {
  it.each(['*', 'live'])('writes nothing any more, where labels name the model %s', (labelled) => {
    const settings = coreSettings({
      window: { hopMs: hourMs, scalesMs: [12 * hourMs] },
      defaults: modelSettings({
        performance: { scalesMs: [24 * hourMs], minLabels: 20, minDrop: 0.02, horizonMs: 2 * dayMs, absent: 'unknown' },
      }),
    });
    const predictions = summarizerOf(settings, 'predictions');
    const feedback = summarizerOf(settings, 'feedback');
    const detector = new Detector(settings);
    const factsByDay = new Map<number, number>();
    let messages = 0;
    let offset = 0;
    for (let minute = 0; minute < 12 * 24 * 60; minute += 10) {
      const timeMs = startMs + minute * minuteMs;
      for (const model of minute < 600 ? ['dead', 'live'] : ['live'])
        predictions.add(prediction(`${model}-${minute}`, timeMs, model), offset++, timeMs);
      feedback.add(label(`live-${minute}`, timeMs, labelled), minute / 10, timeMs);
      for (const message of [...messagesOf(predictions), ...messagesOf(feedback)]) {
        for (const { key } of detector.take(message, messages++)?.facts ?? []) {
          const subject = parseFactKey(key);
          if (subject === null || subject.fact === 'decided' || subject.model !== 'dead') continue;
          const day = Math.floor((timeMs - startMs) / dayMs);
          factsByDay.set(day, (factsByDay.get(day) ?? 0) + 1);
        }
      }
    }
    expect(factsByDay.get(1)).toBeGreaterThan(0);
    expect(factsByDay.get(11)).toBeUndefined();
  });
});

describe('labels before the first prediction', () => {
  it('do not pile up, and the commit goes on', () => {
    const settings = coreSettings();
    const feedback = summarizerOf(settings, 'feedback');
    const detector = new Detector(settings);
    let messages = 0;
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      const nowMs = startMs + minute * minuteMs;
      feedback.add(label(`r${minute}`, nowMs), minute, nowMs);
      for (const message of messagesOf(feedback)) detector.take(message, messages++, nowMs);
      const source = { role: 'predictions', topic: 'predictions', partition: 0 } as const;
      const idle = { type: 'idle', source, position: 0, idleForMs: minute * minuteMs, watermarkMs: null, partitions: 1 } as const;
      detector.take(idle, messages++, nowMs);
    }
    expect(detector.undecidedPanes).toBeLessThan(5);
    expect(detector.commitOffset(messages)).toBeGreaterThan(messages - 60);
  });
});
