/** The panes of a partition that are open in its current chunk, and the partials that they give. */
import type { Coverage } from './coverage.ts';
import { chunkSize, type PartialRecord, type SourcePartition } from './messages.ts';
import { PaneBuilder, type PaneSettings } from './paneBuilder.ts';
import type { EventPace, RecordMark } from './resumeState.ts';

/** What a position must remember to be resumed from. */
export interface Point {
  readonly offset: number;
  /** Largest event time before it. */
  readonly maxTimeMs: number | null;
  readonly before: RecordMark | null;
  readonly pace: EventPace | null;
}

interface OpenPane {
  readonly builder: PaneBuilder;
  /** Just before its first record in this chunk. */
  readonly first: Point;
}

export interface OpenPanesOptions {
  readonly pane: PaneSettings;
  readonly source: SourcePartition;
  readonly configHash: string;
  readonly coverage: Coverage;
}

/** By the start of the pane; the one before any event time has the key null. */
export class OpenPanes {
  readonly #options: OpenPanesOptions;
  readonly #panes = new Map<number | null, OpenPane>();

  constructor(options: OpenPanesOptions) {
    this.#options = options;
  }

  /** Number of live cells. */
  get cellCount(): number {
    let count = 0;
    for (const { builder } of this.#panes.values()) count += builder.cellCount;
    return count;
  }

  find(paneMs: number | null): PaneBuilder | undefined {
    return this.#panes.get(paneMs)?.builder;
  }

  /** Opens a pane whose first record stands behind `first`. */
  open(paneMs: number | null, first: Point): PaneBuilder {
    const builder = new PaneBuilder(paneMs, this.#options.pane);
    this.#panes.set(paneMs, { builder, first });
    return builder;
  }

  /** The first record of the oldest open pane, or the given point where that comes before. */
  earliest(point: Point): Point {
    let earliest = point;
    for (const { first } of this.#panes.values()) if (first.offset < earliest.offset) earliest = first;
    return earliest;
  }

  /** Partials of all, by (pane, model), as far as they have come at the offset `to`. They stay open. */
  partials(chunk: number, to: number): PartialRecord[] {
    return this.#keys().flatMap((paneMs) => this.#partialsOf(paneMs, chunk, to));
  }

  /** Partials of all, which are closed. */
  closeAll(chunk: number, to: number): PartialRecord[] {
    const partials = this.partials(chunk, to);
    this.#panes.clear();
    return partials;
  }

  /** Partials of those, `hopMs` long, that end by a time, which are closed; the one before any event time too. */
  closeUntil(timeMs: number, hopMs: number, chunk: number, to: number): PartialRecord[] {
    const partials: PartialRecord[] = [];
    for (const paneMs of this.#keys()) {
      if (paneMs !== null && paneMs + hopMs > timeMs) continue;
      partials.push(...this.#partialsOf(paneMs, chunk, to));
      this.#panes.delete(paneMs);
    }
    return partials;
  }

  #keys(): (number | null)[] {
    return [...this.#panes.keys()].sort((left, right) => (left ?? Number.NEGATIVE_INFINITY) - (right ?? Number.NEGATIVE_INFINITY));
  }

  #partialsOf(paneMs: number | null, chunk: number, to: number): PartialRecord[] {
    const pane = this.#panes.get(paneMs);
    if (pane === undefined) return [];
    const { source, configHash, coverage } = this.#options;
    const complete = coverage.isComplete(paneMs);
    const from = coverage.firstOffset(paneMs, chunk * chunkSize);
    return pane.builder.models().map(({ model, cells, counts }) => ({
      type: 'partial',
      source,
      chunk,
      paneMs,
      model,
      from,
      to,
      first: pane.first.offset,
      complete,
      configHash,
      cells,
      counts,
    }));
  }
}
