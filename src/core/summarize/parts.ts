/**
 * Large partials in pieces: a record of Kafka holds 1 MB at most. The encoded partial is cut by bytes, because every size then fits, that of one large series or
 * sample too, and a reader needs all pieces of any cut.
 */
import { InputError } from '../errors.ts';
import { joinBytes } from '../sketch/wire.ts';
import { decodeMessage, encodeMessage, type PartialHead, type PartialPart, partialKey } from './codec.ts';
import type { PartialRecord } from './messages.ts';

/** Most bytes of one record of the `partials` topic. */
const maxPartialBytes = 512 * 1024;

/** The records that carry a partial: one, or its parts in order, none of more than `maxBytes` (at least 2,048). */
export function splitPartial(partial: PartialRecord, maxBytes: number = maxPartialBytes): Uint8Array[] {
  const whole = encodeMessage(partial);
  if (whole.length <= maxBytes) return [whole];
  const { type: _, cells: _cells, counts: _counts, ...head } = partial;
  const overhead = encodeMessage({ type: 'part', ...head, index: 0, count: 0, bytes: new Uint8Array(0) }).length + 3 * 8;
  const size = Math.max(1, maxBytes - overhead);
  const count = Math.ceil(whole.length / size);
  return Array.from({ length: count }, (_part, index) =>
    encodeMessage({ type: 'part', ...head, index, count, bytes: whole.subarray(index * size, (index + 1) * size) }),
  );
}

interface Gathered {
  readonly head: PartialHead;
  readonly parts: (Uint8Array | undefined)[];
  missing: number;
}

/**
 * Puts parts together again. Parts of several writings of one partial (a repetition, a longer one, a zombie's) may come mixed and doubled: each writing is
 * gathered for itself. Which of several partials of one identity counts is not decided here.
 */
export class PartAssembler {
  readonly #gathered = new Map<string, Gathered>();

  /** Takes a part; gives the partial when it was the last one missing. `InputError` where the parts do not fit together. */
  add(part: PartialPart): PartialRecord | null {
    const key = writingKey(part);
    let gathered = this.#gathered.get(key);
    if (gathered === undefined) {
      gathered = { head: part, parts: new Array(part.count), missing: part.count };
      this.#gathered.set(key, gathered);
    }
    if (gathered.parts[part.index] !== undefined) return null;
    gathered.parts[part.index] = part.bytes;
    gathered.missing -= 1;
    if (gathered.missing > 0) return null;
    this.#gathered.delete(key);
    const message = decodeMessage(joinBytes(gathered.parts));
    if (message.type !== 'partial' || writingKey({ ...message, count: part.count }) !== key)
      throw new InputError(`the ${part.count} parts of ${key} give something else when put together`);
    return message;
  }

  /** Number of partials of which some parts are here and some are not. */
  get size(): number {
    return this.#gathered.size;
  }

  /** Forgets what was gathered for partials that nobody waits for any more. */
  forget(isOver: (head: PartialHead) => boolean): void {
    for (const [key, { head }] of this.#gathered) if (isOver(head)) this.#gathered.delete(key);
  }
}

function writingKey(head: PartialHead & { readonly count: number }): string {
  return `${partialKey(head)} [${head.from}, ${head.to}) ${head.complete} ${head.configHash} ${head.count}`;
}
