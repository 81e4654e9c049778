/**
 * One simulated run: the source log is fed to several workers (all three stages each) on the in-memory log, under a seeded schedule and a plan of disturbances. While it
 * lasts every commit and every gauge is looked at; at the end everything that was written is held against the oracle's fold, the uninterrupted reference, and a
 * detector that reads the same partials without an interruption.
 */

import { Detector } from '../../src/core/detect/detector.ts';
import type { FactSubject } from '../../src/core/detect/fact.ts';
import { FactMap, restoreDetector } from '../../src/core/detect/restore.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { partitionOf } from '../../src/core/record/partitioner.ts';
import type { SourceRole } from '../../src/core/summarize/messages.ts';
import {
  checkDeliveries,
  checkEvents,
  checkFacts,
  checkOrder,
  checkPanes,
  checkPartials,
  type Expected,
  type PaneCheck,
} from './checks.ts';
import { CommitWatch, dueRecords } from './commitWatch.ts';
import { Hand } from './hand.ts';
import { Journal } from './journal.ts';
import { Losses } from './losses.ts';
import { Oracle } from './oracle.ts';
import { type Disturbance, planOf } from './plan.ts';
import { Prelude } from './prelude.ts';
import { decisionsOf, type Reference, referenceOfSources } from './reference.ts';
import { type SimulatedScenario, scenarioOf, variants } from './scenario.ts';
import { checkTiling, type DueByIdentity, dueByIdentity } from './tiling.ts';
import { World, type Wrap } from './world.ts';

export interface SimulationResult {
  readonly seed: number;
  readonly scenario: string;
  /** What went wrong, a sentence each; empty where all promises held. */
  readonly problems: readonly string[];
  readonly plan: readonly Disturbance[];
  /** What was done, a line each. */
  readonly account: readonly string[];
  readonly steps: number;
  readonly crashes: number;
  readonly zombies: number;
  readonly panesChecked: number;
  readonly inexactPanes: number;
  readonly eventsChecked: number;
}

export interface SimulationOptions {
  readonly wrap?: Wrap;
  /** Instead of the seed's own plan. */
  readonly plan?: readonly Disturbance[];
}

/** A run that needs more steps than this has stopped to make progress. */
const mostSteps = 20_000;

interface Prepared {
  readonly scenario: SimulatedScenario;
  readonly reference: Reference;
  readonly expected: Expected;
  /** Where segments are watched that the scenario does not watch, too. */
  readonly expectedOfAll: () => Expected;
  readonly dueBy: DueByIdentity;
  readonly due: ReturnType<typeof dueRecords>;
  readonly prelude: Prelude | null;
}

const prepared = new Map<number, Prepared>();

/** What all seeds of a variant share. Made once, by the code as it is then: before a deliberate bug is put in. */
export async function prepare(variant: number): Promise<Prepared> {
  let known = prepared.get(variant);
  if (known === undefined) {
    const scenario = scenarioOf(variant);
    const reference = referenceOfSources(scenario.settings, scenario.sources);
    const due = dueRecords(scenario);
    const expected = { oracle: new Oracle(scenario), facts: reference.facts };
    let ofAll: Expected | null = scenario.settings.defaults.segments.length > 0 ? expected : null;
    const expectedOfAll = () => {
      ofAll ??= withSegments(scenario);
      return ofAll;
    };
    known = {
      scenario,
      reference,
      expected,
      expectedOfAll,
      due,
      dueBy: dueByIdentity(due),
      prelude: await preludeOf(scenario),
    };
    prepared.set(variant, known);
  }
  return known;
}

function withSegments(scenario: SimulatedScenario): Expected {
  const { defaults } = scenario.settings;
  const settings = { ...scenario.settings, defaults: { ...defaults, segments: ['plan'] } };
  return { oracle: new Oracle({ ...scenario, settings }), facts: referenceOfSources(settings, scenario.sources).facts };
}

export async function simulate(seed: number, { wrap = (log) => log, plan }: SimulationOptions = {}): Promise<SimulationResult> {
  const { scenario, reference, due, prelude, ...ready } = await prepare(seed % variants);
  const disturbances = plan ?? planOf(seed, scenario.preludeMs === null ? 2_500 : 2_000);
  const losses = new Losses(scenario);
  const journal = new Journal(scenario.settings.group, scenario.internalPartitions);
  const watch = new CommitWatch(scenario, due, journal, losses);
  const untilMs = Number.POSITIVE_INFINITY;
  const world = new World({ seed, scenario, prelude, journal, wrap, untilMs, onAppend: journal.append, onCommit: watch.commit });
  const hand = new Hand(world, scenario, losses, disturbances);
  const steps = await play(world, hand, journal, scenario);
  const problems = [...world.failures, ...watch.problems, ...world.inbox.problems, ...world.gauges.problems];
  let panes: PaneCheck = { problems: [], checked: 0, inexact: new Set(), inexactCount: 0 };
  if (problems.length === 0) {
    problems.push(...checkPartials(journal), ...checkOrder(journal));
    panes = checkPanes(scenario, journal, losses, losses.hasOtherCells ? ready.expectedOfAll() : ready.expected);
    problems.push(...panes.problems, ...checkDecisions(scenario, prelude, journal, losses, reference, panes.inexactCount > 0));
    const isPlain = !losses.hasAny && !scenario.isIdle;
    const isExact = (role: SourceRole, model: string, endMs: number) =>
      role === 'predictions' ? !panes.inexact.has(`${model}/${endMs}`) && endMs > (scenario.preludeMs ?? 0) : isPlain;
    problems.push(...checkTiling(scenario, journal, losses, ready.dueBy, isExact));
    problems.push(...checkDeliveries(journal, world.inbox.delivered));
  }
  return {
    seed,
    scenario: scenario.name,
    problems,
    plan: disturbances,
    account: hand.account,
    steps,
    crashes: hand.crashes,
    zombies: hand.zombies,
    panesChecked: panes.checked,
    inexactPanes: panes.inexactCount,
    eventsChecked: journal.events.flat().length,
  };
}

