import { hashId } from './hash.ts';
import type { CategoryCount, CategorySummary } from './types.ts';

const longestValue = 200;
const keptPrefix = 180;

/** Order of a summary: by falling count, ties by value. What stands last is evicted first. */
function compareCategories(left: CategoryCount, right: CategoryCount): number {
  return right.count - left.count || (left.value < right.value ? -1 : left.value > right.value ? 1 : 0);
}

/** A category as it is kept: well-formed, and not over 200 characters: a longer one keeps a prefix, and a hash that tells it from others. */
function categoryName(value: string): string {
  const text = value.toWellFormed();
  if (text.length <= longestValue) return text;
  const hash = hashId(text);
  const digits = hash.high.toString(16).padStart(8, '0') + hash.low.toString(16).padStart(8, '0');
  return `${text.slice(0, keptPrefix).toWellFormed()}…#${digits}`;
}

interface Slot extends CategoryCount {
  count: number;
  error: number;
  /** Count under which the slot stands in the heap: at most `count`. */
  heapCount: number;
}

/**
 * Counts of categories: exact up to `cap` distinct ones; from then on Space-Saving (Metwally, Agrawal, El Abbadi 2005): a new category takes
 * the place of the smallest one and inherits its count as its possible error. A category is in the list if it occurs more often than the
 * smallest count there; every `count` is too high by at most `error`.
 *
 * Cost: one look-up of a map per value. The heap that finds the smallest exists only after the cap was reached, and is set right only
 * where an eviction looks, so a value that is in the list costs the same as before.
 */
export class CategoryCounter {
  readonly #cap: number;
  readonly #slots = new Map<string, Slot>();
  #heap: Slot[] = [];
  #count = 0;
  #characters = 0;

  /** @param cap most categories that are kept, at least 1. */
  constructor(cap: number) {
    this.#cap = Math.max(1, cap);
  }

  get count(): number {
    return this.#count;
  }

  add(value: string): void {
    this.#count += 1;
    const slot = value.length <= longestValue ? this.#slots.get(value) : undefined;
    if (slot === undefined) this.#addUnseen(categoryName(value));
    else slot.count += 1;
  }

  summary(): CategorySummary {
    const entries = [...this.#slots.values()].map(({ value, count, error }) => ({ value, count, error })).sort(compareCategories);
    return { count: this.#count, entries, truncated: this.#heap.length > 0 };
  }

  bytes(): number {
    return 200 + this.#slots.size * 120 + this.#characters + this.#heap.length * 8;
  }

  #addUnseen(value: string): void {
    const seen = this.#slots.get(value);
    if (seen !== undefined) {
      seen.count += 1;
      return;
    }
    this.#characters += value.length;
    if (this.#slots.size < this.#cap) {
      this.#slots.set(value, { value, count: 1, error: 0, heapCount: 1 });
      return;
    }
    const smallest = this.#smallest();
    this.#slots.delete(smallest.value);
    this.#characters -= smallest.value.length;
    const slot = { value, count: smallest.count + 1, error: smallest.count, heapCount: smallest.count + 1 };
    this.#slots.set(value, slot);
    this.#heap[0] = slot;
    this.#sink(0);
  }

  /** The slot that is evicted next, at the top of the heap. */
  #smallest(): Slot {
    if (this.#heap.length === 0) {
      this.#heap = [...this.#slots.values()];
      for (const slot of this.#heap) slot.heapCount = slot.count;
      for (let i = (this.#heap.length >> 1) - 1; i >= 0; i -= 1) this.#sink(i);
    }
    // Counts only grow, so a slot whose count has grown since can only have to go down; the first fresh top is the smallest of all.
    for (;;) {
      const top = this.#heap[0]!;
      if (top.heapCount === top.count) return top;
      top.heapCount = top.count;
      this.#sink(0);
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const slot = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isEvictedBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isEvictedBefore(heap[child]!, slot)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = slot;
  }
}

function isEvictedBefore(left: Slot, right: Slot): boolean {
  return left.heapCount < right.heapCount || (left.heapCount === right.heapCount && left.value > right.value);
}

/**
 * Merges category summaries (Agarwal et al. 2012, Mergeable summaries): counts and errors add up; a category that a truncated part
 * does not list may have occurred there as often as the smallest it lists, so that much is added to its count and to its error.
 */
export function mergeCategories(parts: readonly CategorySummary[], cap: number): CategorySummary {
  const totals = new Map<string, { count: number; error: number; listedFloor: number }>();
  let count = 0;
  let floor = 0;
  let truncated = false;
  for (const part of parts) {
    const partFloor = part.truncated ? (part.entries.at(-1)?.count ?? 0) : 0;
    count += part.count;
    floor += partFloor;
    truncated ||= part.truncated;
    for (const entry of part.entries) {
      const total = totals.get(entry.value);
      if (total === undefined) {
        totals.set(entry.value, { count: entry.count, error: entry.error, listedFloor: partFloor });
      } else {
        total.count += entry.count;
        total.error += entry.error;
        total.listedFloor += partFloor;
      }
    }
  }
  const entries: CategoryCount[] = [];
  for (const [value, total] of totals) {
    const unlisted = floor - total.listedFloor;
    entries.push({ value, count: total.count + unlisted, error: total.error + unlisted });
  }
  entries.sort(compareCategories);
  if (entries.length > cap) {
    truncated = true;
    entries.length = Math.max(1, cap);
  }
  return { count, entries, truncated };
}
