import { describe, expect, it } from 'vitest';
import { SourceClocks } from '../../../src/core/detect/clocks.ts';
import {
  earliestWatermarkMs,
  endWatermarkMs,
  type IdleRecord,
  type SourceRole,
  type WatermarkRecord,
} from '../../../src/core/summarize/messages.ts';

const silenceAfterMs = 900_000;

function clocksOf(predictionTopics = ['predictions'], feedbackTopics: string[] = []): SourceClocks {
  return new SourceClocks({ predictionTopics, feedbackTopics, silenceAfterMs, latenessMs: 0, idleAfterMs: 30_000 });
}

function watermark(
  partition: number,
  watermarkMs: number,
  change: Partial<WatermarkRecord> & { role?: SourceRole; topic?: string } = {},
): WatermarkRecord {
  const { role = 'predictions', topic = role, ...rest } = change;
  const position = rest.position ?? watermarkMs;
  return { type: 'watermark', source: { role, topic, partition }, position, previous: 0, watermarkMs, partitions: 2, ...rest };
}

function idle(partition: number, idleForMs: number, change: Partial<IdleRecord> & { role?: SourceRole; topic?: string } = {}): IdleRecord {
  const { role = 'predictions', topic = role, ...rest } = change;
  return { type: 'idle', source: { role, topic, partition }, position: 1_000_000, idleForMs, watermarkMs: null, partitions: 2, ...rest };
}

/** A partition says twice that it has nothing. */
function confirmIdle(clocks: SourceClocks, partition: number, position: number): void {
  for (const idleForMs of [60_000, 90_000]) clocks.idle(idle(partition, idleForMs, { position }));
}

