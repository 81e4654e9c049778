import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/core/errors.ts';
import { type SentryClient, startSentryClient } from '../../src/sentry/client.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { issueOf } from '../../src/sentry/issue.ts';
import { event, hex, series } from '../support/events.ts';

const context = {
  group: 'g',
  configFiles: [],
  links: { runbook: 'https://wiki/{model}' },
  sensitive: new Set<string>(),
  environment: 'test',
  release: 'tidemark@0.1.0',
};
const opened = (name: string, ordinal = 0) => issueOf(event(name, ordinal, ordinal === 0 ? 'opened' : 'escalated'), context);
const picture = { filename: 'screenshot.png', contentType: 'image/png', data: new Uint8Array(2_048).fill(7) };

describe('delivery through the real SDK to a server on the loopback interface', () => {
  let inbox: Inbox;
  let client: SentryClient;
  beforeAll(async () => {
    inbox = await startInbox({ host: '127.0.0.1', port: 0 });
    client = await startSentryClient({ dsn: inbox.dsn, environment: 'test', release: 'tidemark@0.1.0' });
  });
  afterAll(async () => {
    await client.close();
    await inbox.close();
  });
  afterEach(() => inbox.fail(null));

  const arrived = (id: string | undefined) => inbox.issues().flatMap(({ events }) => events.filter((one) => one.id === id));

  it('is accepted when the server has the event, whole and under its own id', async () => {
    const issue = issueOf(event('whole', 0, 'opened', { series: ['a', 'b', 'c', '__proto__'].map((name) => series(name)) }), context);
    expect(await client.deliver(issue)).toEqual({ outcome: 'accepted', status: 200 });
    const [one] = arrived(hex('whole/0'));
    const { contexts = {}, sdk, ...rest } = one?.event ?? {};
    const { runtime, trace, ...ours } = contexts;
    expect({ ...rest, contexts: ours }).toEqual(issue);
    expect(JSON.stringify(ours)).not.toMatch(/\[(Object|Array|Function)/);
    expect([sdk?.name, runtime?.name]).toEqual(['sentry.javascript.node', 'node']);
    expect(trace).toBeDefined();
    expect(one?.event).not.toHaveProperty('server_name');
    expect(one?.event).not.toHaveProperty('breadcrumbs');
    expect(one?.event).not.toHaveProperty('user');
  });

  it('keeps what the process put into its Sentry scopes out of the event', async () => {
    const { setTag, setUser, getIsolationScope, addBreadcrumb } = await import('@sentry/node');
    setTag('stranger', 'yes');
    setUser({ email: 'someone@example.com' });
    getIsolationScope().setTag('stranger2', 'yes');
    addBreadcrumb({ message: 'private' });
    await client.deliver(opened('isolated'));
    const sent = JSON.stringify(arrived(hex('isolated/0')));
    for (const foreign of ['stranger', 'someone@example.com', 'private']) expect(sent).not.toContain(foreign);
  });

  it('takes 200 of 200 in a burst', async () => {
    const before = inbox.issues().length;
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => client.deliver(opened(`burst ${index}`))));
    expect(answers.every(({ outcome }) => outcome === 'accepted')).toBe(true);
    expect(inbox.issues().length - before).toBe(200);
  });

  it('does not double an event that is delivered again under its id', async () => {
    for (let times = 0; times < 3; times += 1) expect((await client.deliver(opened('again'))).outcome).toBe('accepted');
    expect(arrived(hex('again/0'))).toHaveLength(1);
  });

  it.each([
    [400, { outcome: 'poison', status: 400 }],
    [401, { outcome: 'not-ready', status: 401 }],
    [403, { outcome: 'not-ready', status: 403 }],
    [404, { outcome: 'not-ready', status: 404 }],
    [413, { outcome: 'too-large', status: 413 }],
    [429, { outcome: 'rate-limited', status: 429, retryAfterMs: 60_000 }],
    [500, { outcome: 'retry', status: 500 }],
    [503, { outcome: 'retry', status: 503 }],
  ] as const)('HTTP %i is told as what it is, and the event can be delivered right after', async (status, answer) => {
    inbox.fail({ kind: 'status', status, times: 1 });
    const issue = opened(`status ${status}`);
    expect(await client.deliver(issue)).toEqual(answer);
    expect(arrived(issue.event_id)).toHaveLength(0);
    expect((await client.deliver(issue)).outcome).toBe('accepted');
    expect(arrived(issue.event_id)).toHaveLength(1);
  });

  it('a rate limit says how long, and the SDK drops nothing on its own judgement afterwards', async () => {
    inbox.fail({ kind: 'status', status: 429, rateLimits: '7:error:key', retryAfter: '3', times: 1 });
    expect(await client.deliver(opened('limited'), [picture])).toEqual({ outcome: 'rate-limited', status: 429, retryAfterMs: 7_000 });
    expect(await client.deliver(opened('limited'), [picture])).toEqual({ outcome: 'accepted', status: 200 });
    expect(arrived(hex('limited/0'))[0]?.attachments).toEqual([{ name: 'screenshot.png', contentType: 'image/png', bytes: 2_048 }]);
  });

  it.each([
    ['413', { kind: 'status', status: 413, onlyWithAttachments: true }],
    ['a limit on attachments of two hours', { kind: 'status', status: 429, rateLimits: '7200:attachment:key', onlyWithAttachments: true }],
  ] as const)('sends the event without its picture after %s', async (name, failure) => {
    inbox.fail(failure);
    const own = await startSentryClient({ dsn: inbox.dsn, environment: 'test', release: 'r' });
    expect(await own.deliver(opened(name), [picture])).toEqual({ outcome: 'accepted', status: 200, isPictureDropped: true });
    expect(arrived(hex(`${name}/0`))[0]?.attachments).toEqual([]);
    await own.close();
  });

  it('sends the picture behind its event when the limit is over, however often it takes', async () => {
    let lost = 0;
    const own = await startSentryClient({ dsn: inbox.dsn, environment: 'test', release: 'r', onPictureLost: () => (lost += 1) });
    inbox.fail({ kind: 'status', status: 429, rateLimits: '0.05:attachment:key', onlyWithAttachments: true, times: 3 });
    expect(await own.deliver(opened('late picture'), [picture])).toEqual({ outcome: 'accepted', status: 200 });
    expect(arrived(hex('late picture/0'))[0]?.attachments).toEqual([]);
    while (arrived(hex('late picture/0'))[0]?.attachments.length !== 1) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(arrived(hex('late picture/0'))[0]?.attachments).toEqual([{ name: 'screenshot.png', contentType: 'image/png', bytes: 2_048 }]);
    inbox.fail({ kind: 'status', status: 429, rateLimits: '60:attachment:key', onlyWithAttachments: true });
    expect(await own.deliver(opened('lost picture'), [picture])).toEqual({ outcome: 'accepted', status: 200 });
    await own.close();
    expect(lost).toBe(1);
  });

  it('does not even try a picture before the limit on attachments is over, and events go meanwhile', async () => {
    let nowMs = 0;
    const own = await startSentryClient({ dsn: inbox.dsn, environment: 'test', release: 'r', nowMs: () => nowMs });
    inbox.fail({ kind: 'status', status: 429, rateLimits: '60:attachment:key', times: 1 });
    const picturesOf = async (name: string) => {
      expect((await own.deliver(opened(name), [picture])).outcome).toBe('accepted');
      return arrived(hex(`${name}/0`))[0]?.attachments.length;
    };
    expect(await picturesOf('limited picture')).toBe(0);
    nowMs = 59_999;
    expect(await picturesOf('still limited')).toBe(0);
    nowMs = 60_000;
    expect(await picturesOf('picture again')).toBe(1);
    await own.close();
  });

  it('a connection that breaks before the body is a retry, and nothing has arrived', async () => {
    inbox.fail({ kind: 'reset-before-body' });
    expect(await client.deliver(opened('before'))).toEqual({ outcome: 'retry' });
    expect(arrived(hex('before/0'))).toHaveLength(0);
  });

  it('a connection that breaks after the body is a retry that doubles nothing', async () => {
    inbox.fail({ kind: 'reset-after-body', times: 1 });
    expect(await client.deliver(opened('after'))).toEqual({ outcome: 'retry' });
    expect((await client.deliver(opened('after'))).outcome).toBe('accepted');
    expect(arrived(hex('after/0'))).toHaveLength(1);
  });

  it('groups the events of a chain into one issue that shows the newest', async () => {
    await client.deliver(issueOf(event('chain', 0, 'opened', { severity: 'info' }), context));
    await client.deliver(
      issueOf(event('chain', 1, 'escalated', { severity: 'error', series: [series('amount'), series('age')] }), context),
    );
    const issue = inbox.issues().find(({ fingerprint }) => fingerprint[2] === hex('chain'));
    expect(issue).toMatchObject({ title: 'Data drift: fraud / age and 1 more', level: 'error', culprit: 'fraud@2026-02', count: 2 });
    expect(issue?.events.map(({ tags }) => tags.step)).toEqual(['opened', 'escalated']);
  });
});

