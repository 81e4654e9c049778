/**
 * From a plan that breaks something to a smallest one that still does: disturbances are left out by halves, then by smaller pieces, then one by one, for as long as the run
 * fails without them (delta debugging, Zeller 2002). Every try is a whole run of the same seed.
 */
export async function shrink<T>(all: readonly T[], isBroken: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  if (all.length === 0 || (await isBroken([]))) return [];
  let left = all;
  for (let pieces = 2; left.length > 1; ) {
    const size = Math.ceil(left.length / pieces);
    const without = await firstBroken(left, size, isBroken);
    if (without !== null) {
      left = without;
      pieces = Math.max(2, pieces - 1);
    } else if (size === 1) break;
    else pieces = Math.min(left.length, pieces * 2);
  }
  return left;
}

/** The list without its first piece of `size` that is not needed; null where all of them are. */
async function firstBroken<T>(
  list: readonly T[],
  size: number,
  isBroken: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | null> {
  for (let from = 0; from < list.length; from += size) {
    const without = [...list.slice(0, from), ...list.slice(from + size)];
    if (await isBroken(without)) return without;
  }
  return null;
}
