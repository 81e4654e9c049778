import { formatDuration, minuteMs } from '../core/duration.ts';
import type { Logger } from '../core/logger.ts';
import { pseudoModel } from '../core/record/record.ts';
import type { PartialRecord } from '../core/summarize/messages.ts';
import type { TopicPartition } from '../log/port.ts';

/** Share of late records of a pane from which on it is said, and below which it is over. */
const grossShare = 0.5;
const overShare = 0.25;
/** Fewer records than this in a pane say nothing. */
const fewRecords = 50;

/**
 * Says when most of what comes to a source partition is late, and where to look: at the record that moved its watermark last. A producer whose clock runs ahead, by less
 * than `window.maxAhead`, does that to everybody else's records.
 */
export class LateWatch {
  readonly #at: TopicPartition;
  readonly #logger: Logger;
  #watermarkMs: number | null = null;
  /** Offset of the record that moved the watermark last. */
  #leader: number | null = null;
  #isGross = false;

  constructor(at: TopicPartition, logger: Logger) {
    this.#at = at;
    this.#logger = logger;
  }

  /** To be told of the watermark after every record. */
  follow(watermarkMs: number | null, offset: number): void {
    if (watermarkMs === this.#watermarkMs) return;
    this.#watermarkMs = watermarkMs;
    this.#leader = offset;
  }

  /** Looks at the counts of panes that are written. */
  look(partials: readonly PartialRecord[], nowMs: number): void {
    const { topic, partition } = this.#at;
    const whole = pseudoModel(topic);
    for (const { model, counts } of partials) {
      if (model !== whole || counts === null || counts.records < fewRecords) continue;
      const { late, records } = counts;
      const share = late / records;
      if (this.#isGross && share < overShare) this.#logger.info({ topic, partition }, 'Most records of the partition are in time again');
      if (!this.#isGross && share >= grossShare)
        this.#logger.error(
          { topic, partition, late, records, leader: this.#leader },
          `${Math.round(100 * share)} % of the records of ${topic}/${partition} are late: counted, but in no window. ${this.#place(nowMs)}. ` +
            'Does the clock of a producer run ahead? Else raise window.lateness',
        );
      this.#isGross = share >= grossShare || (this.#isGross && share >= overShare);
    }
  }

  #place(nowMs: number): string {
    if (this.#watermarkMs === null) return 'There is no watermark yet';
    const aheadMs = Math.floor((this.#watermarkMs - nowMs) / minuteMs) * minuteMs;
    const ahead = aheadMs > 0 ? `, ${formatDuration(aheadMs)} ahead of the clock of this worker` : '';
    return `The watermark is ${new Date(this.#watermarkMs).toISOString()}${ahead}; offset ${this.#leader} moved it last`;
  }
}
