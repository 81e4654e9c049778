/**
 * The nodes of one cell that windows and a learning baseline still need, by step. Panes come in order of event time; every step that ends
 * is merged from its panes once. What nothing needs any more is dropped, and named so that its fact gets a tombstone.
 */
import type { CoreSettings } from '../settings.ts';
import { stepsPerWindow } from '../settings.ts';
import { type CellKey, mergeNodes, type Node } from './node.ts';

/** Steps of all nodes: the hop, the step of each scale, the unit of the baseline. Ascending, distinct. */
function nodeSteps(settings: CoreSettings, unitMs: number): number[] {
  const steps = new Set([settings.window.hopMs, unitMs, ...settings.window.scalesMs.map((scale) => scale / stepsPerWindow)]);
  return [...steps].sort((a, b) => a - b);
}

export class CellHistory {
  readonly key: CellKey;
  readonly #settings: CoreSettings;
  readonly #steps: readonly number[];
  readonly #scaleSteps: ReadonlySet<number>;
  readonly #nodes = new Map<number, Node[]>();

  constructor(key: CellKey, settings: CoreSettings, unitMs: number) {
    this.key = key;
    this.#settings = settings;
    this.#steps = nodeSteps(settings, unitMs);
    this.#scaleSteps = new Set(settings.window.scalesMs.map((scale) => scale / stepsPerWindow));
    for (const step of this.#steps) this.#nodes.set(step, []);
  }

  get isEmpty(): boolean {
    for (const nodes of this.#nodes.values()) if (nodes.length > 0) return false;
    return true;
  }

  /** Closes the pane that ends at `endMs`, with its node or without data; gives the nodes that this completed, shortest step first. */
  close(endMs: number, pane: Node | null): Node[] {
    const hop = this.#settings.window.hopMs;
    const completed: Node[] = [];
    if (pane !== null) completed.push(this.#keep(pane));
    const panes = this.#nodes.get(hop) as Node[];
    for (const step of this.#steps) {
      if (step === hop || endMs % step !== 0) continue;
      const inside = panes.filter((node) => node.endMs > endMs - step);
      if (inside.length > 0) completed.push(this.#keep(mergeNodes(inside, endMs, step, this.#settings)));
    }
    return completed;
  }

  /** Everything that is kept, for its tombstones when the cell is given up. */
  all(): Node[] {
    return [...this.#nodes.values()].flat();
  }

  /** Puts back a node from its fact; nodes of a step must come in order of time. */
  restore(node: Node): void {
    this.#keep(node);
  }

  /** Nodes of one step that end in `(afterMs, untilMs]`, in order of time. */
  nodes(stepMs: number, afterMs: number, untilMs: number): Node[] {
    return (this.#nodes.get(stepMs) ?? []).filter((node) => node.endMs > afterMs && node.endMs <= untilMs);
  }

  /** Drops what neither a window from `nowMs` on can need nor the baseline, which `needsUnit` is asked for. */
  expire(nowMs: number, unitMs: number, needsUnit: (endMs: number) => boolean): Node[] {
    const longestStep = this.#steps.at(-1) as number;
    const expired: Node[] = [];
    for (const step of this.#steps) {
      let neededAfterMs = nowMs;
      // The newest window of a scale may be looked at again until the next one ends.
      if (this.#scaleSteps.has(step)) neededAfterMs = Math.floor(nowMs / step) * step - stepsPerWindow * step;
      // Panes wait for the longest step to end; then they stand in its node.
      if (step === this.#settings.window.hopMs) neededAfterMs = Math.min(neededAfterMs, Math.floor(nowMs / longestStep) * longestStep);
      const nodes = this.#nodes.get(step) as Node[];
      const kept: Node[] = [];
      for (const node of nodes) (node.endMs > neededAfterMs || (step === unitMs && needsUnit(node.endMs)) ? kept : expired).push(node);
      if (kept.length < nodes.length) this.#nodes.set(step, kept);
    }
    return expired;
  }

  #keep(node: Node): Node {
    this.#nodes.get(node.stepMs)?.push(node);
    return node;
  }
}
