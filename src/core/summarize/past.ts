/** What a summarizer knows of the records before its start (docs/design/protocol.md, Restart). */
import type { WindowSettings } from '../settings.ts';
import type { Loss, SourceRole } from './messages.ts';
import type { ResumeState, UnknownPast } from './resumeState.ts';

/** How long panes of a source stay open after their end: feedback, which is filed by arrival, is never late. */
export function latenessOf(role: SourceRole, { latenessMs }: Pick<WindowSettings, 'latenessMs'>): number {
  return role === 'feedback' ? 0 : latenessMs;
}

/** Where a summarizer begins, and what is known of the records before. */
export type SummarizerStart =
  /** Nothing was before: a partition whose first record is still there. */
  | { readonly kind: 'beginning'; readonly offset: number }
  /**
   * Something was before, of which nothing is known but what was lost of it, and `mostMs`: no event time (feedback: arrival) before is larger. Absent where that is
   * not known either: then it is taken from the first record, as if that were not late.
   */
  | { readonly kind: 'middle'; readonly offset: number; readonly lost?: Loss; readonly mostMs?: number }
  /** At a committed resume point. */
  | { readonly kind: 'resume'; readonly offset: number; readonly state: ResumeState }
  /** After a committed resume point, behind records up to `offset` that are not to be had any more; `lost`: those that are in no partial. */
  | { readonly kind: 'gap'; readonly offset: number; readonly state: ResumeState; readonly lost?: Loss }
  /**
   * In another log than the one that was read. `state`: of the former one, null where nothing is known; `isWhole`: whether the log begins at `offset`, so that what
   * comes is all that there is.
   */
  | { readonly kind: 'anew'; readonly offset: number; readonly state: ResumeState | null; readonly isWhole: boolean; readonly lost: Loss };

/** The part of a resume state that a start fixes; see `ResumeState` for its members. */
export type Past = Pick<ResumeState, 'maxTimeMs' | 'closedUntilMs' | 'idle' | 'before' | 'pace' | 'unknownPast' | 'lost'>;

/** What is known at a start of a partition whose panes are `hopMs` long and stay open `latenessMs` after their end. */
export function pastOf(start: SummarizerStart, hopMs: number, latenessMs: number): Past {
  const nothing = { maxTimeMs: null, closedUntilMs: null, idle: null, before: null, unknownPast: null };
  switch (start.kind) {
    case 'beginning':
      return nothing;
    case 'middle':
      return {
        ...nothing,
        unknownPast: { fromOffset: start.offset, untilMs: start.mostMs === undefined ? null : paneEndAfter(start.mostMs, hopMs) },
        ...(start.lost === undefined ? {} : { lost: start.lost }),
      };
    case 'resume':
      return start.state;
    case 'anew': {
      const maxTimeMs = start.state === null ? null : seenBefore(start.state, latenessMs);
      return { ...nothing, maxTimeMs, unknownPast: start.isWhole ? null : { fromOffset: start.offset, untilMs: null }, lost: start.lost };
    }
    case 'gap': {
      const maxTimeMs = seenBefore(start.state, latenessMs);
      const lost = start.lost === undefined ? start.state.lost : joinLosses(start.state.lost, start.lost);
      return {
        ...start.state,
        maxTimeMs,
        before: null,
        unknownPast: unknownAfterGap(start.offset, start.state.idle, maxTimeMs, hopMs),
        ...(lost === undefined ? {} : { lost }),
      };
    }
  }
}

/** One loss of two that nobody has told of yet: what lies between them was not summarized either, or is too little to tell apart. */
export function joinLosses(earlier: Loss | undefined, later: Loss): Loss {
  return earlier === undefined
    ? later
    : { cause: later.cause, from: Math.min(earlier.from, later.from), to: Math.max(earlier.to, later.to) };
}

/** The largest event time that was seen before a resume point, at the least: also what an idle flush saw, and what closed the last closed pane. */
export function seenBefore({ maxTimeMs, idle, closedUntilMs }: ResumeState, latenessMs: number): number | null {
  const seen = [maxTimeMs, idle?.maxTimeMs ?? null, closedUntilMs === null ? null : closedUntilMs + latenessMs];
  return seen.reduce(laterOf, null);
}

/** The later of two times, of which either may not be known. */
export function laterOf(left: number | null, right: number | null): number | null {
  return left === null || (right !== null && right > left) ? right : left;
}

/** Where an idle flush has everything that was deleted, only the panes that it left open are incomplete from here on. */
function unknownAfterGap(offset: number, idle: ResumeState['idle'], maxTimeMs: number | null, hopMs: number): UnknownPast {
  const isCovered = idle !== null && offset <= idle.position;
  return { fromOffset: offset, untilMs: isCovered && maxTimeMs !== null ? paneEndAfter(maxTimeMs, hopMs) : null };
}

/** End of the pane that holds this time. */
function paneEndAfter(timeMs: number, hopMs: number): number {
  return (Math.floor(timeMs / hopMs) + 1) * hopMs;
}
