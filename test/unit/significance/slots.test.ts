import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitSlots, oneSlot, slotOf } from '../../../src/core/detect/significance/slots.ts';
import { hourMs } from '../../../src/core/duration.ts';

const unitsOf = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

describe('slots of the hours of the day', () => {
  test('are 24 where every hour has 30 rows in the baseline', () => {
    const map = fitSlots(unitsOf(0, 72), new Array(72).fill(10), hourMs);
    expect(map.slots).toBe(24);
    expect(map.slotOfUnitOfDay).toEqual(unitsOf(0, 24));
  });

  test('go by the absolute unit, wherever the baseline begins', () => {
    const rows = new Array(72).fill(40);
    const map = fitSlots(unitsOf(24 * 1000 + 7, 72), rows, hourMs);
    expect(slotOf(map, 24 * 2000 + 13)).toBe(13);
  });

  test('one slot serves a baseline under three days', () => {
    expect(fitSlots(unitsOf(0, 71), new Array(71).fill(1000), hourMs)).toEqual(oneSlot);
  });

  test('one slot serves units that do not divide the day', () => {
    expect(fitSlots(unitsOf(0, 300), new Array(300).fill(1000), 50 * 60_000)).toEqual(oneSlot);
  });

  test('a slot under 30 rows joins the next, the last the one before', () => {
    // Over three days: hours 0 to 2 have 12 rows each, hour 23 has 3, the others 60.
    const rows = unitsOf(0, 72).map((unit) => (unit % 24 < 3 ? 4 : unit % 24 === 23 ? 1 : 20));
    const map = fitSlots(unitsOf(0, 72), rows, hourMs);
    expect(map.slotOfUnitOfDay.slice(0, 5)).toEqual([0, 0, 0, 1, 2]);
    expect(map.slotOfUnitOfDay.slice(-3)).toEqual([map.slots - 2, map.slots - 1, map.slots - 1]);
    expect(map.slots).toBe(21);
  });

  test('hardly any rows leave one slot', () => {
    expect(fitSlots(unitsOf(0, 72), new Array(72).fill(0.1), hourMs).slots).toBe(1);
  });

  test('every slot has 30 rows, or is the only one, and no number is left out', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { minLength: 72, maxLength: 200 }), fc.nat(10_000), (rows, first) => {
        const units = unitsOf(first, rows.length);
        const map = fitSlots(units, rows, hourMs);
        const counts = new Array(map.slots).fill(0);
        units.forEach((unit, index) => {
          counts[slotOf(map, unit)] += rows[index];
        });
        expect(map.slots === 1 || Math.min(...counts) >= 30).toBe(true);
        expect(new Set(map.slotOfUnitOfDay).size).toBe(map.slots);
      }),
    );
  });
});
