/** The demo from its first line to its last: what a newcomer sees first. */
import { writeFileSync } from 'node:fs';
import { dayMs, minuteMs } from '../core/duration.ts';
import type { Clock } from '../log/port.ts';
import { writeEnding } from './demoEnding.ts';
import { type DemoParts, type PartsOptions, startParts } from './demoParts.ts';
import type { Screen } from './demoScreen.ts';
import { type StoryOutcome, tellStory } from './demoStory.ts';

export interface DemoOptions extends Omit<PartsOptions, 'report'> {
  readonly hoursPerSecond: number;
  /** Whether everything stays up after the last line, until the signal. */
  readonly isKept: boolean;
  /** File for what came of the run. */
  readonly jsonFile: string | null;
  readonly screen: Screen;
  readonly clock: Clock;
  /** How the program is called here: `tidemark`, or by npm in a checkout. */
  readonly program: string;
  /** Ends the demo early, or its staying up. */
  readonly signal: AbortSignal;
}

/** Runs the demo; true where the incident of the injected fault reached the inbox. Everything that was started is stopped in the end. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { screen, scenario, hoursPerSecond, signal } = options;
  const days = Math.round((scenario.traffic.toMs - scenario.traffic.fromMs) / dayMs);
  screen.line(
    screen.styled('bold', `Tidemark demo: ${days} days of real flights, January and February 2001, ${hoursPerSecond} hours a second`),
  );
  screen.line();
  const parts = await startParts({ ...options, report: (line) => screen.line(screen.styled('dim', line)) }).catch((error: unknown) => {
    // Ctrl-C reaches what is being started as well: that it failed is no news then.
    if (!signal.aborted) throw error;
    return null;
  });
  if (parts === null) {
    screen.line('Stopped before everything was up.');
    return false;
  }
  try {
    writeHead(options, parts);
    screen.progress(0, 'the worker joins its consumer groups');
    await Promise.race([parts.workerReads, parts.workerFailed, aborted(signal)]);
    const outcome = await tellStory({ scenario, parts, screen, clock: options.clock, hoursPerSecond, signal });
    if (options.jsonFile !== null) writeFileSync(options.jsonFile, `${JSON.stringify(resultOf(options, parts, outcome), null, 2)}\n`);
    const isStaying = options.isKept && outcome.found !== null && !signal.aborted;
    if (outcome.found === null && signal.aborted) screen.line(outcome.problem ?? '');
    else writeEnding({ screen, program: options.program, folder: options.folder, parts, outcome, isStaying });
    if (isStaying) await Promise.race([aborted(signal), parts.workerFailed]);
    return outcome.found !== null;
  } finally {
    screen.clear();
    await parts.close();
    screen.line('Everything is stopped.');
  }
}

function writeHead({ screen }: DemoOptions, { how, brokers, inbox, http, files }: DemoParts): void {
  const kafka = {
    brokers: `the one that KAFKA_BROKERS names, ${brokers.join(', ')}`,
    docker: `Apache Kafka in Docker, ${brokers.join(', ')}`,
    java: `Apache Kafka with Java, ${brokers.join(', ')}`,
    memory: 'no Kafka: an in-memory log in its place; everything else is the real thing',
  }[how];
  const rows = [
    ['Kafka', kafka],
    ['Model', '"delays": will a flight be 15 minutes late or more? Fixed since 21 January'],
    ['Worker', `all stages in this process, ${http.url}/metrics`],
    ['Inbox', `${inbox.url}  a local stand-in for Sentry: open it and watch`],
    ['Config', files.config],
  ] as const;
  for (const [name, text] of rows) screen.line(`  ${screen.styled('bold', name.padEnd(8))}${text}`);
  screen.line();
}

function resultOf({ scenario }: DemoOptions, { how, inbox, counts }: DemoParts, { found, problem, records, seconds }: StoryOutcome) {
  return {
    ok: found !== null,
    problem,
    kafka: how,
    records,
    seconds,
    comparisons: counts.comparisons,
    fault: { what: 'distance in kilometres', since: new Date(scenario.faultSinceMs).toISOString() },
    incident:
      found === null
        ? null
        : {
            issue: found.arrival.issue.id,
            title: found.arrival.event.title,
            time: found.arrival.event.time,
            delayMinutes: found.delayMs / minuteMs,
          },
    issues: inbox
      .issues()
      .map(({ id, title, value, level, count, firstSeen, lastSeen }) => ({ id, title, value, level, count, firstSeen, lastSeen })),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
