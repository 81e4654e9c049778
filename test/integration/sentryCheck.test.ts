/** `tidemark check --sentry` against the inbox: a test incident through the real SDK and the API, and what it says where something is in the way. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSentryDelivery } from '../../src/check/sentryCheck.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Clock } from '../../src/log/port.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';

/** A second of patience passes in a millisecond; requests run in real time. */
const fastClock: Clock = {
  nowMs: () => performance.now() * 1_000,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 1_000)),
};

let inbox: Inbox;
beforeEach(async () => {
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
});
afterEach(() => inbox.close());

async function tried(change: Readonly<Record<string, string>> = {}): Promise<string> {
  const { token, organization, project } = inbox.api;
  const values = {
    'predictions.topic': 'p',
    'sentry.dsn': inbox.dsn,
    'sentry.api.token': token,
    'sentry.api.organization': organization,
    'sentry.api.project': project,
    ...change,
  };
  const config = loadConfig({ files: [], env: {}, sets: Object.entries(values).map(([name, value]) => `${name}=${value}`) });
  const lines: string[] = [];
  const findings = await checkSentryDelivery({
    config,
    release: 'tidemark@test',
    clock: fastClock,
    incident: randomUUID().replaceAll('-', ''),
    write: (line) => lines.push(line),
  });
  return [...lines, ...findings.map(({ kind, text }) => `${kind}: ${text}`)].join('\n');
}

describe('a test incident', () => {
  it('is followed to an issue that holds both events and the picture, has a comment, and is resolved', async () => {
    const said = await tried();
    expect(said).not.toMatch(/problem:|advice:/);
    const [issue, ...others] = inbox.issues();
    expect(others).toEqual([]);
    expect(issue).toMatchObject({ title: 'Data drift: tidemark-check / nothing', status: 'resolved', level: 'info', count: 2 });
    expect(issue?.activity.map(({ type }) => type)).toEqual(['note', 'set_resolved']);
    expect(issue?.events.flatMap(({ attachments }) => attachments.map(({ name }) => name))).toEqual(['screenshot.png']);
    for (const [step, words] of [
      ['accepted', 'accepted (HTTP 200): event'],
      ['shown', `shown: issue ${issue?.id}`],
      ['grouped', 'grouped: both events are in it'],
      ['picture', 'picture: screenshot.png is attached'],
      ['resolved', 'commented and resolved'],
    ])
      expect(said, step).toContain(words);
  });

  it('is another one each time', async () => {
    await tried();
    await tried();
    expect(inbox.issues().map(({ count, status }) => [count, status])).toEqual([
      [2, 'resolved'],
      [2, 'resolved'],
    ]);
  });

  it('says what cannot be seen without a token', async () => {
    const said = await tried({ 'sentry.api.token': '' });
    expect(said).toContain('accepted (HTTP 200)');
    expect(said).toMatch(/advice: .*cannot be seen without sentry.api.token/);
    expect(inbox.issues()).toMatchObject([{ status: 'unresolved', count: 1 }]);
  });

  it('wants a DSN', async () => {
    expect(await tried({ 'sentry.dsn': '', 'sentry.api.url': inbox.url })).toMatch(/^problem: there is no DSN/);
  });

  it.each<[string, Parameters<Inbox['fail']>[0], RegExp]>([
    ['a disabled key', { kind: 'status', status: 403 }, /HTTP 403.*compare it with project settings/],
    ['a limit', { kind: 'status', status: 429, retryAfter: '60' }, /HTTP 429.*quota/],
    ['a server in trouble', { kind: 'status', status: 503 }, /HTTP 503.*cannot be reached or is in trouble/],
    ['a connection that breaks', { kind: 'reset-before-body' }, /no answer within 10 s.*network/],
    ['a server that takes no pictures', { kind: 'status', status: 413, onlyWithAttachments: true }, /advice: .*not its picture/],
  ])('says what stands in the way: %s', async (_what, failure, words) => {
    inbox.fail(failure);
    expect(await tried()).toMatch(words);
  });

  it('names the permission that a token lacks', async () => {
    inbox.failApi({ kind: 'status', status: 403 });
    expect(await tried()).toMatch(/problem: .*may not do this.*scope event:read/);
  });

  it('names the permission to write, and what worked without it', async () => {
    inbox.failApi({ kind: 'status', status: 403, onlyWrites: true });
    const said = await tried();
    expect(said).toContain('picture: screenshot.png is attached');
    expect(said).toMatch(/problem: .*may not do this.*scope event:write/);
  });

  it('says that a token is not valid', async () => {
    expect(await tried({ 'sentry.api.token': 'another' })).toMatch(/problem: .*refuses the API token/);
  });

  it('says so where the organization is another', async () => {
    expect(await tried({ 'sentry.api.organization': 'another' })).toMatch(/problem: .*knows no such thing.*slugs/);
  });
});
