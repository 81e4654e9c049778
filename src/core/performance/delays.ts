/** Delays of labels: how late a label came, and the slots in which windows are compared with labels of the same delay (recipe, section 7). */
import { dayMs, hourMs, minuteMs } from '../duration.ts';

/** Lower edges of the delay slots: 0, 15 min, 1, 3, 6, 12 h, then days to 20. The last slot has no upper edge. */
const delayEdgesMs: readonly number[] = [
  0,
  15 * minuteMs,
  hourMs,
  3 * hourMs,
  6 * hourMs,
  12 * hourMs,
  ...Array.from({ length: 20 }, (_, day) => (day + 1) * dayMs),
];

/** Number of delay slots. */
export const delaySlots = delayEdgesMs.length;

/** A group of slots with fewer labels than this knows too little of its own. */
const minimumSlotLabels = 30;

/** Slot of a delay of at least 0 ms. */
export function delaySlot(delayMs: number): number {
  let slot = delaySlots - 1;
  while (slot > 0 && delayMs < delayEdgesMs[slot]!) slot -= 1;
  return slot;
}

/**
 * How old a prediction must be before everything that its slot can hold has been seen: the upper edge of the slot, at most
 * `longestMs`, the longest delay that the join admits.
 */
export function exposureMs(slot: number, longestMs: number): number {
  return Math.min(delayEdgesMs[slot + 1] ?? longestMs, longestMs);
}

/**
 * Joins slots with fewer than 30 labels to the next, the last to the one before (as the recipe does with hours).
 *
 * @param labels labels per slot.
 * @returns the group of every slot, groups numbered from 0 without holes.
 */
export function joinDelaySlots(labels: ArrayLike<number>): readonly number[] {
  const groupOfSlot: number[] = [];
  let group = 0;
  let count = 0;
  for (let slot = 0; slot < labels.length; slot += 1) {
    groupOfSlot.push(group);
    count += labels[slot]!;
    if (count < minimumSlotLabels) continue;
    group += 1;
    count = 0;
  }
  const isLeftOver = groupOfSlot.at(-1) === group;
  const groups = isLeftOver ? Math.max(1, group) : group;
  return groupOfSlot.map((each) => Math.min(each, groups - 1));
}