/** Runs until everything is decided and delivered; gives the number of steps. */
async function play(world: World, hand: Hand, journal: Journal, { targetMs }: SimulatedScenario): Promise<number> {
  await world.createTopics();
  world.startWorker();
  let step = 0;
  for (; step < mostSteps && world.failures.length === 0; step++) {
    await hand.at(step);
    await world.proceed();
    if (!world.feed.isDone || !hand.isDone || step % 50 !== 0) continue;
    world.recover();
    if (isFinished(journal, targetMs)) return step;
  }
  if (world.failures.length === 0) world.failures.push(`not finished after ${step} steps: ${standing(world, journal)}`);
  return step;
}

/** Everything up to the target is decided in every partition that has predictions, and every event is dealt with. */
function isFinished(journal: Journal, targetMs: number): boolean {
  for (const partition of journal.watched) {
    const { dataEndMs = 0, labelEndMs = 0 } = journal.progress[partition] ?? {};
    if (Math.min(dataEndMs, labelEndMs) < targetMs) return false;
  }
  return journal.watched.size > 0 && journal.undelivered().length === 0;
}

function standing(world: World, journal: Journal): string {
  const workers = world.workers.map(({ name, state }) => `${name} ${state}`).join(', ');
  const decided = journal.progress.map(({ dataEndMs, labelEndMs }) => `${dataEndMs} and ${labelEndMs}`).join(', ');
  return `${workers}; ${journal.undelivered().length} events undelivered; decided until ${decided}`;
}

/**
 * Where nothing is marked inexact, events are those of the uninterrupted reference; else, and facts with them, those of a detector that reads the same partials. What a
 * decision is compared with is no part of its mark, so one idle record in the log is enough for the second.
 */
function checkDecisions(
  scenario: SimulatedScenario,
  prelude: Prelude | null,
  journal: Journal,
  losses: Losses,
  reference: Reference,
  hasInexactPanes: boolean,
): string[] {
  const { targetMs } = scenario;
  // Who decided which pane under which settings is not known.
  if (losses.hasOtherAlerts) return [];
  const isExact =
    !hasInexactPanes &&
    !losses.hasAny &&
    journal.events.flat().every(({ event }) => event.exact) &&
    !journal.partials.flat().some(({ message }) => message.type === 'idle');
  if (isExact) return checkEvents(journal, reference, targetMs, "the uninterrupted run's");
  // Segments are watched for performance as the settings of whoever decides say.
  const isFactMeant = ({ fact, ...rest }: FactSubject) =>
    !losses.hasOtherCells || fact === 'node' || ('clock' in rest && rest.clock === 'data');
  const isEventMeant = ({ kind }: EventRecord) => !losses.hasOtherCells || kind !== 'performance';
  const problems: string[] = [];
  const decided: Reference[] = [];
  for (const [partition, written] of journal.partials.entries()) {
    const { detector, from } = detectorAfter(prelude, scenario, partition);
    const messages = written.filter(({ offset }) => offset >= from);
    const decisions = decisionsOf(detector, messages);
    decided.push(decisions);
    problems.push(...checkFacts(journal, partition, decisions, isFactMeant));
  }
  const all = {
    events: new Map(decided.flatMap(({ events }) => [...events])),
    eventTexts: new Map(decided.flatMap(({ eventTexts }) => [...eventTexts])),
  };
  problems.push(...checkEvents(journal, all, targetMs, 'a detector that read the same partials', isEventMeant));
  return problems;
}

/** A detector as the prelude left it, and where it reads on. */
function detectorAfter(prelude: Prelude | null, { settings, internalPartitions }: SimulatedScenario, partition: number) {
  const tellsOf = (model: string) => partitionOf(model, internalPartitions) === partition;
  if (prelude === null) return { detector: new Detector(settings, new Map(), tellsOf), from: 0 };
  const topics = internalTopics(settings.group);
  const facts = new FactMap();
  for (const [key, value] of prelude.valuesOf({ topic: topics.history, partition })) facts.put(key, value);
  const { detector } = restoreDetector(settings, facts, new Map(), tellsOf);
  return { detector, from: prelude.committed(`${settings.group}-detect`, { topic: topics.partials, partition }) };
}

/** What one worker makes of the day before, undisturbed; null where a scenario has none. */
async function preludeOf(scenario: SimulatedScenario): Promise<Prelude | null> {
  if (scenario.preludeMs === null) return null;
  const { settings, sources, preludeMs } = scenario;
  const patient = { ...settings, window: { ...settings.window, idleAfterMs: 1_000 * 3_600_000 } };
  const prelude = new Prelude();
  const journal = new Journal(settings.group, scenario.internalPartitions);
  const world = new World({
    seed: 0,
    scenario: { ...scenario, settings: patient, sources: sources.filter(({ isAdded }) => !isAdded) },
    prelude: null,
    journal,
    wrap: (log) => log,
    untilMs: preludeMs,
    onAppend: (at, record) => {
      prelude.append(at, record);
      journal.append(at, record);
    },
    onCommit: prelude.commit,
  });
  await world.createTopics();
  const worker = world.startWorker();
  for (let calm = 0; calm < 300; ) {
    await world.proceed();
    calm = world.feed.isDone ? calm + 1 : 0;
  }
  world.stop(worker);
  while (await world.scheduler.step());
  prelude.nowMs = world.scheduler.nowMs;
  return prelude;
}
