/** Large partials whose parts have not all come, and the offset from which a restart must read to see them whole. */
import { canonicalJson } from '../core/canonicalJson.ts';
import type { PartialHead, PartialPart } from '../core/summarize/codec.ts';
import type { PartialRecord } from '../core/summarize/messages.ts';
import { PartAssembler } from '../core/summarize/parts.ts';

interface Writing {
  readonly head: PartialHead;
  readonly from: number;
  readonly assembler: PartAssembler;
}

export class PartsInFlight {
  /** By writing: a repetition or a longer partial of the same identity is another one. */
  readonly #writings = new Map<string, Writing>();

  /** Takes a part at its offset; gives the partial when it was the last one missing, with the offset of its first part. */
  add(part: PartialPart, offset: number): { readonly partial: PartialRecord; readonly from: number } | null {
    const { bytes: _bytes, index: _index, ...head } = part;
    const key = canonicalJson(head);
    let writing = this.#writings.get(key);
    if (writing === undefined) {
      writing = { head: part, from: offset, assembler: new PartAssembler() };
      this.#writings.set(key, writing);
    }
    const partial = writing.assembler.add(part);
    if (partial === null) return null;
    this.#writings.delete(key);
    return { partial, from: writing.from };
  }

  /** Offset of the first part of what is not whole yet; null where nothing is missing. */
  get lowestOffset(): number | null {
    let lowest: number | null = null;
    for (const { from } of this.#writings.values()) if (lowest === null || from < lowest) lowest = from;
    return lowest;
  }

  /**
   * Forgets the parts of decided panes: the writer died in the middle, and whoever took over has written the partial again before the clock
   * passed. Without that a writing that stays incomplete would hold back commits for ever.
   */
  forget(isOver: (head: PartialHead) => boolean): void {
    for (const [key, { head }] of this.#writings) if (isOver(head)) this.#writings.delete(key);
  }
}
