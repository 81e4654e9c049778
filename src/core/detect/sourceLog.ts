/** Source offsets behind the recent past of a model, by hour of event time or arrival, for the `source` of performance incidents. */
import { hourMs } from '../duration.ts';
import type { SourceRange } from '../incident/event.ts';
import { mergeRanges } from './node.ts';

const spanMs = hourMs;

export class SourceLog {
  readonly #spans = new Map<number, SourceRange[]>();

  add(paneStartMs: number, ranges: readonly SourceRange[]): void {
    if (ranges.length === 0) return;
    const spanStartMs = Math.floor(paneStartMs / spanMs) * spanMs;
    this.#spans.set(spanStartMs, mergeRanges([...(this.#spans.get(spanStartMs) ?? []), ...ranges]));
  }

  /** One range per source partition for everything between the two times. */
  between(fromMs: number, toMs: number): SourceRange[] {
    const ranges: SourceRange[] = [];
    for (const [spanStartMs, span] of this.#spans) if (spanStartMs + spanMs > fromMs && spanStartMs < toMs) ranges.push(...span);
    return mergeRanges(ranges);
  }

  expire(beforeMs: number): void {
    for (const spanStartMs of this.#spans.keys()) if (spanStartMs + spanMs <= beforeMs) this.#spans.delete(spanStartMs);
  }
}
