/** The same source log through the core once, without a log, a crash or a second worker: what events and panes must be, byte for byte. */
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { Detector } from '../../src/core/detect/detector.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import type { PartialsMessage } from '../../src/core/summarize/messages.ts';
import { jsonDecoder } from '../../src/formats/json.ts';
import { messagesOf, summarizerOf } from '../support/partialsOf.ts';
import { type Scenario, type SourceTraffic, sourcesOf } from './scenario.ts';

export interface Reference {
  readonly events: ReadonlyMap<string, EventRecord>;
  /** Canonical JSON by event id. */
  readonly eventTexts: ReadonlyMap<string, string>;
  /** Bytes of every fact, by key. */
  readonly facts: ReadonlyMap<string, Uint8Array>;
}

export function referenceOf(scenario: Pick<Scenario, 'settings' | 'traffic' | 'leadingGap'>): Reference {
  return referenceOfSources(scenario.settings, sourcesOf(scenario));
}

export function referenceOfSources(settings: CoreSettings, sources: readonly SourceTraffic[]): Reference {
  const messages: PartialsMessage[] = [];
  for (const { role, partition, records } of sources) {
    const source = settings[role][0];
    if (source === undefined) continue;
    const decode = jsonDecoder(source, role);
    const summarizer = summarizerOf(settings, role, partition, sources.filter((one) => one.role === role).length);
    for (const { offset, timestampMs, value } of records) summarizer.add(decode(value, timestampMs), offset, timestampMs, value);
    messages.push(...messagesOf(summarizer));
  }
  return decisionsOf(
    new Detector(settings),
    messages.map((message, offset) => ({ message, offset, timestampMs: null })),
  );
}

/** A message of `partials` where it stands; `timestampMs` null: not known when the log got it. */
interface PlacedMessage {
  readonly message: PartialsMessage;
  readonly offset: number;
  readonly timestampMs: number | null;
}

/** What a detector decides of messages in their order. */
export function decisionsOf(detector: Detector, messages: Iterable<PlacedMessage>): Reference {
  const events = new Map<string, EventRecord>();
  const eventTexts = new Map<string, string>();
  const facts = new Map<string, Uint8Array>();
  for (const { message, offset, timestampMs } of messages) {
    const step = detector.take(message, offset, timestampMs);
    if (step === null) continue;
    for (const event of step.events) {
      events.set(event.id, event);
      eventTexts.set(event.id, canonicalJson(event));
    }
    for (const fact of step.facts) if (fact.value !== null) facts.set(fact.key, fact.value);
  }
  return { events, eventTexts, facts };
}
