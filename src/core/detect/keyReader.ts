/** Reads the parts of a fact's key one after the other: data from outside is parsed, not cast. */
import { InputError } from '../errors.ts';
import type { SegmentKey } from '../summarize/messages.ts';

export class KeyReader {
  readonly #key: string;
  readonly #parts: readonly unknown[];
  #at = 0;

  /** @throws InputError where the key is no JSON array */
  constructor(key: string) {
    this.#key = key;
    let parts: unknown;
    try {
      parts = JSON.parse(key);
    } catch {
      parts = null;
    }
    if (!Array.isArray(parts)) throw this.wrong('a JSON array');
    this.#parts = parts;
  }

  get hasMore(): boolean {
    return this.#at < this.#parts.length;
  }

  text(): string {
    const part = this.#parts[this.#at++];
    if (typeof part !== 'string') throw this.wrong(`a text as part ${this.#at}`);
    return part;
  }

  number(): number {
    const part = this.#parts[this.#at++];
    if (typeof part !== 'number') throw this.wrong(`a number as part ${this.#at}`);
    return part;
  }

  numberOrNull(): number | null {
    if (this.#parts[this.#at] !== null) return this.number();
    this.#at++;
    return null;
  }

  segment(): SegmentKey {
    const part: unknown = this.#parts[this.#at++];
    if (part === null) return null;
    if (Array.isArray(part) && part.length === 2 && typeof part[0] === 'string' && typeof part[1] === 'string') return [part[0], part[1]];
    throw this.wrong(`null or [name, value] as part ${this.#at}`);
  }

  wrong(expected: string): InputError {
    return new InputError(`history: key ${this.#key.slice(0, 200)} is no fact that this version knows; expected ${expected}`);
  }
}