describe('the data clock', () => {
  it('is the lowest watermark of the prediction partitions', () => {
    const clocks = clocksOf();
    clocks.watermark(watermark(0, 500));
    clocks.watermark(watermark(1, 300));
    expect(clocks.dataMs).toBe(300);
    clocks.watermark(watermark(1, 900));
    expect(clocks.dataMs).toBe(500);
  });

  it('stands still before every partition of every topic has spoken', () => {
    const clocks = clocksOf(['a', 'b']);
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500, { topic: 'a' }));
    clocks.watermark(watermark(0, 500, { topic: 'b' }));
    expect(clocks.dataMs).toBeNull();
    clocks.watermark(watermark(1, 400, { topic: 'b' }));
    expect(clocks.dataMs).toBe(400);
  });

  it('waits for partitions that were added', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 800, { partitions: 3 }));
    expect(clocks.dataMs).toBe(500);
    clocks.watermark(watermark(2, 700, { partitions: 3 }));
    expect(clocks.dataMs).toBe(700);
  });

  it('does not wait for a partition that was idle from the start', () => {
    const clocks = clocksOf();
    clocks.watermark(watermark(0, 500));
    for (const idleForMs of [60_000, 90_000]) clocks.idle(idle(1, idleForMs, { position: 0 }));
    expect(clocks.dataMs).toBe(500);
  });

  it('is held back by a partition whose records had no event time so far', () => {
    const clocks = clocksOf();
    clocks.watermark(watermark(0, 500));
    clocks.watermark(watermark(1, earliestWatermarkMs, { position: 10 }));
    expect(clocks.dataMs).toBe(earliestWatermarkMs);
  });

  it('does not wait for an idle partition, and waits again when it gets something', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    clocks.watermark(watermark(0, 900));
    confirmIdle(clocks, 1, 500);
    expect(clocks.dataMs).toBe(900);
    clocks.watermark(watermark(1, 950, { position: 501 }));
    clocks.watermark(watermark(0, 2_000));
    expect(clocks.dataMs).toBe(950);
  });

  it('goes past an idle partition only as far as that was idle for a whole idleAfter since: a burst is read partition by partition', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    for (const idleForMs of [30_000, 60_000, 90_000]) {
      clocks.idle(idle(0, idleForMs, { position: 500 }));
      clocks.idle(idle(1, idleForMs, { position: 500 }));
    }
    clocks.watermark(watermark(0, 900));
    expect(clocks.dataMs).toBe(500);
    // It may be that the burst came to partition 1 just after it said so.
    clocks.idle(idle(1, 120_000, { position: 500 }));
    clocks.watermark(watermark(0, 1_000));
    expect(clocks.dataMs).toBe(500);
    clocks.idle(idle(1, 150_000, { position: 500 }));
    expect(clocks.dataMs).toBe(900);
    clocks.watermark(watermark(1, 1_000, { position: 501 }));
    expect(clocks.dataMs).toBe(1_000);
  });

  it('does not hold up a backlog at the pace of idle records: what comes after one is at most twice silenceAfter old', () => {
    const clocks = clocksOf();
    const nowMs = 1e9;
    clocks.idle(idle(1, 30_000, { position: 0 }), nowMs);
    clocks.watermark(watermark(0, 500));
    expect(clocks.dataMs).toBe(500);
    clocks.watermark(watermark(0, nowMs - 2 * silenceAfterMs));
    expect(clocks.dataMs).toBe(nowMs - 2 * silenceAfterMs);
    clocks.watermark(watermark(0, nowMs - silenceAfterMs));
    expect(clocks.dataMs).toBe(nowMs - 2 * silenceAfterMs);
    // Where all are idle event time stands still, however long ago it is.
    const old = clocksOf();
    for (const partition of [0, 1]) old.watermark(watermark(partition, 500 + partition));
    for (const partition of [0, 1, 0, 1]) old.idle(idle(partition, 30_000, { position: 501 }), nowMs);
    expect(old.dataMs).toBe(501);
  });

  it('waits for a partition that was idle and whose reader died', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    confirmIdle(clocks, 1, 500);
    for (const timeMs of [900, 1_300, 9_000]) clocks.watermark(watermark(0, timeMs));
    expect(clocks.dataMs).toBe(500);
    expect(clocks.waitingFor).toEqual(['predictions/1']);
  });

  it('never goes back', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    clocks.watermark(watermark(0, 900));
    confirmIdle(clocks, 1, 500);
    clocks.watermark(watermark(1, 600, { position: 501 }));
    expect(clocks.dataMs).toBe(900);
  });

  it('stands still for silenceAfter when all partitions are idle, then goes on at the pace of the idle records', () => {
    const clocks = clocksOf();
    clocks.watermark(watermark(0, 5_000, { position: 1 }));
    clocks.watermark(watermark(1, 9_000, { position: 1 }));
    for (const idleForMs of [30_000, 60_000]) for (const partition of [0, 1]) clocks.idle(idle(partition, idleForMs, { position: 1 }));
    expect(clocks.dataMs).toBe(9_000);
    for (const partition of [0, 1]) clocks.idle(idle(partition, silenceAfterMs, { position: 1 }));
    expect(clocks.dataMs).toBe(9_000);
    clocks.idle(idle(0, silenceAfterMs + 90_000, { position: 1 }));
    expect(clocks.dataMs).toBe(9_000);
    clocks.idle(idle(1, silenceAfterMs + 70_000, { position: 1 }));
    clocks.idle(idle(0, silenceAfterMs + 120_000, { position: 1 }));
    expect(clocks.dataMs).toBe(9_000 + 70_000);
  });

  it('does not take a partition that says nothing any more for silent, while another falls silent again and again', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    for (const idleForMs of [30_000, 60_000]) for (const partition of [0, 1]) clocks.idle(idle(partition, idleForMs, { position: 500 }));
    for (const timeMs of [60_000, 3_600_000, 7_200_000]) {
      clocks.watermark(watermark(0, timeMs));
      clocks.idle(idle(0, 2 * silenceAfterMs, { position: timeMs }));
    }
    expect(clocks.dataMs).toBe(500);
  });

  it('says nothing when all partitions are idle and none ever had an event time', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.idle(idle(partition, 10 * silenceAfterMs));
    expect(clocks.dataMs).toBeNull();
  });

  it('is infinite at the end of all files', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, endWatermarkMs, { position: 9 }));
    expect(clocks.dataMs).toBe(endWatermarkMs);
  });

  it('is not moved by stale records of a zombie', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    expect(clocks.watermark(watermark(1, 400))).toBeNull();
    clocks.idle(idle(1, 60_000, { position: 400 }));
    clocks.watermark(watermark(0, 900));
    expect(clocks.dataMs).toBe(500);
  });

  it('keeps a partition idle when its position is only repeated', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    clocks.watermark(watermark(0, 900));
    clocks.idle(idle(1, 60_000, { position: 500 }));
    clocks.watermark(watermark(1, 500));
    clocks.idle(idle(1, 90_000, { position: 500 }));
    expect(clocks.dataMs).toBe(900);
  });
});

