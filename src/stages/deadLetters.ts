import type { InvalidRecord } from '../core/record/record.ts';
import type { LogRecord, OutgoingRecord, TopicPartition } from '../log/port.ts';

/** Longest piece of an original value that a dead letter carries, in bytes. */
const longestValue = 65_536;
/** Dead letters that a pane may always have: a rare bad record is kept however little traffic there is. */
const alwaysAllowed = 20;
/** Most dead letters of one pane and partition. */
const perPane = 1000;

/**
 * How many invalid records of a partition are kept. A topic that turns unreadable as a whole must not double its traffic: beyond a share of its records, and
 * beyond a fixed number per pane, invalid records are counted and not kept.
 */
export class DeadLetterBudget {
  readonly #maxShare: number;
  #paneMs: number | null = null;
  #records = 0;
  #written = 0;
  #isExhausted = false;

  /** @param maxShare largest share of a pane's records that is kept, 0 to 1. */
  constructor(maxShare: number) {
    this.#maxShare = maxShare;
  }

  /** Tells that records of this pane were read. A new pane has a new budget. */
  countRecords(paneMs: number | null, records: number): void {
    if (paneMs !== this.#paneMs) {
      this.#paneMs = paneMs;
      this.#records = 0;
      this.#written = 0;
      this.#isExhausted = false;
    }
    this.#records += records;
  }

  /** Takes one letter from the budget: `kept`, `dropped`, or `first-dropped` where it is the first of the pane that is. */
  take(): 'kept' | 'first-dropped' | 'dropped' {
    const allowed = Math.min(perPane, alwaysAllowed + this.#maxShare * this.#records);
    if (this.#written < allowed) {
      this.#written += 1;
      return 'kept';
    }
    const isFirst = !this.#isExhausted;
    this.#isExhausted = true;
    return isFirst ? 'first-dropped' : 'dropped';
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The dead letter of an invalid record of a source topic: JSON with its reason, its position and its original bytes. */
export function deadLetter(to: TopicPartition, from: TopicPartition, record: LogRecord, problem: InvalidRecord): OutgoingRecord {
  const value = record.value ?? new Uint8Array(0);
  const kept = value.subarray(0, longestValue);
  const letter = {
    stage: 'summarize',
    topic: from.topic,
    partition: from.partition,
    offset: record.offset,
    timestamp: record.timestampMs,
    reason: problem.reason,
    detail: problem.detail,
    model: problem.model,
    bytes: value.length,
    ...original(kept),
  };
  return { ...to, key: null, value: JSON.stringify(letter) };
}

/** Text where it is text, else base64. A value cut in the middle of a character is no text. */
function original(value: Uint8Array): { readonly value: string } | { readonly valueBase64: string } {
  try {
    return { value: utf8.decode(value) };
  } catch {
    return { valueBase64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  }
}
