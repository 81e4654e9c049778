/** Why panes of the recent past are not exact: the newest pane end by reason, so that a window can say what is in it. */
export class RecentReasons {
  readonly #newestMs = new Map<string, number>();

  /** Reasons of the pane that ends at `endMs`. */
  note(reasons: readonly string[], endMs: number): void {
    for (const reason of reasons) this.#newestMs.set(reason, Math.max(endMs, this.#newestMs.get(reason) ?? endMs));
  }

  /** Reasons of panes that end after a time. */
  after(timeMs: number): string[] {
    return [...this.#newestMs].flatMap(([reason, endMs]) => (endMs > timeMs ? [reason] : []));
  }

  snapshot(): (readonly [reason: string, endMs: number])[] {
    return [...this.#newestMs].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  restore(state: readonly (readonly [reason: string, endMs: number])[]): void {
    for (const [reason, endMs] of state) this.#newestMs.set(reason, endMs);
  }
}
