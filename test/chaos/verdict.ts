/** What a chaos run has to show at its end: records, panes, events and issues against what the topics hold. */
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import { readNode } from '../../src/core/detect/fact.ts';
import { type EventRecord, isEnd } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import type { Log } from '../../src/log/port.ts';
import type { Inbox } from '../../src/sentry/inbox/server.ts';
import type { InboxIssue } from '../../src/sentry/inbox/store.ts';

import { cellKey, Oracle } from '../simulation/oracle.ts';
import { type Reference, referenceOf } from '../simulation/reference.ts';
import type { Scenario } from '../simulation/scenario.ts';
import { coveredOffsets, readTopic, textOf, type WorkerSetUp } from '../support/workerTraffic.ts';
import { type ChaosPlan, type ChaosTraffic, readBack, type SourceTopics } from './chaosTraffic.ts';
import type { HistoryTap } from './historyTap.ts';
import { type RecordTallies, type RecordTally, sumTallies, tallyRecords } from './recordFold.ts';

export interface Verdict {
  /** What went wrong, a sentence each; empty where every promise held. */
  readonly problems: readonly string[];
  /** Records in the source topics, whatever became of them. */
  readonly records: number;
  readonly total: RecordTally;
  readonly tallies: RecordTallies;
  /** Decided panes, by cell, that equal one pass byte for byte. */
  readonly panes: number;
  readonly events: number;
  readonly incidents: number;
  /** Of those: refused for good (400, 413) when they opened, and so on the dead-letter topic. */
  readonly parkedIncidents: number;
  /** All events on the dead-letter topic. */
  readonly parkedEvents: number;
  readonly issues: number;
  readonly resolvedIssues: number;
  /** Issues of Tidemark about itself. */
  readonly selfIssues: number;
}

export interface Evidence {
  readonly log: Log;
  readonly inbox: Inbox;
  readonly tap: HistoryTap;
  readonly at: WorkerSetUp;
  readonly topics: SourceTopics;
  readonly models: readonly string[];
  readonly plan: ChaosPlan;
}

/** Problems of one kind that are spelled out: a lost partition would otherwise be ten thousand lines. */
const shownProblems = 20;

export async function judge(evidence: Evidence): Promise<Verdict> {
  const { log, tap, at, topics, models, plan } = evidence;
  const problems: string[] = [];
  const traffic = await readBack(log, topics, plan, problems);
  const settings = at.config.core;
  const { leadingGap, settledMs } = plan;
  const scenario: Scenario = { name: 'chaos', settings, traffic, targetMs: settledMs, leadingGap };
  const reference = referenceOf(scenario);

  const fold = { settings, traffic, leadingGap, topic: topics.predictions, models, untilMs: settledMs };
  const tallies = tallyRecords(fold, tap.facts.values());
  const total = sumTallies(tallies);
  for (const figure of ['missing', 'extra', 'doubled'] as const)
    if (total[figure] > 0) problems.push(`${total[figure]} records are ${figure} in the decisions`);

  const panes = checkPanes(evidence, new Oracle({ ...scenario, traffic: validOf(traffic) }), reference, problems);
  const events = await readEvents(log, at.group);
  checkEvents(events, reference, settledMs, problems);
  const told = await checkIssues(evidence, events, problems);
  await checkCoverage(evidence, traffic, problems);
  const records = [...traffic.predictions, ...traffic.feedback].reduce((sum, { length }) => sum + length, 0);
  return { problems, records, total, tallies, panes, events: events.size, ...told };
}

/** Whether every step of every incident has been dealt with: the newest one's ordinal stands in the deliveries topic. */
export async function isDelivered(log: Log, group: string): Promise<boolean> {
  const events = await readEvents(log, group);
  const dealt = new Map<string, number>();
  for (const { key, value } of (await readTopic(log, internalTopics(group).deliveries)).flat()) {
    const ordinal: unknown = value === null ? null : JSON.parse(textOf(value)).ordinal;
    if (typeof ordinal === 'number') dealt.set(textOf(key), Math.max(dealt.get(textOf(key)) ?? 0, ordinal));
  }
  return [...events.values()].every(({ incident, ordinal }) => (dealt.get(incident) ?? -1) >= ordinal);
}

async function readEvents(log: Log, group: string): Promise<ReadonlyMap<string, EventRecord>> {
  const events = new Map<string, EventRecord>();
  for (const { value } of (await readTopic(log, internalTopics(group).events)).flat()) {
    const event: EventRecord = JSON.parse(textOf(value));
    events.set(event.id, event);
  }
  return events;
}

/** The records that can be used: what the oracle of the simulation knows. */
function validOf({ predictions, feedback }: ChaosTraffic): ChaosTraffic {
  return {
    predictions: predictions.map((records) => records.filter(({ invalid }) => invalid === null)),
    feedback: feedback.map((records) => records.filter(({ invalid }) => invalid === null)),
  };
}

/** Values and bytes of every decided pane. */
function checkPanes({ tap, at, plan, topics }: Evidence, oracle: Oracle, reference: Reference, problems: string[]): number {
  const { hopMs } = at.config.core.window;
  const seen = new Set<string>();
  const found: string[] = [];
  for (const { key, subject, values } of tap.facts.values()) {
    if (subject.fact !== 'node' || subject.stepMs !== hopMs || subject.endMs > plan.settledMs) continue;
    const { model, cell, endMs } = subject;
    seen.add(cellKey(endMs, model, cell.version, cell.segment));
    if (values.length > 1) found.push(`pane ${key} was decided in ${values.length} ways`);
    for (const value of values) {
      const bytes = reference.facts.get(key);
      if (bytes === undefined || !value.equals(bytes)) found.push(`pane ${key}: its bytes differ from those of one pass`);
      const node = readNode([value], hopMs, endMs);
      if (node !== null && model !== `topic:${topics.predictions}`) found.push(...oracle.problems(model, cell.version, cell.segment, node));
    }
  }
  for (const key of oracle.cellsUntil(plan.settledMs)) if (!seen.has(key)) found.push(`pane ${key} was never decided`);
  problems.push(...found.slice(0, shownProblems));
  if (found.length > shownProblems) problems.push(`... and ${found.length - shownProblems} more about panes`);
  return seen.size;
}

