import { afterEach, describe, expect, it } from 'vitest';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import { noMetrics } from '../../../src/core/metrics.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import { systemClock } from '../../../src/log/systemClock.ts';
import { DetectStage } from '../../../src/stages/detect.ts';
import { leastOf, type StageProgress } from '../../../src/stages/progress.ts';
import { collectingLogger } from '../../support/collectingLogger.ts';
import { coreSettings } from '../../support/settings.ts';

const topics = internalTopics('g');
const settings = coreSettings({ group: 'g', feedback: [] });

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

function start(log: MemoryLog, worker: string): DetectStage {
  const stop = new AbortController();
  const stage = new DetectStage({ log: log.as(worker), settings, clock: systemClock, logger: collectingLogger(), metrics: noMetrics });
  const ended = stage.run(stop.signal);
  running.push(async () => {
    stop.abort();
    await ended;
  });
  return stage;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('how far a stage is', () => {
  it('is restoring until the last of its partitions has its state back', async () => {
    const held: (() => void)[] = [];
    const log = new MemoryLog({
      interpose: async (operation, effect) => {
        // The read of history, partition by partition.
        if (operation.name === 'next') await new Promise<void>((resolve) => held.push(resolve));
        return effect();
      },
    });
    await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions: 2, configs: {} })));
    const stage = start(log, 'a');
    expect(stage.progress).toEqual({ kind: 'starting' });
    await until(() => held.length === 2);
    expect(stage.progress).toEqual({ kind: 'restoring', left: 2, of: 2 });
    held[0]?.();
    await until(() => stage.progress.kind === 'restoring' && stage.progress.left === 1);
    held[1]?.();
    await until(() => stage.progress.kind === 'running');
  });

  it('is running where it was given no partition', async () => {
    const log = new MemoryLog();
    await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions: 1, configs: {} })));
    const first = start(log, 'a');
    await until(() => first.progress.kind === 'running');
    const second = start(log, 'b');
    await until(() => second.progress.kind === 'running');
    expect(first.progress.kind).toBe('running');
  });

  it('of several stages is that of the least far', () => {
    const running: StageProgress = { kind: 'running' };
    const restoring: StageProgress = { kind: 'restoring', left: 1, of: 4 };
    expect(leastOf([running, restoring, running])).toBe(restoring);
    expect(leastOf([restoring, { kind: 'starting' }])).toEqual({ kind: 'starting' });
    expect(leastOf([restoring, { kind: 'stopped' }])).toEqual({ kind: 'stopped' });
    expect(leastOf([])).toEqual(running);
  });
});
