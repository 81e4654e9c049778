/** Bounds on what a message may hold, so that memory stays bounded by settings and not by producers. */

/** Longest name (model, version, feature, class, segment value) in UTF-8 bytes: names are kept, and go into keys, labels and tags. */
export const maxNameBytes = 256;
/** Deepest nesting of a feature value. Nested values are only counted, but whoever shows one must be able to walk it. */
export const maxDepth = 32;

/** A UTF-16 code unit takes at most three bytes, so that short names (all of them, in practice) are never encoded to be measured. */
export function nameFits(name: string): boolean {
  return name.length * 3 <= maxNameBytes || (name.length <= maxNameBytes && Buffer.byteLength(name, 'utf8') <= maxNameBytes);
}

/** Whether a parsed object or array is nested deeper than `maxDepth`. Without recursion to the depth of the input. */
export function isTooDeep(value: object, depth = 1): boolean {
  if (depth > maxDepth) return true;
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null && isTooDeep(inner, depth + 1)) return true;
  }
  return false;
}
