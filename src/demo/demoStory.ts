/** The run itself, told as it goes: traffic, quiet, what really happened, the injected fault, and its incident in the inbox. */
import { hourMs } from '../core/duration.ts';
import { DependencyError } from '../core/errors.ts';
import type { Clock } from '../log/port.ts';
import { type Arrival, IncidentWatch } from './demoIncidents.ts';
import type { DemoParts } from './demoParts.ts';
import { replay } from './demoReplay.ts';
import type { Screen } from './demoScreen.ts';
import { dayText, shortTime, spanText } from './demoWords.ts';
import { flightTraffic } from './flights.ts';
import type { FlightsScenario } from './flightsScenario.ts';

export interface StoryOptions {
  readonly scenario: FlightsScenario;
  readonly parts: DemoParts;
  readonly screen: Screen;
  readonly clock: Clock;
  /** Simulated hours per second. */
  readonly hoursPerSecond: number;
  readonly signal: AbortSignal;
}

export interface StoryOutcome {
  /** The incident of the injected fault, once it is in the inbox; null where it did not come. */
  readonly found: { readonly delayMs: number; readonly arrival: Arrival } | null;
  /** Why not; null where it was found. */
  readonly problem: string | null;
  readonly records: number;
  /** Of wall clock, from the first record to the end. */
  readonly seconds: number;
}

const tickMs = 100;
/** How long the incident may take beyond twice the planned time, however slow the machine. */
const patienceMs = 90_000;
/** Records that the worker may be behind: about a second. More, and the story would run ahead of what it tells. */
const largestLag = 2_000;
/** Nothing new in the inbox for so long after the last record was read: the end. */
const settledMs = 1_000;

export async function tellStory(options: StoryOptions): Promise<StoryOutcome> {
  const { scenario, parts, clock, signal, hoursPerSecond } = options;
  const { fromMs, toMs } = scenario.traffic;
  const startedMs = clock.nowMs();
  const plannedMs = ((toMs - fromMs) / hourMs / hoursPerSecond) * 1_000;
  const teller = new Teller(options, startedMs);

  const end = new AbortController();
  const stopped = AbortSignal.any([signal, end.signal]);
  let hasEnded = false;
  const traffic = replay({
    log: parts.log,
    topics: parts.topics,
    traffic: flightTraffic(scenario.traffic),
    fromMs,
    speed: (hoursPerSecond * hourMs) / 1_000,
    clock,
    signal: stopped,
    isHeld: (records) => records - parts.counts.read > largestLag,
    onProgress: (records, timeMs) => teller.sent(records, timeMs),
  }).then(() => {
    hasEnded = true;
  });
  // Their failures end the loop below; nobody waits for them before that.
  let failure: unknown = null;
  for (const work of [traffic, parts.workerFailed]) work.catch((error: unknown) => (failure ??= error));

  const deadlineMs = startedMs + 2 * plannedMs + patienceMs;
  try {
    while (!signal.aborted && failure === null && clock.nowMs() < deadlineMs) {
      teller.look();
      // To the end of the traffic, so that later steps of the incident are there too.
      if (hasEnded && teller.found !== null && parts.counts.read >= teller.records && clock.nowMs() - teller.newsAtMs >= settledMs) break;
      await clock.sleep(tickMs);
    }
    teller.look();
  } finally {
    end.abort();
    options.screen.clear();
  }
  await traffic.catch(() => undefined);
  const seconds = (clock.nowMs() - startedMs) / 1_000;
  if (failure !== null) throw new DependencyError(`the demo broke off: ${reasonOf(failure)} (log: ${parts.files.log})`, { cause: failure });
  const { found, records } = teller;
  return { found, problem: found === null ? problemOf(options, records, seconds) : null, records, seconds };
}

/** Knows how far the story is, and says each thing once. */
class Teller {
  readonly #options: StoryOptions;
  readonly #watch: IncidentWatch;
  readonly #startedMs: number;
  readonly #told = new Set<string>();
  #timeMs: number;
  #faultAtMs = 0;
  /** When the last event arrived in the inbox. */
  newsAtMs = 0;
  records = 0;
  found: StoryOutcome['found'] = null;

  constructor(options: StoryOptions, startedMs: number) {
    this.#options = options;
    this.#startedMs = startedMs;
    this.#timeMs = options.scenario.traffic.fromMs;
    this.#watch = new IncidentWatch({ feature: 'distance', sinceMs: options.scenario.faultSinceMs });
  }

  sent(records: number, timeMs: number): void {
    this.records = records;
    this.#timeMs = timeMs;
  }

