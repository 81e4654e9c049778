/** The versions of a model that have had predictions, and since when and until when. */
import { dayMs } from '../duration.ts';
import { compareForCap } from '../record/caps.ts';
import type { VersionState } from './modelState.ts';

export class KnownVersions {
  readonly #versions = new Map<string, VersionState>();

  /** It has predictions in the pane that ends then. */
  see(version: string, endMs: number): void {
    const seen = this.#versions.get(version);
    if (seen === undefined) this.#versions.set(version, { firstMs: endMs, lastMs: endMs });
    else seen.lastMs = endMs;
  }

  has(version: string): boolean {
    return this.#versions.has(version);
  }

  /** Whether it has had no predictions for a day, or is not known any more because it was over the limit. */
  isGone(version: string, nowMs: number): boolean {
    const seen = this.#versions.get(version);
    return seen === undefined || isOver(seen, nowMs);
  }

  /** Of the versions that came before this one the latest for which there is something; null where there is none. */
  latestBefore<T>(version: string, find: (earlier: string) => T | null): T | null {
    const firstMs = this.#versions.get(version)?.firstMs;
    if (firstMs === undefined) return null;
    const earlier = [...this.#versions]
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
    if (this.#versions.size <= most) return;
    const byNeed = [...this.#versions].sort(
      ([left, a], [right, b]) =>
        Number(isOver(a, nowMs)) - Number(isOver(b, nowMs)) ||
        (isOver(a, nowMs) ? b.firstMs - a.firstMs : 0) ||
        compareForCap(left, right, new Set()),
    );
    for (const [version] of byNeed.slice(most)) this.#versions.delete(version);
  }

  clear(): void {
    this.#versions.clear();
  }

  snapshot(): [version: string, state: VersionState][] {
    return [...this.#versions].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  restore(versions: readonly (readonly [version: string, state: VersionState])[]): void {
    for (const [version, seen] of versions) this.#versions.set(version, { ...seen });
  }
}

/** Whether a version has had no data for a day. */
function isOver({ lastMs }: VersionState, nowMs: number): boolean {
  return nowMs - lastMs >= dayMs;
}
