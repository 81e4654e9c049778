import { describe, expect, it } from 'vitest';
import { hourMs } from '../../../src/core/duration.ts';
import { openSourceTopics, replay } from '../../../src/demo/demoReplay.ts';
import type { FlightMessage } from '../../../src/demo/flights.ts';
import { flightTraffic } from '../../../src/demo/flights.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import type { LogRecord } from '../../../src/log/port.ts';

const fromMs = Date.UTC(2001, 0, 22);
const names = { predictions: 'p', feedback: 'f' };

/** A clock that only moves while somebody sleeps. */
function sleepingClock() {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    sleep: async (milliseconds: number) => {
      nowMs += milliseconds;
    },
  };
}

async function recordsOf(log: MemoryLog, topic: string, partitions: number): Promise<LogRecord[][]> {
  const all: LogRecord[][] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const reader = await log.read({ topic, partition }, 0);
    const records: LogRecord[] = [];
    for (let batch = await reader.next(0); batch !== null; batch = await reader.next(0)) records.push(...batch.records);
    all.push(records);
  }
  return all;
}

const keyOf = (record: LogRecord) => new TextDecoder().decode(record.key ?? new Uint8Array());
const traffic = () => flightTraffic({ sample: 0.05, fromMs, toMs: fromMs + 12 * hourMs });

describe('the replay of flights into topics', () => {
  it('writes every message once, with simulated time as timestamp, in order in each partition, and a flight and its label under the same number', async () => {
    const log = new MemoryLog();
    const { topics } = await openSourceTopics(log, names, 3);
    const expected: FlightMessage[] = [];
    for await (const message of traffic()) expected.push(message);
    const options = { log, topics, traffic: traffic(), fromMs, speed: null, clock: sleepingClock(), signal: new AbortController().signal };
    expect(await replay({ ...options, onProgress: () => {} })).toBe(expected.length);

    const predictions = await recordsOf(log, 'p', 3);
    const feedback = await recordsOf(log, 'f', 3);
    const count = (topic: string) => expected.filter((message) => message.topic === topic).length;
    expect(predictions.flat()).toHaveLength(count('predictions'));
    expect(feedback.flat()).toHaveLength(count('feedback'));
    for (const partition of [...predictions, ...feedback]) {
      expect(partition.length).toBeGreaterThan(0);
      const times = partition.map(({ timestampMs }) => timestampMs);
      expect(times).toEqual([...times].sort((one, other) => one - other));
    }
    for (const [partition, records] of feedback.entries()) {
      const flights = new Set(predictions[partition]?.map(keyOf));
      for (const record of records) expect(flights).toContain(keyOf(record));
    }
    expect(new Set(predictions.flat().map(({ timestampMs }) => timestampMs))).toEqual(
      new Set(expected.filter(({ topic }) => topic === 'predictions').map(({ timestampMs }) => timestampMs)),
    );
  });

  it('takes as long as its speed says', async () => {
    const log = new MemoryLog();
    const clock = sleepingClock();
    const { topics } = await openSourceTopics(log, names, 1);
    let lastMs = fromMs;
    const onProgress = (_records: number, timeMs: number) => {
      // Never ahead of what the speed allows.
      expect(timeMs - fromMs).toBeLessThanOrEqual(clock.nowMs() * 3_600 + 1);
      lastMs = timeMs;
    };
    await replay({ log, topics, traffic: traffic(), fromMs, speed: 3_600, clock, signal: new AbortController().signal, onProgress });
    expect(clock.nowMs()).toBeCloseTo((lastMs - fromMs) / 3_600, -1);
  });

  it('waits for a reader that is behind, and lets simulated time stand still meanwhile', async () => {
    const log = new MemoryLog();
    const clock = sleepingClock();
    const { topics } = await openSourceTopics(log, names, 1);
    const largest = { lag: 0 };
    // A reader of 200 records a second, at a speed of 3 hours a second.
    const read = () => clock.nowMs() / 5;
    const onProgress = (records: number) => {
      largest.lag = Math.max(largest.lag, records - read());
    };
    const all = flightTraffic({ sample: 1, fromMs: fromMs + 12 * hourMs, toMs: fromMs + 15 * hourMs });
    const isHeld = (records: number) => records - read() > 100;
    const options = { log, topics, traffic: all, fromMs: fromMs + 12 * hourMs, speed: 10_800, clock, signal: new AbortController().signal };
    const written = await replay({ ...options, isHeld, onProgress });
    expect(written).toBeGreaterThan(4_000);
    expect(largest.lag).toBeLessThanOrEqual(100 + 500);
    expect(clock.nowMs()).toBeGreaterThan((written - 600) * 5);
  });

  it('ends at the signal', async () => {
    const log = new MemoryLog();
    const { topics } = await openSourceTopics(log, names, 1);
    const stop = new AbortController();
    const onProgress = (records: number) => {
      if (records >= 20) stop.abort();
    };
    const options = { log, topics, traffic: traffic(), fromMs, speed: 3_600, clock: sleepingClock(), signal: stop.signal, onProgress };
    const written = await replay(options);
    expect(written).toBeGreaterThanOrEqual(20);
    expect(written).toBeLessThan(100);
  });

  it('says how many records the topics held before', async () => {
    const log = new MemoryLog();
    await openSourceTopics(log, names, 2);
    await log.produce([{ topic: 'p', partition: 1, key: null, value: '{}' }]);
    const { topics, heldBefore } = await openSourceTopics(log, names, 5);
    expect(heldBefore).toBe(1);
    expect(topics.predictions).toEqual({ topic: 'p', partitions: 2 });
  });
});