  /** Says what has come to pass since the last look. */
  look(): void {
    const { scenario, parts, screen } = this.#options;
    const { fromMs, toMs } = scenario.traffic;
    const { inbox } = parts;
    if (this.records > 0) this.#tell(fromMs, 'traffic', 'Flights leave and land: a prediction at departure, its label after landing.');
    this.#tell(
      fromMs + scenario.baselineMs,
      'baseline',
      'The baseline is complete: one week. Windows have been compared since its second day.',
    );
    const arrivals = this.#watch.look(inbox.issues());
    if (arrivals.length > 0) {
      this.newsAtMs = this.#options.clock.nowMs();
      this.#tellQuiet(Date.parse(arrivals[0]?.event.time ?? ''));
    }
    for (const arrival of arrivals.filter(({ event }) => Date.parse(event.time) <= scenario.faultSinceMs)) this.#tellArrival(arrival);
    if (this.#timeMs >= scenario.faultSinceMs) this.#tellFault();
    for (const arrival of arrivals.filter(({ event }) => Date.parse(event.time) > scenario.faultSinceMs)) this.#tellArrival(arrival);
    const { counts } = parts;
    const rate = this.records / Math.max(0.1, (this.#options.clock.nowMs() - this.#startedMs) / 1_000);
    const issues = inbox.issues().length;
    screen.progress(
      Math.min(1, (this.#timeMs - fromMs) / (toMs - fromMs)),
      `${shortTime(this.#timeMs)}  ${grouped(this.records)} records, ${grouped(Math.round(rate))}/s, ${grouped(counts.comparisons)} comparisons, ${issues} issue${issues === 1 ? '' : 's'}`,
    );
  }

  #tell(sinceMs: number, name: string, text: string): void {
    if (this.#timeMs < sinceMs || this.#told.has(name)) return;
    this.#told.add(name);
    this.#options.screen.line(`${this.#time(sinceMs)}  ${text}`);
  }

  /** Once, before the first thing that is not quiet. */
  #tellQuiet(untilMs: number): void {
    const { comparisons } = this.#options.parts.counts;
    this.#tell(untilMs, 'quiet', `Quiet until here: ${grouped(comparisons)} comparisons of a window with the baseline, no incident.`);
  }

  #tellFault(): void {
    const { scenario, screen, clock } = this.#options;
    if (this.#told.has('fault')) return;
    this.#tellQuiet(scenario.faultSinceMs);
    this.#told.add('fault');
    this.#faultAtMs = clock.nowMs();
    const label = screen.styled(['bold', 'magenta'], 'FAULT INJECTED');
    screen.line(`${this.#time(scenario.faultSinceMs)}  ${label}  From now on all distances are in kilometres; the model expects miles.`);
  }

  #tellArrival(arrival: Arrival): void {
    const { scenario, screen, clock } = this.#options;
    const { event, isOfFault } = arrival;
    const timeMs = Date.parse(event.time);
    const isFirst = isOfFault && this.found === null;
    const indent = ' '.repeat(14);
    if (event.tags.step !== 'opened' && !isFirst) return;
    const label = screen.styled(
      ['bold', isOfFault ? 'red' : 'yellow'],
      isOfFault ? 'INCIDENT' : timeMs > scenario.faultSinceMs ? 'ALSO' : 'REAL INCIDENT',
    );
    screen.line(`${this.#time(timeMs)}  ${label}  ${screen.styled('bold', event.title)}`);
    screen.line(`${indent}${event.value}`);
    if (isFirst) {
      this.found = { delayMs: timeMs - scenario.faultSinceMs, arrival };
      const wall = ((clock.nowMs() - this.#faultAtMs) / 1_000).toFixed(1);
      screen.line(`${indent}In the inbox: opened ${spanText(this.found.delayMs)} of event time after the fault, ${wall} s by the clock.`);
    } else if (timeMs <= scenario.faultSinceMs) {
      screen.line(`${indent}Nobody injected this one: it is in the data. ${knownEvent(timeMs)}`);
    }
  }

  #time(timeMs: number): string {
    return this.#options.screen.styled('cyan', shortTime(timeMs));
  }
}

/** What is known, from outside the data, of the day (docs/flights.md). */
function knownEvent(timeMs: number): string {
  const day = dayText(timeMs);
  return day === '2001-02-05' || day === '2001-02-06'
    ? 'Snow closed LaGuardia on 5 February 2001.'
    : 'docs/flights.md has what changes in them.';
}

function problemOf({ parts, signal }: StoryOptions, records: number, seconds: number): string {
  if (signal.aborted) return 'Stopped before the incident of the injected fault was in the inbox.';
  const { read, comparisons, eventsWritten, eventsDelivered } = parts.counts;
  return (
    `No incident of the injected fault has reached the inbox within ${Math.round(seconds)} s: ${grouped(records)} records written, ${grouped(read)} read, ` +
    `${grouped(comparisons)} comparisons, ${eventsWritten} events, ${eventsDelivered} of them delivered. The log of the worker is ${parts.files.log}.`
  );
}

function grouped(value: number): string {
  return value.toLocaleString('en');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
