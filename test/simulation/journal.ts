/** Everything that was written to the topics of Tidemark in a run, in order, as it was before any compaction: what the checks look at. */
import { parseFactKey } from '../../src/core/detect/fact.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { decodeMessage } from '../../src/core/summarize/codec.ts';
import type { PartialsMessage } from '../../src/core/summarize/messages.ts';
import type { LogRecord, TopicPartition } from '../../src/log/port.ts';

export interface WrittenMessage {
  readonly offset: number;
  /** When the log got it. */
  readonly timestampMs: number;
  readonly message: PartialsMessage;
  readonly value: Uint8Array;
}

export interface WrittenFact {
  readonly key: string;
  readonly value: Uint8Array | null;
  /** False for what the prelude wrote. */
  readonly isNew: boolean;
}

export interface WrittenEvent {
  readonly offset: number;
  readonly event: EventRecord;
  /** Its bytes. */
  readonly text: string;
}

/** How far a partition of `partials` is decided, by the facts. */
export interface Progress {
  dataEndMs: number;
  labelEndMs: number;
  /** Offset of the message that led to the newest decision; -1 where there is none. */
  offset: number;
}

/** Values that the prelude wrote come again in every run. */
const decoded = new WeakMap<Uint8Array, PartialsMessage>();

export class Journal {
  readonly partials: readonly WrittenMessage[][];
  readonly facts: readonly WrittenFact[][];
  readonly events: readonly WrittenEvent[][];
  readonly progress: readonly Progress[];
  /** What the `decided` facts say, in the order in which they were written. */
  readonly decisions: readonly { readonly offset: number; readonly dataEndMs: number | null; readonly labelEndMs: number | null }[][];
  /** Largest ordinal that was written to `deliveries`, by incident. */
  readonly delivered = new Map<string, number>();
  /** That of the last record, which compaction keeps: a zombie may have written an older one after it. */
  readonly keptDelivered = new Map<string, number>();
  /** Partitions of `partials` that a model of the scenario has come to. */
  readonly watched = new Set<number>();
  readonly onPartial: ((partition: number, written: WrittenMessage) => void)[] = [];
  readonly #topics: ReturnType<typeof internalTopics>;
  isPrelude = false;

  constructor(group: string, partitions: number) {
    this.#topics = internalTopics(group);
    const lists = <T>() => Array.from({ length: partitions }, (): T[] => []);
    this.partials = lists();
    this.facts = lists();
    this.events = lists();
    this.decisions = lists();
    this.progress = Array.from({ length: partitions }, () => ({
      dataEndMs: Number.NEGATIVE_INFINITY,
      labelEndMs: Number.NEGATIVE_INFINITY,
      offset: -1,
    }));
  }

  readonly append = ({ topic, partition }: TopicPartition, record: LogRecord): void => {
    switch (topic) {
      case this.#topics.partials:
        this.#appendPartial(partition, record);
        return;
      case this.#topics.history:
        this.#appendFact(partition, record);
        return;
      case this.#topics.events: {
        const written = textOf(record.value);
        this.events[partition]?.push({ offset: record.offset, event: JSON.parse(written), text: written });
        return;
      }
      case this.#topics.deliveries: {
        const incident = textOf(record.key);
        const { ordinal } = JSON.parse(textOf(record.value));
        if (ordinal === undefined) return;
        this.delivered.set(incident, Math.max(ordinal, this.delivered.get(incident) ?? -1));
        this.keptDelivered.set(incident, ordinal);
        return;
      }
    }
  };

  /** Events that no delivery record covers. */
  undelivered(): WrittenEvent[] {
    return this.events.flatMap((written) => written.filter(({ event }) => (this.delivered.get(event.incident) ?? -1) < event.ordinal));
  }

  #appendPartial(partition: number, { offset, timestampMs, value }: LogRecord): void {
    if (value === null) return;
    let message = decoded.get(value);
    if (message === undefined) {
      const whole = decodeMessage(value);
      if (whole.type === 'part') throw new Error('a partial is so large that it has parts: nothing in the simulation is');
      message = whole;
      decoded.set(value, message);
    }
    const written = { offset, timestampMs, message, value };
    this.partials[partition]?.push(written);
    if (message.type === 'partial' && message.source.role === 'predictions') this.watched.add(partition);
    for (const listener of this.onPartial) listener(partition, written);
  }

  #appendFact(partition: number, { key, value }: LogRecord): void {
    const text = textOf(key);
    this.facts[partition]?.push({ key: text, value, isNew: !this.isPrelude });
    if (value === null || !text.startsWith('["decided"')) return;
    const subject = parseFactKey(text);
    const progress = this.progress[partition];
    if (subject?.fact !== 'decided' || progress === undefined) return;
    const { offset } = JSON.parse(textOf(value));
    this.decisions[partition]?.push({ offset, dataEndMs: subject.dataEndMs, labelEndMs: subject.labelEndMs });
    progress.offset = Math.max(progress.offset, offset);
    progress.dataEndMs = Math.max(progress.dataEndMs, subject.dataEndMs ?? progress.dataEndMs);
    progress.labelEndMs = Math.max(progress.labelEndMs, subject.labelEndMs ?? progress.labelEndMs);
  }
}

const decoder = new TextDecoder();

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : decoder.decode(bytes);
}
