/** Where incidents are: at most one is open per kind and segment of a model. */
import type { SegmentKey } from '../summarize/messages.ts';
import type { IncidentKind } from './event.ts';

/** The place as a key. */
export function placeOf(kind: IncidentKind, segment: SegmentKey): string {
  return JSON.stringify([kind, segment]);
}

/** Whether two segments (null: the whole) are the same one. */
export function isSame(left: SegmentKey, right: SegmentKey): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
