import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBaselines } from '../../../src/baseline/loadBaselines.ts';
import { Detector } from '../../../src/core/detect/detector.ts';
import type { FileBaselines } from '../../../src/core/detect/fileBaseline.ts';
import { FactMap, restoreDetector } from '../../../src/core/detect/restore.ts';
import { dayMs, hourMs } from '../../../src/core/duration.ts';
import type { EvaluationRecord, EventRecord } from '../../../src/core/incident/event.ts';
import type { CoreSettings } from '../../../src/core/settings.ts';
import type { PartialsMessage } from '../../../src/core/summarize/messages.ts';
import { partialsOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';
import { syntheticTraffic } from '../../support/syntheticTraffic.ts';

const startMs = Date.UTC(2026, 2, 1);
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-file-baseline-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function settingsWith(path: string): CoreSettings {
  return coreSettings({
    feedback: [],
    window: { hopMs: hourMs, scalesMs: [12 * hourMs], latenessMs: 0 },
    defaults: modelSettings({ baseline: { kind: 'file', path, durationMs: 2 * dayMs }, segments: ['plan'] }),
  });
}

function trafficOf(seed: number, fromMs: number, hours: number, shiftAtHour?: number) {
  const shift = shiftAtHour === undefined ? {} : { shiftAtHour };
  const options = { random: new Random(seed), startMs: fromMs, hours, rowsPerHour: 60, predictionPartitions: 1, feedbackPartitions: 0 };
  return syntheticTraffic({ ...options, ...shift });
}

/** A file of three days of the synthetic traffic, up to the start. */
async function baselinesOf(name: string, hasTimes: boolean, seed = 1): Promise<{ settings: CoreSettings; files: FileBaselines }> {
  const rows = (trafficOf(seed, startMs - 3 * dayMs, 72).predictions[0] ?? []).map(({ record }) => {
    const { timeMs, kind: _, version: __, ...row } = record;
    return `${JSON.stringify(hasTimes ? { ...row, ts: timeMs } : row)}\n`;
  });
  const path = join(folder, name);
  writeFileSync(path, rows.join(''));
  const settings = settingsWith(path);
  return { settings, files: (await loadBaselines(settings)).baselines };
}

interface Outcome {
  readonly events: EventRecord[];
  readonly evaluations: EvaluationRecord[];
  readonly facts: FactMap;
}

/** Takes all messages; restarts from the facts after each of the given decisions, perhaps with other files. */
function decide(
  settings: CoreSettings,
  files: FileBaselines,
  messages: readonly PartialsMessage[],
  restartAfter: readonly number[] = [],
  filesAfter = files,
): Outcome {
  const outcome: Outcome = { events: [], evaluations: [], facts: new FactMap() };
  let detector = new Detector(settings, files);
  let decisions = 0;
  for (let offset = 0; offset < messages.length; offset++) {
    const message = messages[offset];
    const step = message === undefined ? null : detector.take(message, offset);
    if (step === null) continue;
    outcome.events.push(...step.events);
    outcome.evaluations.push(...step.evaluations);
    for (const fact of [...step.facts, step.decided, ...step.tombstones]) outcome.facts.put(fact.key, fact.value);
    if (!restartAfter.includes(++decisions)) continue;
    const committed = detector.commitOffset(offset + 1);
    detector = restoreDetector(settings, outcome.facts, filesAfter).detector;
    offset = committed - 1;
  }
  return outcome;
}

function liveMessages(settings: CoreSettings): PartialsMessage[] {
  return partialsOf(settings, trafficOf(2, startMs, 5 * 24, 4 * 24 + 6), new Random(3));
}

describe('a detector with a baseline file', () => {
  it.each([true, false])('gives the same after restarts as without (rows with times: %s)', async (hasTimes) => {
    const { settings, files } = await baselinesOf(`restart-${hasTimes}.ndjson`, hasTimes);
    const messages = liveMessages(settings);
    const whole = decide(settings, files, messages);
    const broken = decide(settings, files, messages, [2, 30, 71, 72, 73, 90, 105]);
    expect(whole.events.some((event) => event.step === 'opened')).toBe(true);
    expect(broken.events).toEqual(whole.events);
    expect(broken.evaluations).toEqual(whole.evaluations);
  });

  it('writes no facts for what the file says again at the next start', async () => {
    const { settings, files } = await baselinesOf('facts.ndjson', true);
    const { facts } = decide(settings, files, liveMessages(settings));
    expect(facts.byKind().state.some(({ subject }) => subject.model === 'fraud')).toBe(true);
    expect(facts.byKind().baseline.filter(({ subject }) => subject.model === 'fraud')).toEqual([]);
  });

  it('learns the variation beside another file anew', async () => {
    const { settings, files } = await baselinesOf('old.ndjson', false);
    const other = await baselinesOf('new.ndjson', false, 7);
    const restartedAfter = 100;
    // One decision an hour, and one of the empty time before the first.
    const { evaluations } = decide(settings, files, liveMessages(settings), [restartedAfter + 1], other.files);
    const verdicts = (fromHour: number, toHour: number) =>
      new Set(
        evaluations
          .filter(({ series, segment }) => series === 'amount' && segment === null)
          .filter(
            ({ windowEnd }) => Date.parse(windowEnd) > startMs + fromHour * hourMs && Date.parse(windowEnd) <= startMs + toHour * hourMs,
          )
          .map(({ verdict }) => verdict),
      );
    expect(verdicts(0, 3 * 24)).toEqual(new Set(['learning']));
    expect(verdicts(3 * 24 + 12, restartedAfter)).toEqual(new Set(['ok']));
    // What was fitted beside the old file is not used for the new one.
    expect(verdicts(restartedAfter, 5 * 24)).toEqual(new Set(['learning']));
  });
});
