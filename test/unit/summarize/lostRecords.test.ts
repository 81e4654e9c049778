/** Retention that overtakes a worker: what summarize says of it, whatever crashes when, and what it does where it is told to stop. */
import { describe, expect, it } from 'vitest';
import type { Metrics } from '../../../src/core/metrics.ts';
import { noMetrics } from '../../../src/core/metrics.ts';
import { PartitionSummarizer } from '../../../src/core/summarize/partitionSummarizer.ts';
import { parseResumeState } from '../../../src/core/summarize/resumeState.ts';
import type { SummarizeStage } from '../../../src/stages/summarize.ts';
import { all, hopMs, positionOf, prediction, run, send, settings, startMs, type World, world } from '../../support/summarizeWorld.ts';

const at = { topic: 'predictions', partition: 0 };

/** Everything that was lost, as the metric counts it. */
function countingLosses(): { readonly metrics: Metrics; lost: number } {
  const counted = {
    lost: 0,
    metrics: {
      ...noMetrics,
      count: (name, _labels, by = 1) => {
        if (name === 'tidemark_records_lost_total') counted.lost += by;
      },
    } satisfies Metrics as Metrics,
  };
  return counted;
}

const losses = async ({ log }: World) => (await all(log, 'watermark')).flatMap(({ lost }) => lost ?? []);

/** A world whose group has read a record of two panes, and of which retention has then taken the next two. */
async function overtaken(): Promise<World> {
  const one = await world();
  await send(one.log, [prediction(1, startMs), prediction(2, startMs + hopMs)], startMs + hopMs);
  await run(one, async () => (await positionOf(one.log)) >= 2);
  const later = [3, 4, 5].map((id) => prediction(id, startMs + hopMs));
  await send(one.log, [...later, prediction(6, startMs + 3 * hopMs)], startMs + 3 * hopMs);
  one.log.deleteRecordsBefore(at, 4);
  return one;
}

describe('Retention that overtakes a worker', () => {
  it('at its start is counted, logged with what to do, and told with the next watermark record, once per partition of partials', async () => {
    const one = await overtaken();
    const counted = countingLosses();
    await run(one, async () => (await positionOf(one.log)) >= 6, { metrics: counted.metrics });
    // What an idle flush had written was not lost.
    expect(await losses(one)).toEqual(Array.from({ length: 3 }, () => ({ cause: 'retention', from: 2, to: 4 })));
    expect(counted.lost).toBe(2);
    expect(one.errors.map(({ message }) => message)).toEqual([expect.stringMatching(/Raise the retention of the topic, or add workers/)]);
  });

  it('while it runs is told in the same way', async () => {
    const one = await world(1, 2);
    await send(one.log, [prediction(1, startMs), prediction(2, startMs + 1)], startMs);
    let isOvertaken = false;
    const counted = countingLosses();
    await run(
      one,
      async () => {
        if (!isOvertaken && (await positionOf(one.log)) >= 2) {
          isOvertaken = true;
          await send(
            one.log,
            Array.from({ length: 6 }, (_, id) => prediction(10 + id, startMs + hopMs)),
            startMs + hopMs,
          );
          await send(one.log, [prediction(20, startMs + 3 * hopMs)], startMs + 3 * hopMs);
          one.log.deleteRecordsBefore(at, 7);
        }
        return (await positionOf(one.log)) >= 9;
      },
      { metrics: counted.metrics },
    );
    const told = await losses(one);
    expect(new Set(told.map(({ to }) => to))).toEqual(new Set([7]));
    expect(counted.lost).toBe(7 - (told[0]?.from ?? 0));
    expect(one.errors).toHaveLength(1);
  });

  it('is not forgotten by a crash between the commit behind the loss and the watermark record that tells of it', () => {
    const source = { role: 'predictions', topic: 'predictions', partition: 0 } as const;
    const make = (start: ConstructorParameters<typeof PartitionSummarizer>[0]['start']) =>
      new PartitionSummarizer({ settings, source, partitions: 1, configHash: 'h', start });
    const add = (summarizer: PartitionSummarizer, offset: number, timeMs: number) =>
      summarizer.add(
        {
          kind: 'prediction',
          id: `${offset}`,
          timeMs,
          model: 'm',
          version: '1',
          features: {},
          prediction: null,
          score: null,
          segments: {},
          label: null,
        },
        offset,
        timeMs,
      );
    const first = make({ kind: 'beginning', offset: 0 });
    add(first, 0, startMs);
    first.skipLost(50);
    first.drain();
    const committed = first.resumePoint();
    expect(committed.offset).toBe(50);
    const state = parseResumeState(committed.metadata);
    if (state === null) throw new Error('Our own metadata');
    const second = make({ kind: 'resume', offset: 50, state });
    expect(second.idleRecord(0).lost).toEqual({ cause: 'retention', from: 1, to: 50 });
    add(second, 50, startMs + 2 * hopMs);
    expect(second.drain().map(({ watermark }) => watermark.lost)).toEqual([{ cause: 'retention', from: 1, to: 50 }]);
    expect(parseResumeState(second.resumePoint().metadata)?.lost).toBeUndefined();
    expect(second.idleRecord(0).lost).toBeUndefined();
  });

  it('stops the partition where kafka.onGap is stop, and a restart with continue goes on', async () => {
    const one = await overtaken();
    let stage: SummarizeStage | null = null;
    const before = await positionOf(one.log);
    const hasStopped = () => (stage?.stoppedPartitions.length ?? 0) > 0;
    await run(one, hasStopped, { onGap: 'stop', onStage: (running) => (stage = running) });
    expect(await positionOf(one.log)).toBe(before);
    expect(one.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/partition 0 is stopped at offset 2: .* restart the workers with kafka\.onGap: continue/),
    ]);
    await run(one, async () => (await positionOf(one.log)) >= 6, { onGap: 'continue' });
    expect(await losses(one)).toEqual(Array.from({ length: 3 }, () => ({ cause: 'retention', from: 2, to: 4 })));
  });

  it('stops a partition that is overtaken while it is read', async () => {
    const one = await world(1, 2);
    await send(one.log, [prediction(1, startMs), prediction(2, startMs + 1)], startMs);
    let stage: SummarizeStage | null = null;
    let isOvertaken = false;
    await run(
      one,
      async () => {
        if (!isOvertaken && (await positionOf(one.log)) >= 2) {
          isOvertaken = true;
          await send(
            one.log,
            Array.from({ length: 6 }, (_, id) => prediction(10 + id, startMs + hopMs)),
            startMs + hopMs,
          );
          one.log.deleteRecordsBefore(at, 7);
        }
        return (stage?.stoppedPartitions.length ?? 0) > 0;
      },
      { onGap: 'stop', onStage: (running) => (stage = running) },
    );
    expect(Math.max(...(await all(one.log, 'watermark')).map(({ position }) => position), 0)).toBeLessThan(7);
    expect(one.errors).toHaveLength(1);
  });
});
