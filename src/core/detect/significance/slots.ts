/** Slots: the hours of the day whose rates a window is compared with (recipe, section 1). */
import { dayMs } from '../../duration.ts';

/** Below this length of baseline one slot serves all hours: the rhythm then counts as variation (insensitive, not wrong). */
const hourSlotsFromMs = 3 * dayMs;
/** A slot with fewer rows than this knows too little of its own. */
const minimumSlotRows = 30;

/** Which slot each unit of the day belongs to: `slotOfUnitOfDay[unit mod length]`, slots numbered from 0 without holes. */
export interface SlotMap {
  readonly slotOfUnitOfDay: readonly number[];
  readonly slots: number;
}

/** One slot for all units. */
export const oneSlot: SlotMap = { slotOfUnitOfDay: [0], slots: 1 };

/** Slot of an absolute unit (`floor(time / unitMs)`; unit 0 begins at midnight UTC). */
export function slotOf(map: SlotMap, unit: number): number {
  return map.slotOfUnitOfDay[unit % map.slotOfUnitOfDay.length]!;
}

/**
 * The slots of a baseline with `rows[i]` rows in the absolute unit `units[i]`: one per unit of the day, those under 30 rows joined from
 * hour 0 up to the next one, the last to the one before; a single one for a baseline under three days or a unit that does not
 * divide the day.
 */
export function fitSlots(units: readonly number[], rows: ArrayLike<number>, unitMs: number): SlotMap {
  const unitsPerDay = dayMs / unitMs;
  if (units.length * unitMs < hourSlotsFromMs || !Number.isInteger(unitsPerDay)) return oneSlot;
  const rowsOfUnit = new Float64Array(unitsPerDay);
  for (let index = 0; index < units.length; index += 1) rowsOfUnit[units[index]! % unitsPerDay]! += rows[index]!;

  const slotOfUnitOfDay: number[] = [];
  let slot = 0;
  let rowsOfSlot = 0;
  for (const count of rowsOfUnit) {
    slotOfUnitOfDay.push(slot);
    rowsOfSlot += count;
    if (rowsOfSlot < minimumSlotRows) continue;
    slot += 1;
    rowsOfSlot = 0;
  }
  // What is left over at the end of the day joins the slot before, if there is one.
  const isLeftOver = slotOfUnitOfDay.at(-1) === slot;
  const slots = isLeftOver ? Math.max(1, slot) : slot;
  return { slotOfUnitOfDay: slotOfUnitOfDay.map((each) => Math.min(each, slots - 1)), slots };
}