describe('a server that hangs', () => {
  let inbox: Inbox;
  let client: SentryClient;
  beforeAll(async () => {
    inbox = await startInbox({ host: '127.0.0.1', port: 0 });
    client = await startSentryClient({ dsn: inbox.dsn, environment: 'test', release: 'r', deadlineMs: 300 });
  });
  afterAll(async () => {
    await client.close();
    await inbox.close();
  });

  it('a server that never answers is a retry after the deadline', async () => {
    inbox.fail({ kind: 'hang' });
    expect(await client.deliver(opened('hang'))).toEqual({ outcome: 'retry' });
    expect(inbox.issues()).toEqual([]);
  });

  it('refuses a second attempt for an event that is on its way', async () => {
    inbox.fail({ kind: 'hang', times: 1 });
    const first = client.deliver(opened('twice'));
    await expect(client.deliver(opened('twice'))).rejects.toThrow('on its way already');
    expect(await first).toEqual({ outcome: 'retry' });
  });
});

describe('a server that is not there, or is not ours', () => {
  it('is not ready where it answers with a redirect, which is not followed', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url?.split('?')[0]}`);
      request.resume();
      response.writeHead(302, { location: '/login' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const client = await startSentryClient({ dsn: `http://key@127.0.0.1:${port}/1`, environment: 'test', release: 'r' });
    expect(await client.deliver(opened('redirected'))).toEqual({ outcome: 'not-ready', status: 302 });
    expect(asked).toEqual(['POST /api/1/envelope/']);
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is a retry', async () => {
    const inbox = await startInbox({ host: '127.0.0.1', port: 0 });
    await inbox.close();
    const client = await startSentryClient({ dsn: inbox.dsn, environment: 'test', release: 'r' });
    expect(await client.deliver(opened('nobody'))).toEqual({ outcome: 'retry' });
    await client.close();
  });

  it('is not ready where the key or the project is another', async () => {
    const inbox = await startInbox({ host: '127.0.0.1', port: 0 });
    const foreignKey = await startSentryClient({ dsn: inbox.dsn.replace('inbox@', 'stranger@'), environment: 'test', release: 'r' });
    expect(await foreignKey.deliver(opened('key'))).toEqual({ outcome: 'not-ready', status: 401 });
    await foreignKey.close();
    const foreignProject = await startSentryClient({ dsn: inbox.dsn.replace(/1$/, '2'), environment: 'test', release: 'r' });
    expect(await foreignProject.deliver(opened('project'))).toEqual({ outcome: 'not-ready', status: 404 });
    await Promise.all([foreignProject.close(), inbox.close()]);
  });
});

it('does not start with a DSN that the SDK would silently ignore', async () => {
  await expect(startSentryClient({ dsn: 'https://sentry.io/1', environment: 'test', release: 'r' })).rejects.toThrow(ConfigError);
});

it('starts with DSNs as Sentry writes them', async () => {
  for (const dsn of ['https://abc123@o42.ingest.de.sentry.io/4501', 'http://key@localhost:9000/prefix/1', 'https://key@[::1]:9000/1']) {
    const client = await startSentryClient({ dsn, environment: 'test', release: 'r' });
    await client.close();
  }
});