describe('what the data clock waits for', () => {
  it('are the partitions that have not spoken, else those with the lowest watermark', () => {
    const clocks = clocksOf(['a', 'b']);
    expect(clocks.waitingFor).toEqual(['a', 'b']);
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500, { topic: 'a' }));
    clocks.watermark(watermark(1, 900, { topic: 'b' }));
    expect(clocks.waitingFor).toEqual(['b/0']);
    clocks.watermark(watermark(0, 500, { topic: 'b' }));
    expect(clocks.waitingFor).toEqual(['a/0', 'a/1', 'b/0']);
  });
});

describe('idle feedback', () => {
  it('is waited for from its newest idle record on, less what may have been on the way: nobody may read it', () => {
    const minute = 60_000;
    const clocks = clocksOf(['predictions'], ['feedback']);
    const feedback = { role: 'feedback', position: 100, partitions: 1, watermarkMs: 0 } as const;
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 0));
    clocks.idle(idle(0, 30_000, feedback), 10 * minute);
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 60 * minute));
    expect(clocks.labelMs).toBe(9 * minute);
    clocks.idle(idle(0, 50 * minute, feedback), 60 * minute);
    expect(clocks.labelMs).toBe(59 * minute);
    // In files nothing comes behind.
    clocks.idle(idle(0, 60 * minute, feedback));
    expect(clocks.labelMs).toBe(60 * minute);
  });
});

describe('the label clock', () => {
  it('is the data clock where there is no feedback topic', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    expect(clocks.labelMs).toBe(500);
  });

  it('is the lowest of the data clock and the arrival times of the feedback partitions that are not idle', () => {
    const clocks = clocksOf(['predictions'], ['feedback']);
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    clocks.watermark(watermark(0, 900, { role: 'feedback' }));
    expect(clocks.labelMs).toBeNull();
    clocks.watermark(watermark(1, 200, { role: 'feedback' }));
    expect(clocks.labelMs).toBe(200);
    clocks.idle(idle(1, 60_000, { role: 'feedback', position: 200 }));
    expect(clocks.labelMs).toBe(500);
  });
});

describe('another log in the place of the one that was read', () => {
  const again = (partition: number, watermarkMs: number, position: number) =>
    watermark(partition, watermarkMs, { source: { role: 'predictions', topic: 'predictions', partition, generation: 1 }, position });

  it('moves the clock from its first offsets on, and does not move it back', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500, { position: 90_000 }));
    clocks.watermark(again(0, 200, 10));
    expect(clocks.dataMs).toBe(500);
    clocks.watermark(again(0, 900, 20));
    clocks.watermark(again(1, 700, 5));
    expect(clocks.dataMs).toBe(700);
  });

  it('makes what a zombie says of the former log nothing', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500, { position: 90_000 }));
    for (const partition of [0, 1]) clocks.watermark(again(partition, 600, 20));
    const before = clocks.snapshot();
    expect(clocks.takeLoss(watermark(0, 9_000, { position: 91_000, previous: 90_500 }))).toBeNull();
    expect(clocks.watermark(watermark(0, 9_000, { position: 91_000, previous: 90_500 }))).toBeNull();
    clocks.idle(idle(0, 9_000_000, { position: 91_000 }));
    expect(clocks.snapshot()).toEqual(before);
  });
});

describe('a gap', () => {
  it('is where a watermark record begins beyond what is known of its partition', () => {
    const clocks = clocksOf();
    clocks.watermark(watermark(0, 500, { position: 100 }));
    expect(clocks.watermark(watermark(0, 900, { position: 300, previous: 200 }))).toEqual({
      reason: 'gap',
      role: 'predictions',
      fromMs: 500,
      toMs: 900,
    });
    expect(clocks.watermark(watermark(0, 1_000, { position: 400, previous: 300 }))).toBeNull();
  });

  it('reaches, where the reading of a partition began in the middle, from what was known of it to the first pane that is whole', () => {
    const clocks = clocksOf();
    const first = watermark(0, 500, { position: 101, previous: 100, unknownUntilMs: 900 });
    expect(clocks.unknownBefore(first)).toEqual({ reason: 'gap', role: 'predictions', fromMs: earliestWatermarkMs, toMs: 900 });
    clocks.watermark(first);
    const second = watermark(0, 700, { position: 200, previous: 101, unknownUntilMs: 900 });
    expect(clocks.unknownBefore(second)).toMatchObject({ fromMs: 500, toMs: 900 });
    clocks.watermark(second);
    expect(clocks.unknownBefore(first)).toBeNull();
    expect(clocks.unknownBefore(watermark(0, 1_000, { position: 300, previous: 200 }))).toBeNull();
  });

  it('is none where a restart goes back to its resume point, nor at the first record of a partition', () => {
    const clocks = clocksOf();
    expect(clocks.watermark(watermark(0, 500, { position: 700, previous: 600 }))).toBeNull();
    expect(clocks.watermark(watermark(0, 600, { position: 800, previous: 50 }))).toBeNull();
  });
});

