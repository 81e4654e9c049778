/** What the cells of partials mean, as far as detect has to know: whether they can be merged at all, and whether they mean what those before them did. */
import { hopOfCells } from '../configHash.ts';
import { formatDuration } from '../duration.ts';
import { InputError } from '../errors.ts';
import type { PartialRecord } from '../summarize/messages.ts';

/** `InputError` where the panes of this partial are of another length. */
export function requireOwnHop({ configHash, source }: PartialRecord, hopMs: number): void {
  const foundMs = hopOfCells(configHash) ?? hopMs;
  if (foundMs === hopMs) return;
  throw new InputError(
    `a partial of ${source.topic}/${source.partition} has panes of ${formatDuration(foundMs)}, window.hop is ${formatDuration(hopMs)} here: ` +
      'two configurations share this group. Stop the workers with the other hop, and begin anew under another kafka.group',
  );
}

/** What the cells of a pane mean, each meaning once, sorted. */
export function configHashes(byModel: ReadonlyMap<string, readonly PartialRecord[]>): string[] {
  const hashes = new Set<string>();
  for (const partials of byModel.values()) for (const partial of partials) hashes.add(partial.configHash);
  return [...hashes].sort();
}

/** Whether a pane mixes meanings, or means something else than the pane before. */
export function isChanged(hashes: readonly string[], before: string | null): boolean {
  return hashes.length > 1 || (before !== null && hashes[0] !== undefined && hashes[0] !== before);
}
