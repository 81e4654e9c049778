import type { Logger } from '../../core/logger.ts';
import type { Clock } from '../port.ts';
import { protocolErrorOf } from './kafkaErrors.ts';

/** Shorter refusals are not worth a line: a leader that moves refuses for a moment. */
const worthSayingMs = 1_000;

/**
 * The times in which brokers answer and refuse writes to one topic (too few replicas, a full disk, no permission, a record that is too large): one line when such a time has
 * begun, one when it is over, one more where the reason changes.
 */
export class Refusal {
  readonly #topic: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #sinceMs: number | null = null;
  #saidReason: string | null = null;

  constructor(topic: string, clock: Clock, logger: Logger) {
    this.#topic = topic;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** A write was refused. */
  began(error: unknown): void {
    const nowMs = this.#clock.nowMs();
    this.#sinceMs ??= nowMs;
    const reason = protocolErrorOf(error) ?? 'unknown';
    if (reason === this.#saidReason || nowMs - this.#sinceMs < worthSayingMs) return;
    this.#saidReason = reason;
    const detail = error instanceof Error ? error.message : String(error);
    this.#logger.warn(
      { topic: this.#topic, reason, detail },
      'Kafka refuses writes to the topic: trying again until it takes them; nothing that depends on them is read on or committed meanwhile',
    );
  }

  /** A write was taken. */
  ended(): void {
    if (this.#sinceMs === null) return;
    const seconds = Math.round((this.#clock.nowMs() - this.#sinceMs) / 100) / 10;
    if (this.#saidReason !== null) this.#logger.info({ topic: this.#topic, seconds }, 'Kafka takes writes to the topic again');
    this.#sinceMs = null;
    this.#saidReason = null;
  }
}
