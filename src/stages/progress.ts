/** How far a stage is on its way to doing its work: what `/readyz` answers by. */
import type { OwnedPartition } from '../log/port.ts';

/**
 * `starting`: not in its group yet. `restoring`: some of its partitions have not been taken up (their state is read back, or their beginning looked for).
 * `running`: it reads on in all of them; a member that was given none has nothing to wait for.
 */
export type StageProgress =
  | { readonly kind: 'starting' }
  | { readonly kind: 'restoring'; readonly left: number; readonly of: number }
  | { readonly kind: 'running' }
  | { readonly kind: 'stopped' };

/** @param assigned null before the group has taken the member in */
export function progressOf(assigned: readonly OwnedPartition[] | null, isTakenUp: (partition: OwnedPartition) => boolean): StageProgress {
  if (assigned === null) return { kind: 'starting' };
  const left = assigned.filter((partition) => !isTakenUp(partition)).length;
  return left === 0 ? { kind: 'running' } : { kind: 'restoring', left, of: assigned.length };
}

/** Of several stages that do one thing, the one that is least far. */
export function leastOf(stages: readonly StageProgress[]): StageProgress {
  const order = ['stopped', 'starting', 'restoring'] as const;
  for (const kind of order) {
    const found = stages.find((stage) => stage.kind === kind);
    if (found !== undefined) return found;
  }
  return { kind: 'running' };
}

/** As a sentence for whoever asks for the health of a worker. */
export function progressText(progress: StageProgress): string {
  switch (progress.kind) {
    case 'starting':
      return 'the stage is starting: not in its group yet';
    case 'restoring':
      return `the stage is restoring: ${progress.left} of ${progress.of} partitions are not taken up yet`;
    case 'running':
      return 'the stage is running';
    case 'stopped':
      return 'the stage is stopped';
  }
}
