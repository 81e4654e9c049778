/** The watched values of a model's segments, by the name of the segment. */
import type { SegmentKey } from '../summarize/messages.ts';
import { KnownNames } from './knownNames.ts';
import type { SeenState } from './modelState.ts';

type Segment = NonNullable<SegmentKey>;

export class SegmentValues {
  readonly #values = new Map<string, KnownNames>();

  /** It has predictions in the pane that ends then. */
  see([name, value]: Segment, endMs: number): void {
    this.#of(name).see(value, endMs);
  }

  has([name, value]: Segment): boolean {
    return this.#values.get(name)?.has(value) === true;
  }

  /** Forgets of each segment what is over the limit: values that come and go must not take the places of those that are there. */
  cap(most: number, nowMs: number): void {
    for (const known of this.#values.values()) known.cap(most, nowMs);
  }

  clear(): void {
    this.#values.clear();
  }

  snapshot(): [name: string, values: [value: string, state: SeenState][]][] {
    return [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, known]) => [name, known.snapshot()]);
  }

  restore(segments: readonly (readonly [name: string, values: readonly (readonly [value: string, state: SeenState])[]])[]): void {
    for (const [name, values] of segments) this.#of(name).restore(values);
  }

  #of(name: string): KnownNames {
    let known = this.#values.get(name);
    if (known === undefined) {
      known = new KnownNames();
      this.#values.set(name, known);
    }
    return known;
  }
}