function checkEvents(events: ReadonlyMap<string, EventRecord>, reference: Reference, settledMs: number, problems: string[]): void {
  for (const [id, event] of events) {
    if (reference.eventTexts.get(id) !== canonicalJson(event)) problems.push(`event ${id} differs from one pass's: ${event.summary}`);
  }
  for (const [id, event] of reference.events) {
    const isDue = Date.parse(event.windowEnd) <= settledMs;
    if (isDue && !events.has(id)) problems.push(`event ${id} is missing: ${event.kind} ${event.step} ${event.summary}`);
  }
}

/** One issue per chain of incidents, with every opening and the last escalation in it, and closed where the incident is over. */
async function checkIssues({ log, inbox, at }: Evidence, events: ReadonlyMap<string, EventRecord>, problems: string[]) {
  const parked = await parkedEvents(log, at.group);
  const all = inbox.issues();
  const issues = all.filter(
    ({ fingerprint: [program, group, , more] }) => program === 'tidemark' && group === at.group && more === undefined,
  );
  const byChain = new Map(issues.map((issue) => [issue.fingerprint[2] ?? '', issue]));
  if (byChain.size !== issues.length) problems.push('a chain of incidents has two issues');
  const placeOf = new Map<string, string>();
  for (const issue of issues) {
    for (const { id, tags } of issue.events) {
      const { incident = '' } = tags;
      if ((placeOf.get(incident) ?? issue.id) !== issue.id) problems.push(`incident ${incident} has two issues`);
      placeOf.set(incident, issue.id);
      placeOf.set(id, issue.id);
    }
  }
  const chains = Map.groupBy(events.values(), ({ chain }) => chain);
  for (const chain of byChain.keys()) if (!chains.has(chain)) problems.push(`an issue tells of chain ${chain}, of which there is no event`);
  for (const [chain, steps] of chains) {
    const ordered = [...steps].sort((a, b) => Date.parse(a.start) - Date.parse(b.start) || a.ordinal - b.ordinal);
    const incidents = Map.groupBy(ordered, ({ incident }) => incident);
    for (const own of incidents.values()) {
      const due = [own.find(({ step }) => step === 'opened'), own.findLast(({ step }) => step === 'escalated')];
      for (const event of due) {
        if (event !== undefined && !placeOf.has(event.id) && !parked.has(event.id))
          problems.push(`${event.step} event ${event.id} is neither in the inbox nor a dead letter: ${event.summary}`);
      }
    }
    const newest = ordered.at(-1);
    const isOver = newest !== undefined && isEnd(newest.step);
    const issue = byChain.get(chain);
    // Where the newest incident was refused for good, the issue is still that of the one before.
    if (issue === undefined || newest === undefined || !placeOf.has(newest.incident)) continue;
    if ((issue.status === 'resolved') !== isOver)
      problems.push(`the issue of chain ${chain} is ${issue.status}, and its newest step is "${newest.step}":\n${lifeOf(issue, ordered)}`);
  }
  const opened = [...events.values()].filter(({ step }) => step === 'opened');
  return {
    incidents: opened.length,
    parkedIncidents: opened.filter(({ id }) => parked.has(id) && !placeOf.has(id)).length,
    parkedEvents: parked.size,
    issues: issues.length,
    resolvedIssues: issues.filter(({ status }) => status === 'resolved').length,
    selfIssues: all.filter(({ fingerprint }) => fingerprint[2] === 'self').length,
  };
}

/** What was to be told of a chain, and what the inbox saw of it, for whoever looks for the cause. */
function lifeOf({ events, activity }: InboxIssue, steps: readonly EventRecord[]): string {
  const told = steps.map(
    ({ incident, ordinal, step, windowEnd }) => `    ${incident.slice(0, 6)} ${ordinal} ${step}, window until ${windowEnd}`,
  );
  const seen = [
    ...events.map(({ receivedAt, tags }) => `    ${receivedAt} event ${tags.incident?.slice(0, 6)} ${tags.step ?? ''}`),
    ...activity.map(({ at, type, by, text = '' }) => `    ${at} ${type} by ${by} ${text}`),
  ];
  return [...told, ...seen.sort()].join('\n');
}

/** Ids of the events that Sentry has refused for good. */
async function parkedEvents(log: Log, group: string): Promise<ReadonlySet<string>> {
  const parked = new Set<string>();
  for (const { value } of (await readTopic(log, internalTopics(group).deadLetters)).flat()) {
    const letter: { stage: string; value: string } = JSON.parse(textOf(value));
    if (letter.stage === 'notify') parked.add((JSON.parse(letter.value) as EventRecord).id);
  }
  return parked;
}

/** In every partition of `partials` watermark records cover every offset, gap by gap. */
async function checkCoverage({ log, at, topics, plan }: Evidence, traffic: ChaosTraffic, problems: string[]): Promise<void> {
  for (const covered of await coveredOffsets(log, at.group)) {
    for (const [partition, { length }] of traffic.predictions.entries()) {
      const position = covered.get(`${topics.predictions}/${partition}`) ?? 0;
      const end = plan.leadingGap + length;
      if (position !== end) problems.push(`partition ${partition}: watermark records cover ${position} of ${end} offsets`);
    }
  }
}
