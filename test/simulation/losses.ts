/** What a run has really lost or changed, from the hand that did it: what decisions may be marked inexact for. */
import { partitionKey } from '../../src/log/partitionKey.ts';
import type { TopicPartition } from '../../src/log/port.ts';
import type { SimulatedScenario, SourceTraffic } from './scenario.ts';

interface Lost extends TopicPartition {
  readonly from: number;
  readonly to: number;
}

/** A stretch of event time in which panes may be marked for a reason. */
interface Stretch {
  readonly reason: 'gap' | 'new-partition';
  readonly fromMs: number;
  readonly toMs: number;
}

export class Losses {
  readonly #stretches: Stretch[] = [];
  readonly #lost: Lost[] = [];
  readonly #slackMs: number;
  hasOtherCells = false;
  hasOtherAlerts = false;

  constructor({ settings, sources }: SimulatedScenario) {
    const { hopMs, latenessMs } = settings.window;
    // From the last watermark before to the first after, and until no pane is open that was open then.
    this.#slackMs = 2 * (hopMs + latenessMs);
    for (const { isAdded } of sources) {
      // It may be held back, and say its first word when the others are far ahead.
      if (isAdded) this.#stretches.push({ reason: 'new-partition', fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY });
    }
  }

  /** Retention takes the offsets [from, to) of a source partition; some of them may not have been read. */
  lose(source: SourceTraffic, from: number, to: number): void {
    this.#lost.push({ topic: source.topic, partition: source.partition, from, to });
    this.#note(source, from, to);
  }

  /** A reader begins at an offset, not knowing what was before. */
  beginAt(source: SourceTraffic, offset: number): void {
    this.#note(source, offset, offset);
  }

  isLost({ topic, partition }: TopicPartition, offset: number): boolean {
    return this.#lost.some((lost) => partitionKey(lost) === partitionKey({ topic, partition }) && lost.from <= offset && offset < lost.to);
  }

  /** Whether another run may come to other events. */
  get hasAny(): boolean {
    return this.#stretches.length > 0 || this.hasOtherCells;
  }

  /** Whether a pane that ends then may be marked for this reason. */
  explains(reason: string, startMs: number, endMs: number): boolean {
    if (reason === 'config-change') return this.hasOtherCells;
    return this.#stretches.some((stretch) => stretch.reason === reason && stretch.fromMs < endMs && stretch.toMs > startMs);
  }

  #note({ records, isAdded }: SourceTraffic, from: number, to: number): void {
    const times = records.flatMap((one, index) => {
      const isNear = one.offset >= from && one.offset < to;
      const isEdge = (records[index + 1]?.offset ?? Number.POSITIVE_INFINITY) >= from && (records[index - 1]?.offset ?? -1) < to;
      return isNear || isEdge ? [one.record.timeMs, one.timestampMs] : [];
    });
    if (times.length === 0) return;
    this.#stretches.push({
      reason: 'gap',
      fromMs: isAdded ? Number.NEGATIVE_INFINITY : Math.min(...times) - this.#slackMs,
      // It is told when the partition speaks again, and may concern what everybody else has reached by then.
      toMs: Number.POSITIVE_INFINITY,
    });
  }
}
