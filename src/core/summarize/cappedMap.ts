import { capRank } from '../record/caps.ts';

interface Ranked {
  readonly name: string;
  readonly rank: number;
}

/**
 * A map that holds at most `limit` names: declared names first, then those with the smallest hash (`core/record/caps.ts`). What it holds in the end is a function
 * of the set of names alone, not of their order: a name that is kept in the end was kept from its first occurrence on, because the names seen so far only
 * grow. So all partitions, and a worker that reads the same records again, keep the same names with all their values.
 */
export class CappedMap<Value> {
  readonly #values = new Map<string, Value>();
  /** Ranks of the kept names, gathered when the cap is first reached: hashing is what a flood of names costs. */
  readonly #ranks = new Map<string, number>();
  readonly #limit: number;
  readonly #declared: ReadonlySet<string>;
  readonly #create: (name: string) => Value;
  readonly #evicted: (value: Value) => void;
  /** The kept name that the next better one replaces; null where it must be looked for. */
  #worst: Ranked | null = null;

  /** `create` makes the value of a name that is kept; `evicted` gets the value of one that has to make room, to count what is lost with it. */
  constructor(limit: number, declared: ReadonlySet<string>, create: (name: string) => Value, evicted: (value: Value) => void) {
    this.#limit = limit;
    this.#declared = declared;
    this.#create = create;
    this.#evicted = evicted;
  }

  get size(): number {
    return this.#values.size;
  }

  /** Value of the name, made where it is new and has a place; null where the cap leaves it out. */
  at(name: string): Value | null {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    // UTF-8 has no lone surrogates: names that the wire form cannot tell apart are one name.
    if (!name.isWellFormed()) return this.at(name.toWellFormed());
    if (this.#values.size >= this.#limit && !this.#makeRoomFor(name)) return null;
    const value = this.#create(name);
    this.#values.set(name, value);
    this.#worst = null;
    return value;
  }

  /** Entries in order of their names (UTF-16 code units). */
  sorted(): [name: string, value: Value][] {
    return [...this.#values].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  values(): Iterable<Value> {
    return this.#values.values();
  }

  #makeRoomFor(name: string): boolean {
    const rank = capRank(name, this.#declared);
    const worst = this.#worst ?? this.#findWorst();
    if (worst === null || worst.rank < rank || (worst.rank === rank && worst.name < name)) return false;
    const value = this.#values.get(worst.name);
    this.#values.delete(worst.name);
    this.#ranks.delete(worst.name);
    if (value !== undefined) this.#evicted(value);
    return true;
  }

  #findWorst(): Ranked | null {
    let worst: Ranked | null = null;
    for (const name of this.#values.keys()) {
      const rank = this.#ranks.get(name) ?? capRank(name, this.#declared);
      this.#ranks.set(name, rank);
      if (worst === null || rank > worst.rank || (rank === worst.rank && name > worst.name)) worst = { name, rank };
    }
    this.#worst = worst;
    return worst;
  }
}
