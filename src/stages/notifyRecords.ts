/** What notify writes: into `deliveries`, and what cannot be delivered onto the dead-letter topic. It waits until that is done, however long it takes; meanwhile nothing new is delivered. */
import { DependencyError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock, Log, OutgoingRecord, TopicPartition } from '../log/port.ts';
import { Setback } from './setback.ts';
import type { SinkName } from './sink.ts';

/** Pause after the log has refused something. */
const retryPauseMs = 500;

interface NotifyRecordsOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly sink: { readonly name: SinkName };
}

/** What is parked: where the event stands, why, in a word and in a sentence, and the event. */
interface ParkedEvent extends TopicPartition {
  readonly offset: number;
  readonly reason: string;
  readonly detail: string;
  readonly value: string;
}

const decoder = new TextDecoder();

/** At most 64 KB of a value that cannot be read. */
export function parkedText(value: Uint8Array | null): string {
  return value === null ? '' : decoder.decode(value.subarray(0, 65_536));
}

export class NotifyRecords {
  readonly #options: NotifyRecordsOptions;
  readonly #deadLetters: string;
  readonly #setback: Setback;

  constructor(options: NotifyRecordsOptions, deadLetters: string) {
    this.#options = options;
    this.#deadLetters = deadLetters;
    this.#setback = new Setback(options.clock, options.logger);
  }

  /** False where the stage was stopped before it worked. */
  async write(records: readonly OutgoingRecord[], signal: AbortSignal): Promise<boolean> {
    const { log, clock } = this.#options;
    for (;;) {
      try {
        await log.produce(records);
        this.#setback.passed('write', 'What was delivered is written down again');
        return true;
      } catch (error) {
        if (!(error instanceof DependencyError)) throw error;
        this.#setback.failed(
          'write',
          { error, topics: [...new Set(records.map(({ topic }) => topic))] },
          'What was delivered could not be written down: trying again, nothing more is delivered meanwhile',
        );
        if (signal.aborted) return false;
        await clock.sleep(retryPauseMs);
      }
    }
  }

  async park(letter: ParkedEvent, signal: AbortSignal): Promise<void> {
    const { log, metrics, sink } = this.#options;
    const count = await log.partitionCount(this.#deadLetters);
    const at = { topic: this.#deadLetters, partition: letter.partition % count };
    const value = JSON.stringify({ stage: 'notify', sink: sink.name, ...letter });
    if (await this.write([{ ...at, key: null, value }], signal))
      metrics.count('tidemark_dead_letters_total', { topic: letter.topic, reason: letter.reason });
  }
}
