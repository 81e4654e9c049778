/** Caps that every partition applies alike: declared names first, then those with the smallest hash (docs/design/design.md, section 1). */
import { hashText } from '../sketch/hash.ts';

/** Rank of a name under a cap: the lower is kept. Two names may share one. */
export function capRank(name: string, declared: ReadonlySet<string>): number {
  return hashText(name) - (declared.has(name) ? 2 ** 32 : 0);
}

/** Which of two names a cap keeps: negative where it is `left`. */
export function compareForCap(left: string, right: string, declared: ReadonlySet<string>): number {
  return capRank(left, declared) - capRank(right, declared) || (left < right ? -1 : left > right ? 1 : 0);
}

/** At most `limit` of the names. */
export function keepSmallestHashes(names: readonly string[], declared: ReadonlySet<string>, limit: number): string[] {
  if (names.length <= limit) return [...names];
  return [...names].sort((left, right) => compareForCap(left, right, declared)).slice(0, limit);
}
