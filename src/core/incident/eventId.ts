import { canonicalJson } from '../canonicalJson.ts';
import { sha256Hex } from '../hashText.ts';

/** Id of an incident's event of this ordinal (0: opened), 32 hex digits: a hash of what it names, so that whoever repeats a decision writes the same. */
export function eventIdOf(incident: string, ordinal: number): string {
  return sha256Hex(canonicalJson([incident, ordinal])).slice(0, 32);
}
