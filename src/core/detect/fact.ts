/** An immutable fact of the `history` topic. The key names what it is about (canonical JSON); a null value is a tombstone. */
export interface Fact {
  readonly key: string;
  readonly value: Uint8Array | null;
}
