/** The whole life of an issue: the real notify stage, the real SDK and the web API of the inbox. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { EventRecord, IncidentStep } from '../../src/core/incident/event.ts';
import { eventIdOf } from '../../src/core/incident/eventId.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import type { Clock } from '../../src/log/port.ts';
import { sentryApi } from '../../src/sentry/api/client.ts';
import { issueWithTag, readIssue } from '../../src/sentry/api/issues.ts';
import type { InboxFailure } from '../../src/sentry/inbox/failure.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import type { InboxIssue } from '../../src/sentry/inbox/store.ts';
import { NotifyStage } from '../../src/stages/notify.ts';
import { startSentryDelivery } from '../../src/stages/sentryDelivery.ts';
import type { Sink } from '../../src/stages/sink.ts';
import { event as eventLike, hex, series } from '../support/events.ts';
import { pictures } from '../support/pictures.ts';

const topics = internalTopics('tidemark');
/** A second of the stage passes in two milliseconds; requests run in real time. */
const fastClock: Clock = {
  nowMs: () => performance.now() * 500,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 500)),
};

let inbox: Inbox;
let log: MemoryLog;
let lines: string[];
let stop: () => Promise<void>;

const logger = {
  error: (_facts: object, text: string) => void lines.push(text),
  warn: (_facts: object, text: string) => void lines.push(text),
  info: (_facts: object, text: string) => void lines.push(text),
  debug: () => {},
};

beforeEach(async () => {
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
  log = new MemoryLog({ clock: fastClock });
  await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions: 1, configs: {} })));
  lines = [];
  stop = async () => {};
});
afterEach(async () => {
  await stop();
  await inbox.close();
});

function sink(api: { readonly token: string; readonly organization: string; readonly project: string } | null = inbox.api): Promise<Sink> {
  const sets = [
    'predictions.topic=p',
    `sentry.dsn=${inbox.dsn}`,
    ...(api === null ? [] : Object.entries(api).map(([name, value]) => `sentry.api.${name}=${value}`)),
  ];
  const config = loadConfig({ files: [], env: {}, sets });
  return startSentryDelivery({ config, release: 'r', clock: fastClock, logger, metrics: noMetrics });
}

async function start(to: Promise<Sink> = sink()): Promise<void> {
  const controller = new AbortController();
  const opened = await to;
  const ended = new NotifyStage({ log, group: 'tidemark', clock: fastClock, logger, metrics: noMetrics, sink: opened }).run(
    controller.signal,
  );
  stop = async () => {
    controller.abort();
    await ended;
    await opened.close();
  };
}

/** A step of an incident with the ids that detect gives. */
function step(name: string, ordinal: number, one: IncidentStep, over: Partial<EventRecord> = {}): EventRecord {
  return eventLike(name, ordinal, one, { id: eventIdOf(hex(name), ordinal), ...over });
}

async function write(...events: EventRecord[]): Promise<void> {
  await log.produce(events.map((one) => ({ topic: topics.events, partition: 0, key: one.chain, value: JSON.stringify(one) })));
}

const issue = (name = 'a'): InboxIssue | undefined => inbox.issues().find(({ fingerprint }) => fingerprint[2] === hex(name));
const steps = (name = 'a') => issue(name)?.events.map(({ tags }) => tags.step) ?? [];
const notes = (name = 'a') => issue(name)?.activity.filter(({ type }) => type === 'note') ?? [];
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};
/** Ends of incidents that are done with: the comment is one of the things that were done. */
const ends = () => lines.filter((line) => line.startsWith('The incident is over')).length;
const said = (text: string) => lines.some((line) => line.includes(text));

