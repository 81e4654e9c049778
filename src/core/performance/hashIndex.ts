/**
 * Where the rows of an id stand: an open-addressing table of row references in one typed array, about 16 bytes a row where a Map
 * takes a hundred. It holds no hashes; whoever visits a reference compares the hash of the row. Nothing is removed: a table serves a
 * span of panes and is dropped with the last of them.
 */
export class HashIndex {
  #slots = new Float64Array(64).fill(-1);
  #lows = new Uint32Array(64);
  #count = 0;

  /** Adds a reference (a whole number of at least 0) under the low half of its hash. Equal hashes may stand there many times. */
  add(low: number, reference: number): void {
    if (this.#count * 2 >= this.#slots.length) this.#grow();
    this.#put(low, reference);
    this.#count += 1;
  }

  /** References that stand under this low half of a hash, in the order in which they were added. */
  find(low: number): number[] {
    const found: number[] = [];
    const mask = this.#slots.length - 1;
    for (let at = low & mask; this.#slots[at]! >= 0; at = (at + 1) & mask) if (this.#lows[at] === low) found.push(this.#slots[at]!);
    return found;
  }

  #put(low: number, reference: number): void {
    const mask = this.#slots.length - 1;
    let at = low & mask;
    while (this.#slots[at]! >= 0) at = (at + 1) & mask;
    this.#slots[at] = reference;
    this.#lows[at] = low;
  }

  #grow(): void {
    const slots = this.#slots;
    const lows = this.#lows;
    this.#slots = new Float64Array(slots.length * 2).fill(-1);
    this.#lows = new Uint32Array(slots.length * 2);
    for (let at = 0; at < slots.length; at += 1) if (slots[at]! >= 0) this.#put(lows[at]!, slots[at]!);
  }
}
