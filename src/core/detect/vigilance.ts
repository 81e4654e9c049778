/**
 * Whether a group still sees: watermarks move, and every partition of `partials` gets decided. Judged by one worker for all (docs/decisions/0029-one-heartbeat-per-group.md),
 * by what the log says, not by what a process believes of itself.
 */
import { formatDuration } from '../duration.ts';

/** How far a partition of `partials` is decided. */
interface PartitionProgress {
  readonly partition: number;
  /** Position committed by detect; null before the first. */
  readonly committed: number | null;
  /** End of the partition. */
  readonly high: number;
}

export interface GroupProgress {
  /** Event time of the data clock; null before every source partition has spoken. */
  readonly clockMs: number | null;
  /** The source partitions that hold it there, as `topic/partition`; a topic alone where none of its partitions has spoken. */
  readonly waitingFor: readonly string[];
  /** Whether no source partition has had a record yet: then nothing can move. */
  readonly isAllNew: boolean;
  readonly partitions: readonly PartitionProgress[];
}

/** Source partitions that are named; of the others the number. */
const mostNamed = 5;

interface Mark {
  readonly value: number | null;
  readonly sinceMs: number;
}

export class Vigilance {
  readonly #patienceMs: number;
  #clock: Mark | null = null;
  readonly #commits = new Map<number, Mark>();

  /** `patienceMs`: how long, by the wall clock, something may stand still. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Takes a look at `nowMs` (wall clock); gives why the group is blind, or null. What was never seen before counts as moving. */
  look(nowMs: number, { clockMs, waitingFor, isAllNew, partitions }: GroupProgress): string | null {
    if (isAllNew || this.#clock === null || this.#clock.value !== clockMs) this.#clock = { value: clockMs, sinceMs: nowMs };
    const stuck: number[] = [];
    for (const { partition, committed, high } of partitions) {
      const known = this.#commits.get(partition);
      const isMoving = known === undefined || known.value !== committed || (committed ?? 0) >= high;
      if (isMoving) this.#commits.set(partition, { value: committed, sinceMs: nowMs });
      else if (nowMs - known.sinceMs > this.#patienceMs) stuck.push(partition);
    }
    const stoodMs = nowMs - this.#clock.sinceMs;
    if (stoodMs > this.#patienceMs) {
      const place =
        clockMs === null ? 'has not begun: not every source partition has been read' : `stands still at ${new Date(clockMs).toISOString()}`;
      const named =
        waitingFor.length > mostNamed ? [...waitingFor.slice(0, mostNamed), `${waitingFor.length - mostNamed} more`] : waitingFor;
      const held = named.length === 0 ? '' : `. It waits for ${named.join(', ')}`;
      return `event time ${place} (for ${formatDuration(Math.floor(stoodMs / 60_000) * 60_000)})${held}: is the summarize role running, and reading every source partition?`;
    }
    // Where event time stands still nothing can be decided: if that lasts, it is the reason to tell.
    if (stuck.length === 0 || stoodMs > this.#patienceMs / 2) return null;
    return `partitions ${stuck.join(', ')} of partials have not been decided for ${formatDuration(this.#patienceMs)}: look at the log of the workers with the detect role`;
  }
}
