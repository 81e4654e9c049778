/** The versions of a model, or the values of a segment, that have had predictions, and since when and until when. */
import { dayMs } from '../duration.ts';
import { compareForCap } from '../record/caps.ts';
import type { SeenState } from './modelState.ts';

export class KnownNames {
  readonly #names = new Map<string, SeenState>();

  /** It has predictions in the pane that ends then. */
  see(name: string, endMs: number): void {
    const seen = this.#names.get(name);
    if (seen === undefined) this.#names.set(name, { firstMs: endMs, lastMs: endMs });
    else seen.lastMs = endMs;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whether it has had no predictions for a day, or is not known any more because it was over the limit. */
  isGone(name: string, nowMs: number): boolean {
    const seen = this.#names.get(name);
    return seen === undefined || isOver(seen, nowMs);
  }

  /** Of the versions that came before this one the latest for which there is something; null where there is none. */
  latestBefore<T>(version: string, find: (earlier: string) => T | null): T | null {
    const firstMs = this.#names.get(version)?.firstMs;
    if (firstMs === undefined) return null;
    const earlier = [...this.#names]
      .filter(([other, seen]) => other !== version && seen.firstMs < firstMs)
      .sort(([left, a], [right, b]) => b.firstMs - a.firstMs || (left < right ? 1 : -1));
    for (const [other] of earlier) {
      const found = find(other);
      if (found !== null) return found;
    }
    return null;
  }

  /** Forgets what is over the limit: those without predictions for a day first, the oldest of them first. */
  cap(most: number, nowMs: number): void {
    if (this.#names.size <= most) return;
    const byNeed = [...this.#names].sort(
      ([left, a], [right, b]) =>
        Number(isOver(a, nowMs)) - Number(isOver(b, nowMs)) ||
        (isOver(a, nowMs) ? b.firstMs - a.firstMs : 0) ||
        compareForCap(left, right, new Set()),
    );
    for (const [name] of byNeed.slice(most)) this.#names.delete(name);
  }

  clear(): void {
    this.#names.clear();
  }

  snapshot(): [name: string, state: SeenState][] {
    return [...this.#names].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  restore(names: readonly (readonly [name: string, state: SeenState])[]): void {
    for (const [name, seen] of names) this.#names.set(name, { ...seen });
  }
}

/** Whether it has had no data for a day. */
function isOver({ lastMs }: SeenState, nowMs: number): boolean {
  return nowMs - lastMs >= dayMs;
}
