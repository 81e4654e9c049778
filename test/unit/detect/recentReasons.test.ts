import { expect, test } from 'vitest';
import { Detector } from '../../../src/core/detect/detector.ts';
import { hourMs } from '../../../src/core/duration.ts';
import type { EventRecord } from '../../../src/core/incident/event.ts';
import type { IdleRecord, PartialsMessage, WatermarkRecord } from '../../../src/core/summarize/messages.ts';
import { partialsOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';
import { syntheticTraffic } from '../../support/syntheticTraffic.ts';

const startMs = Date.UTC(2026, 2, 1);
const scaleMs = 12 * hourMs;
const settings = coreSettings({
  defaults: modelSettings({
    baseline: { kind: 'first', durationMs: 24 * hourMs },
    performance: { scalesMs: [scaleMs], minLabels: 50, minDrop: 0.02, horizonMs: 24 * hourMs, absent: 'unknown' },
    alerts: { ...modelSettings().alerts, remindEveryMs: hourMs },
  }),
  window: { hopMs: hourMs, scalesMs: [scaleMs], latenessMs: 0 },
});

/** Messages with their watermark, in order of time; just before `idleMs` the feedback partition says that it is idle. */
function messages(idleMs: number): PartialsMessage[] {
  const traffic = syntheticTraffic({
    random: new Random(5),
    startMs,
    hours: 90,
    rowsPerHour: 60,
    predictionPartitions: 1,
    feedbackPartitions: 1,
    shiftAtHour: 50,
  });
  const groups: { partials: PartialsMessage[]; watermark: WatermarkRecord }[] = [];
  const open = new Map<string, PartialsMessage[]>();
  for (const message of partialsOf(settings, traffic, new Random(1), false)) {
    if (message.type === 'command' || message.type === 'idle') continue;
    const partials = open.get(message.source.role) ?? [];
    if (message.type === 'watermark') {
      groups.push({ partials, watermark: message });
      open.delete(message.source.role);
    } else open.set(message.source.role, [...partials, message]);
  }
  groups.sort((left, right) => left.watermark.watermarkMs - right.watermark.watermarkMs);
  const before = groups.findLast(({ watermark }) => watermark.source.role === 'feedback' && watermark.watermarkMs < idleMs);
  if (before === undefined) throw new Error('no labels before that time');
  const { source, position, watermarkMs, partitions } = before.watermark;
  const idle: IdleRecord = { type: 'idle', source, position, watermarkMs, partitions, idleForMs: 60_000 };
  // The labels of the hour come when its panes are decided.
  return groups.flatMap((group) => [...group.partials, group.watermark, ...(group === before ? [idle] : [])]);
}

function performanceEvents(all: readonly PartialsMessage[]): EventRecord[] {
  const detector = new Detector(settings);
  return all.flatMap((message, offset) => (detector.take(message, offset)?.events ?? []).filter(({ kind }) => kind === 'performance'));
}

test('a performance event says why any pane of its window was not exact, and forgets it with the window', () => {
  const idleMs = startMs + 60 * hourMs;
  const events = performanceEvents(messages(idleMs));
  const startOf = (event: EventRecord) => Date.parse(event.windowStart);
  const during = events.filter((event) => Date.parse(event.windowEnd) > idleMs + 2 * hourMs && startOf(event) < idleMs - hourMs);
  expect(during.length).toBeGreaterThan(3);
  for (const event of during) expect([event.exact, event.inexactReasons], event.windowEnd).toEqual([false, ['idle']]);
  const after = events.filter((event) => startOf(event) > idleMs + hourMs);
  expect(after.length).toBeGreaterThan(3);
  for (const event of after) expect([event.exact, event.inexactReasons], event.windowEnd).toEqual([true, []]);
});
