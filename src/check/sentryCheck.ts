/** `tidemark check --sentry`: sends a test incident and follows it to its issue, through everything that a real one goes through. */
import type { Config } from '../config/config.ts';
import type { EventRecord } from '../core/incident/event.ts';
import type { Clock } from '../log/port.ts';
import { SentryApiError } from '../sentry/api/client.ts';
import {
  addComment,
  attachmentNamesOf,
  commentsOf,
  eventIdsOf,
  type IssuePlace,
  issuePlace,
  issueWithTag,
  readIssue,
  setIssueStatus,
} from '../sentry/api/issues.ts';
import { type SentryClient, startSentryClient } from '../sentry/client.ts';
import { issueOf } from '../sentry/issue.ts';
import { pictureAttachments } from '../sentry/picture.ts';
import type { Finding } from './advice.ts';
import { testIncident } from './testIncident.ts';

export interface SentryCheckOptions {
  readonly config: Config;
  readonly release: string;
  readonly clock: Clock;
  /** 32 hex digits that no incident had before. */
  readonly incident: string;
  /** Takes one line of the answer. */
  write(line: string): void;
}

/** How long Sentry may take from accepting an event to showing it. */
const patienceMs = 60_000;
const pauseMs = 1_000;

/**
 * Sends two events of one incident with `severity: info` and follows them. Without an API token only the acceptance can be known. What does not work is a
 * finding, and ends the check there: what comes after rests on it. The issue is left behind, resolved.
 */
export async function checkSentryDelivery(options: SentryCheckOptions): Promise<readonly Finding[]> {
  const { config, release, clock, incident, write } = options;
  const { sentry } = config;
  if (sentry.dsn === '') return [problem('there is no DSN to send a test incident to: set sentry.dsn, SENTRY_DSN or SENTRY_DSN_FILE')];
  write(`sentry: a test incident goes to project ${projectOf(sentry.dsn)}, environment ${sentry.environment}`);
  const [opened, reminded] = testIncident(incident, clock.nowMs());
  const client = await startSentryClient({ dsn: sentry.dsn, environment: sentry.environment, release });
  try {
    const findings = await send(client, opened, options);
    if (findings.some(({ kind }) => kind === 'problem')) return findings;
    const place = issuePlace(sentry, 4);
    if (place === null) {
      const what =
        'whether it became an issue cannot be seen without sentry.api.token (SENTRY_AUTH_TOKEN): look for tidemark-check at Sentry';
      return [...findings, advice(what)];
    }
    return [...findings, ...(await follow(place, client, [opened, reminded], findings.length === 0, options))];
  } finally {
    await client.close();
  }
}

/** Sends one event as the worker would, and says what the server made of it. */
async function send(client: SentryClient, event: EventRecord, { config, release, write }: SentryCheckOptions): Promise<Finding[]> {
  const { sentry, core, links } = config;
  const environment = sentry.environment;
  const { contexts, ...issue } = issueOf(event, {
    group: core.group,
    links: Object.fromEntries(links),
    sensitive: new Set(),
    configFiles: [],
    environment,
    release,
  });
  // There is nothing to reproduce.
  const { Reproduce: _, ...shown } = contexts ?? {};
  const answer = await client.deliver({ ...issue, contexts: shown }, await pictureAttachments(event, new Set()));
  const status = answer.status === undefined ? 'refused, or no answer within 10 s' : `HTTP ${answer.status}`;
  if (answer.outcome === 'accepted') {
    write(`  accepted (${status}): event ${event.id}, ${event.step}`);
    return answer.isPictureDropped === true
      ? [advice('Sentry took the event but not its picture: attachments are limited or refused')]
      : [];
  }
  const reasons: Readonly<Record<typeof answer.outcome, string>> = {
    retry: 'the server cannot be reached or is in trouble: check the host of the DSN, the network and a proxy between',
    'rate-limited': 'a limit of the project or of its key is reached: try again later, and look at the quota',
    poison: 'the server calls the event malformed: is it a Sentry?',
    'too-large': 'something between takes no requests of this size (20 KB)',
    'not-ready': 'the key or the project of the DSN is not known there, or is disabled: compare it with project settings, Client Keys',
  };
  return [problem(`Sentry did not accept the event (${status}): ${reasons[answer.outcome]}`)];
}

async function follow(
  place: IssuePlace,
  client: SentryClient,
  [opened, reminded]: readonly [EventRecord, EventRecord],
  hasPicture: boolean,
  options: SentryCheckOptions,
): Promise<Finding[]> {
  const { clock, write } = options;
  const findings: Finding[] = [];
  try {
    const id = await patiently(clock, () => issueWithTag(place, 'incident', opened.incident));
    if (id === null)
      return [
        problem(
          `Sentry took the event and shows no issue of it after ${patienceMs / 1_000} s: is the DSN that of a project in the organization "${place.organization}" which the token may read? Does an inbound filter or a sampling rule drop it?`,
        ),
      ];
    const { url } = await readIssue(place, id);
    write(`  shown: issue ${id}${url === null ? '' : ` ${url}`}`);

    const again = await send(client, reminded, options);
    if (again.length > 0) return again;
    const isGrouped = await patiently(clock, async () => ((await eventIdsOf(place, id)).includes(reminded.id) ? true : null));
    if (isGrouped === null)
      return [problem('the second event of the incident is not in its issue: does a grouping rule of the project override fingerprints?')];
    write('  grouped: both events are in it');

    if (hasPicture) findings.push(...(await lookForPicture(place, id, options)));

    await addComment(place, id, 'A test by "tidemark check --sentry": it opened this issue, and resolves it now.');
    const comments = await commentsOf(place, id);
    await setIssueStatus(place, id, 'resolved');
    const { status } = await readIssue(place, id);
    if (comments.length === 0 || status !== 'resolved')
      return [...findings, problem(`the issue should have a comment and be resolved; it has ${comments.length} comments and is ${status}`)];
    write('  commented and resolved: it can be deleted');
    return findings;
  } catch (error) {
    if (!(error instanceof SentryApiError)) throw error;
    return [...findings, problem(error.message)];
  }
}

async function lookForPicture(place: IssuePlace, id: string, { clock, write }: SentryCheckOptions): Promise<Finding[]> {
  const unseen = 'incidents will come without their pictures';
  try {
    const name = await patiently(clock, async () => (await attachmentNamesOf(place, id)).find((one) => one.includes('screenshot')) ?? null);
    if (name === null)
      return [advice(`the picture has not appeared: are attachments switched on for the organization? Until then ${unseen}`)];
    write(`  picture: ${name} is attached`);
    return [];
  } catch (error) {
    if (!(error instanceof SentryApiError) || error.status !== 404) throw error;
    return [advice(`this Sentry has no attachments of issues to look at: ${unseen}, or they cannot be seen from here`)];
  }
}

/** Asks until there is an answer; null where none came in time. */
async function patiently<T>(clock: Clock, ask: () => Promise<T | null>): Promise<T | null> {
  const startMs = clock.nowMs();
  for (;;) {
    const found = await ask();
    if (found !== null || clock.nowMs() - startMs >= patienceMs) return found;
    await clock.sleep(pauseMs);
  }
}

function projectOf(dsn: string): string {
  const { host, pathname } = new URL(dsn);
  return `${pathname.split('/').at(-1)} at ${host}`;
}

function problem(text: string): Finding {
  return { kind: 'problem', text };
}

function advice(text: string): Finding {
  return { kind: 'advice', text };
}
