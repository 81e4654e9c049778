/** What a summarizer knows of the records before its start (docs/design/protocol.md, Restart). */
import type { Loss } from './messages.ts';
import type { ResumeState, UnknownPast } from './resumeState.ts';

/** Where a summarizer begins, and what is known of the records before. */
export type SummarizerStart =
  /** Nothing was before: a partition whose first record is still there. */
  | { readonly kind: 'beginning'; readonly offset: number }
  /** Something was before, nothing is known of it, but what of it was lost. */
  | { readonly kind: 'middle'; readonly offset: number; readonly lost?: Loss }
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
export type Past = Pick<ResumeState, 'maxTimeMs' | 'closedUntilMs' | 'idle' | 'before' | 'unknownPast' | 'lost'>;

/** What is known at a start of a partition whose panes are `hopMs` long and stay open `latenessMs` after their end. */
export function pastOf(start: SummarizerStart, hopMs: number, latenessMs: number): Past {
  const nothing = { maxTimeMs: null, closedUntilMs: null, idle: null, before: null, unknownPast: null };
  switch (start.kind) {
    case 'beginning':
      return nothing;
    case 'middle':
      return {
        ...nothing,
        unknownPast: { fromOffset: start.offset, untilMs: null },
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

/** The largest event time that was seen before a loss, at the least: also what an idle flush saw, and what closed the last closed pane. */
function seenBefore({ maxTimeMs, idle, closedUntilMs }: ResumeState, latenessMs: number): number | null {
  const seen = [maxTimeMs, idle?.maxTimeMs ?? null, closedUntilMs === null ? null : closedUntilMs + latenessMs];
  return seen.reduce((most, timeMs) => (timeMs === null || (most !== null && most >= timeMs) ? most : timeMs), null);
}

/** Where an idle flush has everything that was deleted, only the panes that it left open are incomplete from here on. */
function unknownAfterGap(offset: number, idle: ResumeState['idle'], maxTimeMs: number | null, hopMs: number): UnknownPast {
  const isCovered = idle !== null && offset <= idle.position;
  return { fromOffset: offset, untilMs: isCovered && maxTimeMs !== null ? (Math.floor(maxTimeMs / hopMs) + 1) * hopMs : null };
}
