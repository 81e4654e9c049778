/** What must hold at the end of a run, whatever happened in it. A problem is a sentence; there are none where all promises held. */
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { type FactSubject, parseFactKey, readNode } from '../../src/core/detect/fact.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { partialKey } from '../../src/core/summarize/codec.ts';
import { sourceKey } from '../../src/core/summarize/messages.ts';
import type { Journal, WrittenMessage } from './journal.ts';
import type { Losses } from './losses.ts';
import { cellKey, type Oracle } from './oracle.ts';
import type { Reference } from './reference.ts';
import type { SimulatedScenario } from './scenario.ts';
import type { Delivery } from './sink.ts';

/** Problems that are told of one thing at the most. */
const most = 10;

/** Two complete partials of one identity, position and meaning are the same bytes, whoever wrote them. */
export function checkPartials(journal: Journal): string[] {
  const problems: string[] = [];
  for (const written of journal.partials) {
    const known = new Map<string, Uint8Array>();
    for (const { message, value } of written) {
      if (message.type !== 'partial' || !message.complete) continue;
      const identity = `${partialKey(message)} up to ${message.to} of ${message.configHash}`;
      const before = known.get(identity);
      if (before !== undefined && Buffer.compare(before, value) !== 0) problems.push(`two partials ${identity} differ`);
      known.set(identity, value);
    }
  }
  return problems.slice(0, most);
}

/** What panes hold by the fold, and the bytes of facts in an uninterrupted run, by key. */
export interface Expected {
  readonly oracle: Oracle;
  readonly facts: ReadonlyMap<string, Uint8Array>;
}

export interface PaneCheck {
  readonly problems: readonly string[];
  readonly checked: number;
  /** Panes that are marked inexact, as `model/end`. */
  readonly inexact: ReadonlySet<string>;
  readonly inexactCount: number;
}

/**
 * Every pane that is marked exact has the oracle's numbers and the uninterrupted run's bytes, in every record that was written of it; one that is marked inexact
 * had that reason; and none is missing.
 */
export function checkPanes(scenario: SimulatedScenario, journal: Journal, losses: Losses, { oracle, facts }: Expected): PaneCheck {
  const { settings, targetMs } = scenario;
  const { hopMs } = settings.window;
  const problems: string[] = [];
  const seen = new Set<string>();
  let checked = 0;
  let inexactCount = 0;
  const inexact = new Set<string>();
  let firstMs = Number.POSITIVE_INFINITY;
  const added = addedPartition(scenario, journal);
  for (const [partition, written] of journal.facts.entries()) {
    const idleBeforeMs = lowestIdleWatermark(journal, partition);
    for (const { key, value, isNew } of written) {
      if (!isNew || value === null || !key.startsWith('["node"')) continue;
      const subject = parseFactKey(key);
      if (subject?.fact !== 'node' || subject.stepMs !== hopMs || subject.endMs > targetMs) continue;
      firstMs = Math.min(firstMs, subject.endMs);
      const { model, cell, endMs } = subject;
      seen.add(cellKey(endMs, model, cell.version, cell.segment));
      const expected = facts.get(key);
      if (expected !== undefined && Buffer.compare(expected, value) === 0) {
        checked++;
        continue;
      }
      const node = readNode([value], hopMs, endMs);
      if (node === null) {
        problems.push(`pane ${key} has parts: nothing in the simulation is that large`);
        continue;
      }
      for (const reason of node.inexact) {
        const isExplained = reason === 'idle' ? scenario.isIdle && idleBeforeMs < endMs : losses.explains(reason, endMs - hopMs, endMs);
        if (!isExplained) problems.push(`pane ${key} is marked ${reason}, for which there was no reason`);
      }
      // Nobody knew of a partition that was added later: what was decided by then keeps its mark.
      const isTooEarly = endMs > added.fromMs && endMs <= (added.knownFromMs[partition] ?? endMs);
      if (node.inexact.length > 0 || isTooEarly) {
        inexactCount++;
        inexact.add(`${model}/${endMs}`);
        continue;
      }
      problems.push(...oracle.problems(model, cell.version, cell.segment, node).slice(0, 3));
      problems.push(`pane ${key} is marked exact, and its bytes differ from the uninterrupted run's`);
    }
    if (problems.length > most) break;
  }
  const idleBeforeMs = Math.min(...journal.partials.map((_, partition) => lowestIdleWatermark(journal, partition)));
  for (const key of oracle.cellsUntil(targetMs)) {
    const [endMs, , , segment] = JSON.parse(key);
    if (endMs < firstMs || seen.has(key) || (segment !== null && losses.hasOtherCells)) continue;
    // What was not waited for came too late.
    if (scenario.isIdle && idleBeforeMs < endMs) continue;
    if (endMs > added.fromMs && added.knownFromMs.some((knownMs) => endMs <= knownMs)) continue;
    if (!losses.explains('gap', endMs - hopMs, endMs)) problems.push(`pane ${key} was never decided`);
  }
  return { problems: problems.slice(0, most), checked, inexact, inexactCount };
}