describe('an issue, from its incident opening to long after', () => {
  it('opens, escalates in the same issue at a higher level, is reminded of, and is resolved with one comment when the incident recovers', async () => {
    await start();
    await write(step('a', 0, 'opened'));
    await until(() => steps().length === 1);
    await write(step('a', 1, 'escalated', { severity: 'error', series: [series('amount'), series('age')] }));
    await until(() => steps().length === 2);
    await write(step('a', 2, 'reminded', { severity: 'error' }));
    await until(() => steps().length === 3);
    expect(inbox.issues()).toHaveLength(1);
    expect(issue()).toMatchObject({ level: 'error', status: 'unresolved' });
    await write(step('a', 3, 'recovered', { severity: 'error', windowEnd: '2026-03-01T13:20:00.000Z' }));
    await until(() => issue()?.status === 'resolved');
    expect(steps()).toEqual(['opened', 'escalated', 'reminded']);
    expect(notes()).toHaveLength(1);
    expect(notes()[0]?.text).toContain('Recovered after 3 h 40 min');
    await until(() => said('its issue is resolved'));
  });

  it('is reopened as a regression by an incident of the same chain, and left resolved by one of another chain, which is a new issue', async () => {
    await start();
    await write(step('a', 0, 'opened'), step('a', 1, 'recovered'));
    await until(() => issue()?.status === 'resolved');
    await write(step('again', 0, 'opened', { chain: hex('a') }));
    await until(() => issue()?.status === 'unresolved');
    expect(inbox.issues()).toHaveLength(1);
    expect(issue()?.activity.map(({ type }) => type)).toEqual(['note', 'set_resolved', 'set_regression']);
    await write(step('again', 1, 'recovered', { chain: hex('a') }));
    await until(() => issue()?.status === 'resolved');
    expect(notes()).toHaveLength(2);
    await write(step('later', 0, 'opened'));
    await until(() => inbox.issues().length === 2);
    expect(issue()?.status).toBe('resolved');
  });

  it.each(['set_resolved', 'set_ignored'] as const)(
    'stays as a person left it (%s) through reminders, and comes back with a new series',
    async (type) => {
      await start();
      await write(step('a', 0, 'opened'));
      await until(() => steps().length === 1);
      await inbox.act(issue()?.id ?? '', type);
      await write(step('a', 1, 'reminded'));
      await until(() => said('the reminder is not sent'));
      expect(steps()).toEqual(['opened']);
      expect(issue()?.status).toBe(type === 'set_resolved' ? 'resolved' : 'ignored');
      await write(step('a', 2, 'escalated', { series: [series('amount'), series('age')] }));
      await until(() => steps().length === 2 && issue()?.status === 'unresolved');
    },
  );

  it.each([
    ['as bad as before stays archived', 'warning', 'ignored'],
    ['worse than before is open again', 'error', 'unresolved'],
  ] as const)('that a person archived and an incident continues %s', async (_what, severity, status) => {
    await start();
    await write(step('a', 0, 'opened'));
    await until(() => steps().length === 1);
    await inbox.act(issue()?.id ?? '', 'set_ignored');
    await write(step('a', 1, 'recovered'));
    await until(() => notes().length === 1);
    await write(step('again', 0, 'opened', { chain: hex('a'), severity }));
    await until(() => steps().length === 2);
    // The next of the chain goes when the former is done with.
    await write(step('again', 1, 'recovered', { chain: hex('a'), severity }));
    await until(() => ends() === 2);
    expect(issue()?.activity.map(({ type }) => type)).toEqual(
      status === 'ignored' ? ['set_ignored', 'note', 'note'] : ['set_ignored', 'note', 'set_unresolved', 'note', 'set_resolved'],
    );
  });

  it('that a person archived is not resolved at the end, for the next event would bring it back; the comment is there', async () => {
    await start();
    await write(step('a', 0, 'opened'));
    await until(() => steps().length === 1);
    await inbox.act(issue()?.id ?? '', 'set_ignored');
    await write(step('a', 1, 'recovered'));
    await until(() => notes().length === 1 && said('its issue was archived already'));
    expect(issue()?.status).toBe('ignored');
  });

  it('gets one comment, however often its end is delivered', async () => {
    const to = await sink();
    await to.deliver(step('a', 0, 'opened'));
    expect(await to.deliver(step('a', 1, 'recovered'))).toEqual({ outcome: 'accepted' });
    // A crash after Sentry was told and before `deliveries` knew.
    expect(await to.deliver(step('a', 1, 'recovered'))).toEqual({ outcome: 'accepted' });
    expect(notes()).toHaveLength(1);
    expect(issue()?.status).toBe('resolved');
    await to.close();
  });

  it('stays open while the next incident of its chain lasts, although a worker that was frozen tells of the end of the one before once more', async () => {
    const to = await sink();
    await to.deliver(step('a', 0, 'opened'));
    await to.deliver(step('a', 1, 'recovered'));
    await to.deliver(step('again', 0, 'opened', { chain: hex('a') }));
    expect(await to.deliver(step('a', 1, 'recovered'))).toEqual({ outcome: 'accepted' });
    expect(issue()?.status).toBe('unresolved');
    await until(() => said('goes on with the next one'));
    expect(notes()).toHaveLength(1);
    await to.deliver(step('again', 1, 'recovered', { chain: hex('a') }));
    expect(issue()?.status).toBe('resolved');
    await to.close();
  });
});

