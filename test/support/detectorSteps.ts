import { Detector } from '../../src/core/detect/detector.ts';
import { FactMap, restoreDetector } from '../../src/core/detect/restore.ts';
import type { Step } from '../../src/core/detect/step.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import type { PartialsMessage } from '../../src/core/summarize/messages.ts';

/** What a detector decides of these messages. After every `restartEvery` steps it is restored from its facts, and reads on from where it had committed. */
export function* detectorSteps(
  settings: CoreSettings,
  messages: readonly PartialsMessage[],
  restartEvery = Number.POSITIVE_INFINITY,
): Iterable<Step> {
  const facts = new FactMap();
  let detector = new Detector(settings);
  for (let offset = 0, steps = 0; offset < messages.length; offset += 1) {
    const step = detector.take(messages[offset] as PartialsMessage, offset);
    if (step === null) continue;
    for (const { key, value } of [...step.facts, step.decided, ...step.tombstones]) facts.put(key, value);
    yield step;
    steps += 1;
    if (steps % restartEvery !== 0) continue;
    detector = restoreDetector(settings, facts).detector;
    offset = detector.commitOffset(offset + 1) - 1;
  }
}
