/**
 * Partials of panes that are not decided yet, the best one of each identity (docs/design/protocol.md, Partials): complete beats incomplete; of
 * complete ones the larger `to` wins; of incomplete ones the smaller `from`, then the larger `to`. Nothing is ever added twice.
 */
import { compareSources, generationOf, type PartialRecord, sourceKey } from '../summarize/messages.ts';

interface Stored {
  readonly partial: PartialRecord;
  /** Offset in `partials` from which this must be read again after a restart. */
  readonly offset: number;
}

/** True where `candidate` covers more of the same chunk, pane and model than `known`. */
function supersedes(candidate: PartialRecord, known: PartialRecord): boolean {
  if (candidate.complete !== known.complete) return candidate.complete;
  if (!candidate.complete && candidate.from !== known.from) return candidate.from < known.from;
  return candidate.to > known.to;
}

/** One store per clock: prediction partials by pane of event time, feedback partials by pane of arrival. */
export class PaneStore {
  readonly #panes = new Map<number, Map<string, Stored>>();

  /** Keeps the partial if it is better than what is known of its identity. `paneMs` must not be null. */
  put(paneMs: number, partial: PartialRecord, offset: number): void {
    let pane = this.#panes.get(paneMs);
    if (pane === undefined) {
      pane = new Map();
      this.#panes.set(paneMs, pane);
    }
    const identity = `${sourceKey(partial.source)}/${generationOf(partial.source)}/${partial.chunk}/${partial.model}`;
    const known = pane.get(identity);
    if (known === undefined) pane.set(identity, { partial, offset });
    else if (supersedes(partial, known.partial)) pane.set(identity, { partial, offset: Math.min(offset, known.offset) });
  }

  /** Number of panes that have a partial. */
  get size(): number {
    return this.#panes.size;
  }

  get earliestPaneMs(): number | null {
    let earliest: number | null = null;
    for (const paneMs of this.#panes.keys()) if (earliest === null || paneMs < earliest) earliest = paneMs;
    return earliest;
  }

  get latestPaneMs(): number | null {
    let latest: number | null = null;
    for (const paneMs of this.#panes.keys()) if (latest === null || paneMs > latest) latest = paneMs;
    return latest;
  }

  /** Removes and gives the pane's partials by model; each list in the order (topic, partition, chunk). */
  take(paneMs: number): Map<string, PartialRecord[]> {
    const byModel = new Map<string, PartialRecord[]>();
    const pane = this.#panes.get(paneMs);
    this.#panes.delete(paneMs);
    if (pane === undefined) return byModel;
    const partials = [...pane.values()].map((stored) => stored.partial).sort(compareSources);
    for (const partial of partials) {
      const list = byModel.get(partial.model);
      if (list === undefined) byModel.set(partial.model, [partial]);
      else list.push(partial);
    }
    return byModel;
  }

  /** Removes the panes that start before a time. */
  dropBefore(timeMs: number): void {
    for (const paneMs of this.#panes.keys()) if (paneMs < timeMs) this.#panes.delete(paneMs);
  }

  /** Lowest `partials` offset that an undecided pane needs, or null. */
  get lowestOffset(): number | null {
    let lowest: number | null = null;
    for (const pane of this.#panes.values())
      for (const stored of pane.values()) if (lowest === null || stored.offset < lowest) lowest = stored.offset;
    return lowest;
  }
}
