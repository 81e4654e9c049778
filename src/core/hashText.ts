import { createHash } from 'node:crypto';

/** SHA-256 of the UTF-8 bytes of a text as 64 lower-case hex digits. A pure function: the core may use it. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
