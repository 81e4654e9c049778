/** Caps that every partition applies alike: declared names first, then those with the smallest hash (DESIGN section 1). */
import { hashText } from '../sketch/hash.ts';

/** Which of two names a cap keeps: negative where it is `left`. */
export function compareForCap(left: string, right: string, declared: ReadonlySet<string>): number {
  const rank = Number(declared.has(right)) - Number(declared.has(left));
  if (rank !== 0) return rank;
  return hashText(left) - hashText(right) || (left < right ? -1 : left > right ? 1 : 0);
}

/** At most `limit` of the names. */
export function keepSmallestHashes(names: readonly string[], declared: ReadonlySet<string>, limit: number): string[] {
  if (names.length <= limit) return [...names];
  return [...names].sort((left, right) => compareForCap(left, right, declared)).slice(0, limit);
}
