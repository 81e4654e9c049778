import { expect, it } from 'vitest';
import { noMetrics } from '../../../src/core/metrics.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import type { Log } from '../../../src/log/port.ts';
import { readToBarrier } from '../../../src/stages/compactedTopic.ts';

const at = { topic: 'history', partition: 0 };

it('gives what others have put in the place of a record that compaction deleted while it was on the way', async () => {
  // One record at a time, so that a barrier ends the reading.
  const log = new MemoryLog({ fetchSize: () => 1 });
  await log.createTopics([{ topic: at.topic, partitions: 1, configs: {} }]);
  await log.produce([{ ...at, key: 'decided until 1', value: 'one' }]);
  const slow = frozenBeforeReading(log, async () => {
    await log.produce([
      { ...at, key: 'decided until 2', value: 'two' },
      { ...at, key: 'decided until 1', value: null },
    ]);
    log.compact(at, (await log.offsets(at)).high, 0);
  });
  const state = new Map<string, string | null>();
  const isWhole = await readToBarrier(
    { log: slow, metrics: noMetrics },
    at,
    'barrier',
    () => true,
    (key, value) => state.set(key, value === null ? null : new TextDecoder().decode(value)),
  );
  expect(isWhole).toBe(true);
  expect(state).toEqual(
    new Map([
      ['decided until 2', 'two'],
      ['decided until 1', null],
    ]),
  );
});

it('reads to one barrier where nobody else writes', async () => {
  const log = new MemoryLog();
  await log.createTopics([{ topic: at.topic, partitions: 1, configs: {} }]);
  await log.produce([{ ...at, key: 'decided until 1', value: 'one' }]);
  await readToBarrier(
    { log, metrics: noMetrics },
    at,
    'barrier',
    () => true,
    () => {},
  );
  expect(await log.offsets(at)).toEqual({ low: 0, high: 2 });
});

/** A log whose first reader gets nothing before something has happened. */
function frozenBeforeReading(log: Log, happens: () => Promise<void>): Log {
  let isFrozen = true;
  return {
    partitionCount: (topic) => log.partitionCount(topic),
    offsets: (partition) => log.offsets(partition),
    offsetAtTime: (partition, timestampMs) => log.offsetAtTime(partition, timestampMs),
    createTopics: (specs) => log.createTopics(specs),
    produce: (records) => log.produce(records),
    join: (options) => log.join(options),
    close: () => log.close(),
    read: async (partition, fromOffset) => {
      if (isFrozen) await happens();
      isFrozen = false;
      return log.read(partition, fromOffset);
    },
  };
}
