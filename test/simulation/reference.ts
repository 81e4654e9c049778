/** The same source log through the core once, without a log, a crash or a second worker: what events and panes must be, byte for byte. */
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { cellConfigHash } from '../../src/core/configHash.ts';
import { Detector } from '../../src/core/detect/detector.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import type { PartialsMessage } from '../../src/core/summarize/messages.ts';
import { PartitionSummarizer } from '../../src/core/summarize/partitionSummarizer.ts';
import { jsonDecoder } from '../../src/formats/json.ts';
import { bytesOf, type Scenario } from './scenario.ts';

export interface Reference {
  /** Canonical JSON by event id. */
  readonly events: ReadonlyMap<string, EventRecord>;
  readonly eventTexts: ReadonlyMap<string, string>;
  /** Bytes of every fact, by key. */
  readonly facts: ReadonlyMap<string, Uint8Array>;
}

export function referenceOf({ settings, traffic, leadingGap }: Scenario): Reference {
  const configHash = cellConfigHash(settings);
  const text = new TextEncoder();
  const messages: PartialsMessage[] = [];
  for (const role of ['predictions', 'feedback'] as const) {
    const source = settings[role][0];
    if (source === undefined) continue;
    const decode = jsonDecoder(source, role);
    for (const [partition, records] of traffic[role].entries()) {
      const summarizer = new PartitionSummarizer({
        settings,
        source: { role, topic: source.topic, partition },
        partitions: traffic[role].length,
        configHash,
        start: { kind: 'beginning', offset: 0 },
      });
      for (const [index, { record, timestampMs }] of records.entries()) {
        const value = text.encode(bytesOf(record));
        summarizer.add(decode(value, timestampMs), leadingGap + index, timestampMs, value);
      }
      messages.push(...summarizer.drain().flatMap((output): PartialsMessage[] => [...output.partials, output.watermark]));
    }
  }
  const detector = new Detector(settings);
  const events = new Map<string, EventRecord>();
  const eventTexts = new Map<string, string>();
  const facts = new Map<string, Uint8Array>();
  for (const [offset, message] of messages.entries()) {
    const step = detector.take(message, offset);
    for (const event of step?.events ?? []) {
      events.set(event.id, event);
      eventTexts.set(event.id, canonicalJson(event));
    }
    for (const fact of step?.facts ?? []) if (fact.value !== null) facts.set(fact.key, fact.value);
  }
  return { events, eventTexts, facts };
}