it('the picture goes along when an incident opens and escalates, and not with a reminder', async () => {
  const to = await sink();
  const { picture } = pictures.numeric;
  for (const [ordinal, one] of (['opened', 'escalated', 'reminded'] as const).entries())
    await to.deliver(step('a', ordinal, one, one === 'reminded' || picture === undefined ? {} : { picture }));
  await to.close();
  const shown = issue()?.events.map(({ attachments }) => attachments.map(({ name, contentType }) => `${name} ${contentType}`));
  expect(shown).toEqual([['screenshot.png image/png'], ['screenshot.png image/png'], []]);
});

describe('an API that does not do as asked', () => {
  it.each<[string, InboxFailure]>([
    ['429', { kind: 'status', status: 429 }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503 }],
    ['a reset before the body', { kind: 'reset-before-body' }],
    ['a reset after the body', { kind: 'reset-after-body' }],
  ])('is asked again after %s, and the issue is resolved with one comment', async (_what, failure) => {
    await start();
    await write(step('a', 0, 'opened'));
    await until(() => steps().length === 1);
    inbox.failApi({ ...failure, times: 4 });
    await write(step('a', 1, 'recovered'));
    await until(() => issue()?.status === 'resolved');
    expect(notes()).toHaveLength(1);
  });

  it.each([401, 403, 404] as const)('that refuses with %i leaves the issue open, says why, and holds up nothing', async (status) => {
    await start();
    await write(step('a', 0, 'opened'));
    await until(() => steps().length === 1);
    inbox.failApi({ kind: 'status', status });
    await write(step('a', 1, 'reminded'), step('b', 0, 'opened'));
    // Who may not ask sends the reminder.
    await until(() => steps().length === 2 && steps('b').length === 1);
    await write(step('a', 2, 'recovered'), step('again', 0, 'opened', { chain: hex('a') }));
    await until(() => steps().length === 3);
    expect(issue()?.status).toBe('unresolved');
    await until(() => said('Sentry refuses what its API was asked'));
  });

  it('that never knew the issue is given up after a while', async () => {
    await start();
    await write(step('never-sent', 1, 'recovered'), step('b', 0, 'opened'));
    await until(() => steps('b').length === 1);
    await until(() => said('Sentry knows no issue of this incident'));
  });
});

it.each([
  [400, 'the same worker'],
  [413, 'the same worker'],
  [400, 'another worker'],
] as const)(
  'the end of an incident whose opening Sentry refused for good (%d) is done with at once by %s: what comes after does not wait',
  async (status, who) => {
    inbox.fail({ kind: 'status', status });
    await start();
    await write(step('a', 0, 'opened'));
    await until(() => said('refused the event for good'));
    inbox.fail(null);
    if (who === 'another worker') {
      await stop();
      await start();
    }
    await write(step('a', 1, 'recovered'));
    await until(() => said('Sentry refused its events, so there is no issue to resolve'));
    await write(step('b', 0, 'opened', { chain: hex('a') }));
    await until(() => steps('a').length === 1);
    expect(said('Sentry knows no issue of this incident')).toBe(false);
  },
);