/** Event time of the first record of a partition that is added, and by partition of `partials` how far was decided before it said a word. */
function addedPartition(
  { sources }: SimulatedScenario,
  journal: Journal,
): { readonly fromMs: number; readonly knownFromMs: readonly number[] } {
  const source = sources.find(({ isAdded }) => isAdded);
  if (source === undefined) return { fromMs: Number.POSITIVE_INFINITY, knownFromMs: [] };
  const knownFromMs = journal.partials.map((written, partition) => {
    const isOf = ({ message }: WrittenMessage) => message.type !== 'command' && sourceKey(message.source) === sourceKey(source);
    const first = written.find(isOf)?.offset ?? Number.POSITIVE_INFINITY;
    const before = (journal.decisions[partition] ?? []).filter(({ offset }) => offset < first);
    return Math.max(...before.map(({ dataEndMs }) => dataEndMs ?? 0), 0);
  });
  return { fromMs: Math.min(...source.records.map(({ record }) => record.timeMs)), knownFromMs };
}

/** Lowest watermark that an idle record of a partition of `partials` told. */
function lowestIdleWatermark(journal: Journal, partition: number): number {
  let lowestMs = Number.POSITIVE_INFINITY;
  for (const { message } of journal.partials[partition] ?? [])
    if (message.type === 'idle') lowestMs = Math.min(lowestMs, message.watermarkMs ?? Number.NEGATIVE_INFINITY);
  return lowestMs;
}

/** Every event, in every record that was written of it, is one of the expected, byte for byte, and none of these is missing. */
export function checkEvents(
  journal: Journal,
  expected: Pick<Reference, 'events' | 'eventTexts'>,
  targetMs: number,
  whose: string,
  isMeant: (event: EventRecord) => boolean = () => true,
): string[] {
  const problems: string[] = [];
  const written = new Set<string>();
  for (const { event, text } of journal.events.flat()) {
    if (!isMeant(event)) continue;
    written.add(event.id);
    const known = expected.eventTexts.get(event.id);
    if (known === undefined) problems.push(`event ${event.id} is not one of ${whose}: ${event.kind} ${event.step} of ${event.windowEnd}`);
    else if (known !== text) problems.push(`event ${event.id} differs from ${whose}: ${event.summary}`);
  }
  for (const [id, event] of expected.events)
    if (isMeant(event) && Date.parse(event.windowEnd) <= targetMs && !written.has(id))
      problems.push(`event ${id} of ${whose} is missing: ${event.kind} ${event.step} of ${event.windowEnd}`);
  return problems.slice(0, most);
}

/** The steps of an incident stand in the topic in their order, none left out, but for repetitions. */
export function checkOrder(journal: Journal): string[] {
  const problems: string[] = [];
  for (const written of journal.events) {
    const newest = new Map<string, number>();
    for (const { event } of written) {
      const last = newest.get(event.incident) ?? -1;
      if (event.ordinal > last + 1)
        problems.push(`incident ${event.incident}: step ${event.ordinal} was written when the newest was ${last}`);
      newest.set(event.incident, Math.max(last, event.ordinal));
    }
  }
  return problems.slice(0, most);
}

/** Facts, in every record that was written of them, are those of a detector that read the same partials without an interruption. */
export function checkFacts(
  journal: Journal,
  partition: number,
  expected: Pick<Reference, 'facts'>,
  isMeant: (fact: FactSubject) => boolean,
): string[] {
  const problems: string[] = [];
  for (const { key, value, isNew } of journal.facts[partition] ?? []) {
    const subject = isNew && value !== null ? parseFactKey(key) : null;
    if (value === null || subject === null || subject.fact === 'decided' || !isMeant(subject)) continue;
    const known = expected.facts.get(key);
    if (known === undefined) problems.push(`fact ${key} is not one of a detector that read the same partials`);
    else if (Buffer.compare(known, value) !== 0) problems.push(`fact ${key} differs from that of a detector that read the same partials`);
  }
  return problems.slice(0, most);
}

/** The sink got the steps of each chain in order (but for what a worker that was away sent, after its time or ahead of the owner), each as it was written, and every incident. */
export function checkDeliveries(journal: Journal, deliveries: readonly Delivery[]): string[] {
  const written = new Map<string, EventRecord[]>();
  for (const { event } of journal.events.flat()) {
    const known = written.get(event.id);
    if (known === undefined) written.set(event.id, [event]);
    else known.push(event);
  }
  const problems: string[] = [];
  const newest = new Map<string, EventRecord>();
  const received = new Set<string>();
  const ordered = new Set<string>();
  const incidents = new Set<string>();
  for (const { event, isZombie, worker } of deliveries) {
    incidents.add(event.incident);
    const texts = written.get(event.id);
    if (!received.has(event.id)) {
      if (texts === undefined) problems.push(`event ${event.id} was delivered but never written`);
      else if (!texts.some((one) => canonicalJson(one) === canonicalJson(event)))
        problems.push(`event ${event.id} was delivered otherwise than it was written`);
    }
    received.add(event.id);
    if (isZombie || ordered.has(event.id)) continue;
    ordered.add(event.id);
    const last = newest.get(event.chain);
    if (last === undefined || isAfter(event, last)) newest.set(event.chain, event);
    else problems.push(`chain ${event.chain}: ${worker} delivered ${event.step} ${event.ordinal} after ${last.step} ${last.ordinal}`);
  }
  for (const [event] of written.values())
    if (event !== undefined && event.step === 'opened' && !incidents.has(event.incident))
      problems.push(`incident ${event.incident} never reached the sink`);
  return problems.slice(0, most);
}

function isAfter(event: EventRecord, last: EventRecord): boolean {
  const difference = Date.parse(event.start) - Date.parse(last.start) || event.ordinal - last.ordinal;
  return difference > 0;
}
