import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../../src/core/duration.ts';
import { delaySlot, delaySlots, exposureMs, joinDelaySlots } from '../../../src/core/performance/delays.ts';
import { dayMs, hourMs } from './stream.ts';

describe('delay slots', () => {
  it('have the edges 0, 15 min, 1, 3, 6, 12 h, then days to 20', () => {
    const edges = [
      0,
      15 * minuteMs,
      hourMs,
      3 * hourMs,
      6 * hourMs,
      12 * hourMs,
      ...Array.from({ length: 20 }, (_, day) => (day + 1) * dayMs),
    ];
    expect(delaySlots).toBe(edges.length);
    for (const [slot, edge] of edges.entries()) {
      expect(delaySlot(edge)).toBe(slot);
      if (edge > 0) expect(delaySlot(edge - 1)).toBe(slot - 1);
    }
    expect(delaySlot(400 * dayMs)).toBe(edges.length - 1);
  });

  it('are seen whole by a prediction that is as old as their upper edge, or as the longest delay there is', () => {
    expect(exposureMs(0, 14 * dayMs)).toBe(15 * minuteMs);
    expect(exposureMs(delaySlot(dayMs), 14 * dayMs)).toBe(2 * dayMs);
    expect(exposureMs(delaySlot(14 * dayMs), 14 * dayMs + hourMs)).toBe(14 * dayMs + hourMs);
    expect(exposureMs(delaySlot(30 * dayMs), 40 * dayMs)).toBe(40 * dayMs);
  });
});

describe('slots under 30 labels', () => {
  it('join the next, the last the one before', () => {
    expect(joinDelaySlots([30, 30, 30])).toEqual([0, 1, 2]);
    expect(joinDelaySlots([10, 20, 30])).toEqual([0, 0, 1]);
    expect(joinDelaySlots([30, 10, 10])).toEqual([0, 0, 0]);
    expect(joinDelaySlots([30, 29, 1, 5, 0])).toEqual([0, 1, 1, 1, 1]);
  });

  it('are one group where there are too few labels for more', () => {
    expect(joinDelaySlots([5, 5, 5])).toEqual([0, 0, 0]);
    expect(joinDelaySlots([0, 0, 40])).toEqual([0, 0, 0]);
  });
});