it('the end of an incident of which Sentry refused a later step only looks for its issue as before', async () => {
  const to = await sink();
  inbox.fail({ kind: 'status', status: 400 });
  expect(await to.deliver(step('a', 1, 'escalated'))).toMatchObject({ outcome: 'poison' });
  inbox.fail(null);
  expect(await to.deliver(step('a', 2, 'recovered'))).toEqual({ outcome: 'retry' });
  await to.close();
});

it('without a token says once what that means, sends reminders, and leaves issues open', async () => {
  await start(sink(null));
  await write(step('a', 0, 'opened'));
  await until(() => steps().length === 1);
  await inbox.act(issue()?.id ?? '', 'set_resolved');
  await write(step('a', 1, 'reminded'));
  await until(() => steps().length === 2);
  await write(step('a', 2, 'recovered'));
  await until(() => said('there is no token'));
  expect(issue()?.status).toBe('unresolved');
  expect(lines.filter((line) => line.startsWith('Without sentry.api.token'))).toHaveLength(1);
});

it('an inbox with a data file remembers what was done to its issues', async () => {
  await inbox.close();
  const dataFile = join(mkdtempSync(join(tmpdir(), 'tidemark-inbox-')), 'inbox.ndjson');
  inbox = await startInbox({ host: '127.0.0.1', port: 0, dataFile });
  const to = await sink();
  await to.deliver(step('a', 0, 'opened'));
  await to.deliver(step('a', 1, 'recovered'));
  await to.deliver(step('again', 0, 'opened', { chain: hex('a') }));
  await inbox.act(issue()?.id ?? '', 'set_ignored');
  await to.close();
  const before = inbox.issues();
  await inbox.close();
  inbox = await startInbox({ host: '127.0.0.1', port: 0, dataFile });
  expect(inbox.issues()).toEqual(before);
  expect(before[0]?.activity.map(({ type }) => type)).toEqual(['note', 'set_resolved', 'set_regression', 'set_ignored']);
});

it('the API of the inbox answers as Sentry does: 401 without its token, 404 for what it does not know, the activity newest first', async () => {
  const to = await sink();
  const opened = step('a', 0, 'opened');
  await to.deliver(opened);
  await to.close();
  const api = (token: string) => sentryApi({ url: inbox.url, token, attempts: 1 });
  const place = { api: api(inbox.api.token), organization: inbox.api.organization };
  const id = await issueWithTag(place, 'incident', opened.incident);
  expect(id).toBe(issue()?.id);
  expect(await issueWithTag(place, 'incident', hex('unknown'))).toBeNull();
  expect(await readIssue(place, id ?? '')).toMatchObject({ status: 'unresolved', isClosedByAge: false });
  await expect(readIssue({ ...place, api: api('wrong') }, id ?? '')).rejects.toMatchObject({ status: 401 });
  await expect(readIssue({ ...place, organization: 'other' }, id ?? '')).rejects.toMatchObject({ status: 404 });
});

it('a button on a page of somebody else presses nothing', async () => {
  const to = await sink();
  await to.deliver(step('a', 0, 'opened'));
  await to.close();
  const post = (origin: string) =>
    fetch(new URL(`issues/${issue()?.id}`, inbox.url), {
      method: 'POST',
      headers: { origin },
      body: new URLSearchParams({ do: 'set_resolved' }),
      redirect: 'manual',
    });
  expect((await post('http://evil.example')).status).toBe(403);
  expect(issue()?.status).toBe('unresolved');
  expect((await post(new URL(inbox.url).origin)).status).toBe(303);
  expect(issue()?.status).toBe('resolved');
});