describe('what was decided without an idle partition', () => {
  it('is exact as far as the watermark of that partition had come', () => {
    const clocks = clocksOf();
    for (const partition of [0, 1]) clocks.watermark(watermark(partition, 500));
    clocks.idle(idle(1, 60_000, { position: 500 }));
    expect(clocks.isIdleBefore('predictions', 500)).toBe(false);
    expect(clocks.isIdleBefore('predictions', 501)).toBe(true);
    expect(clocks.isIdleBefore('feedback', 501)).toBe(false);
  });
});

describe('a topic that is configured no more', () => {
  const minute = 60_000;

  it.each(['predictions', 'feedback'] as const)('marks nothing for ever where it was idle then: %s', (role) => {
    const of = (topics: string[]) => (role === 'predictions' ? clocksOf(topics) : clocksOf(['predictions'], topics));
    const before = of(['predictions', 'old']);
    for (const forMs of [30_000, 60_000]) before.idle(idle(0, forMs, { role, topic: 'old', position: 5, watermarkMs: 400 }));
    const clocks = of(['predictions']);
    clocks.restore(before.snapshot());
    expect(before.isIdleBefore(role, 900)).toBe(true);
    expect(clocks.isIdleBefore(role, 900)).toBe(false);
  });

  it('hides neither that all others are silent, nor that one of them is not to be waited for', () => {
    const lagOf = (hasOld: boolean, isOtherActive: boolean) => {
      const before = clocksOf(['predictions', 'old']);
      for (const partition of [0, 1]) before.watermark(watermark(partition, 0, { position: 10 }));
      if (hasOld) before.watermark(watermark(0, 0, { topic: 'old', position: 5 }));
      const clocks = clocksOf();
      clocks.restore(before.snapshot());
      for (let step = 1; step < 500; step += 1) {
        const nowMs = step * 30_000;
        const forMs = { position: 10, watermarkMs: 0 };
        if (isOtherActive) clocks.watermark(watermark(0, nowMs, { position: 10 + step, previous: 9 + step }), nowMs);
        else clocks.idle(idle(0, nowMs, forMs), nowMs);
        clocks.idle(idle(1, nowMs, forMs), nowMs);
      }
      return 500 * 30_000 - (clocks.dataMs ?? 0);
    };
    for (const isOtherActive of [true, false]) {
      expect(lagOf(true, isOtherActive)).toBe(lagOf(false, isOtherActive));
      expect(lagOf(false, isOtherActive)).toBeLessThan(20 * minute);
    }
  });
});

describe('a topic that was created anew with fewer partitions', () => {
  it('is not waited for in those that are gone', () => {
    const clocks = clocksOf();
    const anew = { topic: 'predictions', role: 'predictions' as const };
    for (const partition of [0, 1, 2, 3]) clocks.watermark(watermark(partition, 500, { position: 100, partitions: 4 }));
    for (const partition of [0, 1]) {
      const source = { ...anew, partition, generation: 1 };
      clocks.watermark({ type: 'watermark', source, position: 3, previous: 0, watermarkMs: 900, partitions: 2 });
    }
    expect(clocks.dataMs).toBe(900);
  });
});

describe('clocks that are restored', () => {
  it('go on as those that never stopped', () => {
    const records = [
      watermark(0, 500),
      watermark(1, 300),
      idle(0, 60_000, { position: 500 }),
      watermark(1, 900),
      idle(1, silenceAfterMs + 5, { position: 900 }),
    ];
    const whole = clocksOf();
    let broken = clocksOf();
    for (const record of records) {
      for (const clocks of [whole, broken]) record.type === 'idle' ? clocks.idle(record) : clocks.watermark(record);
      const snapshot = JSON.parse(JSON.stringify(broken.snapshot()));
      broken = clocksOf();
      broken.restore(snapshot);
      expect(broken.dataMs).toBe(whole.dataMs);
      expect(broken.snapshot()).toEqual(whole.snapshot());
    }
  });
});
