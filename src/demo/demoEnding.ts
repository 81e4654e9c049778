/** The last lines of the demo: what the inbox has, where to look at it, and what to try next. */
import { join } from 'node:path';
import type { InboxIssue } from '../sentry/inbox/store.ts';
import type { DemoParts } from './demoParts.ts';
import type { Screen } from './demoScreen.ts';
import type { StoryOutcome } from './demoStory.ts';
import { shortTime } from './demoWords.ts';

export interface Ending {
  readonly screen: Screen;
  /** How the program is called here. */
  readonly program: string;
  readonly folder: string;
  readonly parts: DemoParts;
  readonly outcome: StoryOutcome;
  /** Whether everything stays up after these lines. */
  readonly isStaying: boolean;
}

export function writeEnding(ending: Ending): void {
  const { screen, parts, outcome, isStaying } = ending;
  const issues = parts.inbox.issues().toReversed();
  screen.line();
  screen.line(screen.styled('bold', issues.length === 0 ? 'The inbox is empty.' : `In the inbox: ${counted(issues.length, 'issue')}`));
  for (const issue of issues) writeIssue(screen, issue);
  screen.line();
  const verdict =
    outcome.found === null
      ? screen.styled(['bold', 'red'], outcome.problem ?? '')
      : screen.styled('green', 'The injected fault was found and filed.');
  screen.line(`${outcome.records.toLocaleString('en')} records in ${Math.round(outcome.seconds)} s. ${verdict}`);
  screen.line();
  const { inbox, http } = parts;
  screen.line(
    isStaying
      ? `Inbox page: ${screen.styled('bold', inbox.url)}   metrics: ${http.url}/metrics   Ctrl-C stops everything.`
      : `Inbox page: ${inbox.url}, closed now; the first command below opens it again.`,
  );
  screen.line();
  screen.line('Try next:');
  for (const [command, what] of nextCommands(ending)) {
    screen.line(`  ${screen.styled('dim', `# ${what}`)}`);
    screen.line(`  ${command}`);
  }
}

function writeIssue(screen: Screen, { level, title, value, count, firstSeen }: InboxIssue): void {
  const colour = level === 'error' ? 'red' : level === 'warning' ? 'yellow' : 'blue';
  screen.line(`  ${screen.styled(colour, level.padEnd(8))}${screen.styled('bold', title)}`);
  screen.line(`          ${value}`);
  screen.line(`          ${screen.styled('dim', `${counted(count, 'event')}, first ${shortTime(Date.parse(firstSeen)).trim()}`)}`);
}

/** Three commands that work in the state in which the demo leaves things, and what each shows. */
function nextCommands({ program, folder, parts, isStaying }: Ending): (readonly [command: string, what: string])[] {
  const { how, files, http } = parts;
  const flights = join(folder, 'flights');
  const traffic = [`${program} traffic --out ${flights}`, 'the same flights as files, with settings for them'] as const;
  const backtest = [
    `${program} backtest --config ${flights}/tidemark.yaml --predictions ${flights}/predictions.ndjson.gz --feedback ${flights}/feedback.ndjson.gz --out ${join(folder, 'result')}`,
    'what would have been filed for these files, as a report',
  ] as const;
  if (!isStaying) return [[`${program} inbox --file ${files.events}`, 'these issues again, in a browser'], traffic, backtest];
  if (how === 'memory') return [[`curl -s ${http.url}/metrics`, 'what the worker counts'], traffic, backtest];
  return [
    [`${program} check --config ${files.config}`, 'what Tidemark makes of these topics'],
    [`${program} inspect events --config ${files.config}`, 'the steps of the incidents, as JSON'],
    traffic,
  ];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
