/** What a restart reads again, in records: at most one chunk of each source partition, and each partition of history once. */
import { describe, expect, it } from 'vitest';
import { hourMs } from '../../../src/core/duration.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import { type Metrics, noMetrics } from '../../../src/core/metrics.ts';
import { encodeMessage } from '../../../src/core/summarize/codec.ts';
import { chunkSize } from '../../../src/core/summarize/messages.ts';
import type { Interpose } from '../../../src/log/memory/memoryContext.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import type { Log, PartitionReader } from '../../../src/log/port.ts';
import { systemClock } from '../../../src/log/systemClock.ts';
import { DetectStage } from '../../../src/stages/detect.ts';
import { SummarizeStage } from '../../../src/stages/summarize.ts';
import { collectingLogger } from '../../support/collectingLogger.ts';
import { partialsOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';
import { syntheticTraffic } from '../../support/syntheticTraffic.ts';

const startMs = Date.UTC(2026, 2, 1);
const topics = internalTopics('g');

describe('a summarize stage that is killed', () => {
  const records = 2 * chunkSize + 10_000;
  // One pane holds them all, so that only the ends of chunks close anything.
  const settings = coreSettings({ group: 'g', feedback: [], window: { hopMs: 24 * hourMs, idleAfterMs: 10 * 24 * hourMs } });

  async function filled(interpose: Interpose): Promise<MemoryLog> {
    const log = new MemoryLog({ interpose, fetchSize: () => 3_000 });
    await log.createTopics([
      { topic: 'predictions', partitions: 1, configs: {} },
      { topic: topics.partials, partitions: 3, configs: {} },
      { topic: topics.deadLetters, partitions: 1, configs: {} },
    ]);
    const value = JSON.stringify({ id: 'p', ts: startMs + hourMs, model: 'fraud', version: '1', features: {}, prediction: 'yes' });
    await log.produce(
      Array.from({ length: records }, () => ({ topic: 'predictions', partition: 0, key: null, value, timestampMs: startMs })),
    );
    return log;
  }

  /** Reads until so many records are read, then dies: nothing that it still does has an effect. */
  async function killedAfter(limit: number): Promise<number> {
    let isDead = false;
    const dead = Promise.withResolvers<never>();
    dead.promise.catch(() => undefined);
    const log = await filled((operation, effect) => {
      if (operation.member === 'victim' && isDead) return dead.promise;
      return Promise.resolve(effect());
    });
    let read = 0;
    const reached = Promise.withResolvers<void>();
    const metrics: Metrics = {
      ...noMetrics,
      count(name, _labels, amount = 1) {
        if (name !== 'tidemark_records_read_total') return;
        read += amount;
        if (read < limit) return;
        isDead = true;
        reached.resolve();
      },
    };
    const stageOn = (on: Log, counted: Metrics) =>
      // A commit by the clock would come now or then, so there is none.
      new SummarizeStage({
        log: on,
        settings,
        start: 'earliest',
        deadLetterShare: 0.1,
        clock: systemClock,
        logger: collectingLogger(),
        metrics: counted,
        commitEveryMs: Number.POSITIVE_INFINITY,
      });
    stageOn(log.as('victim'), metrics)
      .run(new AbortController().signal)
      .catch(() => undefined);
    await reached.promise;
    log.expel('victim');
    const successor = await log.as('successor').join({ group: 'g', topics: ['predictions'] });
    const [commit] = await successor.committed([{ topic: 'predictions', partition: 0 }]);
    await successor.leave();
    return read - (commit?.offset ?? 0);
  }

  it('reads at most a chunk of a partition again, wherever it was killed and although no commit was due by the clock', async () => {
    const again: number[] = [];
    for (const limit of [1_000, chunkSize, chunkSize + 1, 2 * chunkSize - 300, 2 * chunkSize, 2 * chunkSize + 9_000])
      again.push(await killedAfter(limit));
    expect(Math.max(...again)).toBe(chunkSize);
    expect(Math.min(...again)).toBeGreaterThan(0);
  });
});

describe('a detect stage that is started again', () => {
  const settings = coreSettings({
    group: 'g',
    feedback: [],
    window: { hopMs: hourMs, scalesMs: [12 * hourMs], latenessMs: 0 },
    defaults: modelSettings({ baseline: { kind: 'first', durationMs: 24 * hourMs } }),
  });

  it('reads each record of history once', async () => {
    const log = new MemoryLog({ fetchSize: () => 50 });
    await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions: 2, configs: {} })));
    const traffic = syntheticTraffic({
      random: new Random(1),
      startMs,
      hours: 40,
      rowsPerHour: 50,
      predictionPartitions: 2,
      feedbackPartitions: 0,
      shiftAtHour: 30,
    });
    const messages = partialsOf(settings, traffic, new Random(2));
    for (const partition of [0, 1])
      await log.produce(messages.map((message) => ({ topic: topics.partials, partition, key: 'fraud', value: encodeMessage(message) })));

    const high = async () =>
      (await Promise.all([0, 1].map((partition) => log.offsets({ topic: topics.history, partition })))).map((range) => range.high);
    await runUntil(log, async (stage) => stage.progress.kind === 'running' && (await isDecided(log)));
    const before = await high();
    expect(Math.min(...before)).toBeGreaterThan(100);
    const reads = new Map<number, { opened: number; offsets: number[] }>();
    await runUntil(countingReads(log, reads), async (stage) => stage.progress.kind === 'running');
    for (const [partition, count] of before.entries()) {
      // What was there, and the barrier up to which it is read.
      expect(reads.get(partition)).toEqual({ opened: 1, offsets: Array.from({ length: count + 1 }, (_, offset) => offset) });
    }
  });

  async function isDecided(log: MemoryLog): Promise<boolean> {
    const member = await log.as('visitor').join({ group: 'g-detect', topics: [topics.deadLetters] });
    const commits = await member.committed([0, 1].map((partition) => ({ topic: topics.partials, partition })));
    await member.leave();
    const ends = await Promise.all([0, 1].map((partition) => log.offsets({ topic: topics.partials, partition })));
    return ends.every(({ high }, partition) => (commits[partition]?.offset ?? 0) > 0.9 * high);
  }

  async function runUntil(log: Log, isDone: (stage: DetectStage) => Promise<boolean>): Promise<void> {
    const stop = new AbortController();
    const stage = new DetectStage({ log, settings, clock: systemClock, logger: collectingLogger(), metrics: noMetrics });
    const running = stage.run(stop.signal);
    while (!(await isDone(stage))) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    await running;
  }

  function countingReads(log: MemoryLog, reads: Map<number, { opened: number; offsets: number[] }>): Log {
    const plain = log.as('counted');
    return {
      ...plain,
      async read(at, from): Promise<PartitionReader> {
        const reader = await plain.read(at, from);
        if (at.topic !== topics.history) return reader;
        const seen = reads.get(at.partition) ?? { opened: 0, offsets: [] };
        seen.opened += 1;
        reads.set(at.partition, seen);
        return {
          close: () => reader.close(),
          async next(timeoutMs) {
            const batch = await reader.next(timeoutMs);
            seen.offsets.push(...(batch?.records ?? []).map(({ offset }) => offset));
            return batch;
          },
        };
      },
    };
  }
});
