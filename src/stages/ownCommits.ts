/** Commits of the stages that know from their facts what was done (docs/decisions/0045-moved-commits-of-detect-and-notify.md). */
import type { Commit, OffsetRange } from '../log/port.ts';

/** Metadata that no tool writes which moves a commit: how a stage knows its own position from one that an operator has set. */
export function markOfCommit(offset: number): string {
  return `tidemark ${offset}`;
}

/**
 * Where to read on. `gone`: the committed record is not there any more. `moved`: somebody else has set the position, beyond `knownTo`, up to which facts
 * hold everything; something that nobody has seen may lie before it, so all is read again.
 */
export function whereToBegin(
  commit: Commit | null,
  { low, high }: OffsetRange,
  knownTo: number,
): { readonly start: number; readonly kind: 'first' | 'committed' | 'gone' | 'moved' } {
  if (commit === null) return { start: low, kind: 'first' };
  const { offset, metadata } = commit;
  if (offset < low || offset > high) return { start: low, kind: 'gone' };
  return offset > knownTo && metadata !== markOfCommit(offset) ? { start: low, kind: 'moved' } : { start: offset, kind: 'committed' };
}
