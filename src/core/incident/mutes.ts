/** What people asked not to be told of, by `tidemark mute`, up to an event time. */
import type { CommandRecord, SegmentKey } from '../summarize/messages.ts';
import type { IncidentKind } from './event.ts';
import { isSame } from './place.ts';

/** What is muted, up to an event time (inclusive), and by whom. */
export interface Mute {
  readonly kind: IncidentKind | null;
  readonly segment: SegmentKey;
  readonly series: readonly string[];
  readonly untilMs: number;
  readonly by: string;
  readonly reason: string;
}

/** Whether a series is muted: then it opens, joins and escalates nothing; it is counted, so that it opens as soon as it is not muted any more. */
export function isMuted(mutes: readonly Mute[], kind: IncidentKind, segment: SegmentKey, name: string): boolean {
  return mutes.some(
    (mute) =>
      (mute.kind === null || mute.kind === kind) &&
      (mute.segment === null || isSame(mute.segment, segment)) &&
      (mute.series.length === 0 || mute.series.includes(name)),
  );
}

/** Whether an unmute that names a part (kind, segment, series; nothing: all) covers a mute. */
export function isWithin(mute: Mute, { kind, segment, series }: CommandRecord): boolean {
  return (
    (kind === null || kind === mute.kind) &&
    (segment === null || isSame(segment, mute.segment)) &&
    (series.length === 0 || (mute.series.length > 0 && mute.series.every((name) => series.includes(name))))
  );
}
