import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DependencyError, InputError } from '../../src/core/errors.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { hex } from '../support/events.ts';

let inbox: Inbox;
beforeEach(async () => {
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
});
afterEach(() => inbox.close());

/** An envelope as SDKs of any language write it. */
function envelope(...items: readonly (readonly [object, string])[]): string {
  return ['{}', ...items.flatMap(([header, payload]) => [JSON.stringify(header), payload])].join('\n');
}

const eventItem = (event: object) => envelope([{ type: 'event' }, JSON.stringify(event)]);
const sample = { event_id: hex('e'), message: 'Disk full', level: 'warning', fingerprint: ['x'], timestamp: 1_772_359_200 };

function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = 'api/1/envelope/?sentry_key=inbox',
  to = inbox,
) {
  return fetch(new URL(path, to.url), { method: 'POST', body, headers });
}

describe('the envelope endpoint', () => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('reads %s', async (encoding, compress) => {
    expect((await post(Uint8Array.from(compress(eventItem(sample))), { 'content-encoding': encoding })).status).toBe(200);
    expect(inbox.issues()).toMatchObject([{ title: 'Disk full', level: 'warning', lastSeen: '2026-03-01T10:00:00.000Z', count: 1 }]);
  });

  it('takes the key from the header too, and refuses what has none', async () => {
    const headers = { 'x-sentry-auth': 'Sentry sentry_version=7, sentry_key=inbox' };
    expect((await post(eventItem(sample), headers, 'api/1/envelope/')).status).toBe(200);
    expect((await post(eventItem(sample), {}, 'api/1/envelope/')).status).toBe(401);
  });

  it('reads items with and without a length, and attachments of both kinds', async () => {
    const text = JSON.stringify({ ...sample, message: 'Käse' });
    const body = envelope(
      [{ type: 'event', length: Buffer.byteLength(text) }, text],
      [{ type: 'attachment', length: 3, filename: 'a.txt' }, 'abc'],
    );
    expect((await post(body)).status).toBe(200);
    expect(inbox.issues()[0]?.events[0]).toMatchObject({
      title: 'Käse',
      attachments: [{ name: 'a.txt', contentType: 'application/octet-stream', bytes: 3 }],
    });
  });

  it('accepts what is no event and shows nothing of it', async () => {
    expect((await post(envelope([{ type: 'session' }, '{}']))).status).toBe(200);
    expect(inbox.issues()).toEqual([]);
  });

  it.each<[string, string, Record<string, string>]>([
    ['no envelope', 'hello', {}],
    ['an event that is a list', envelope([{ type: 'event' }, '[]']), {}],
    ['bytes that are not gzip', eventItem(sample), { 'content-encoding': 'gzip' }],
    ['an unknown encoding', eventItem(sample), { 'content-encoding': 'lzma' }],
    ['an event whose exceptions are no list', eventItem({ ...sample, exception: { values: 7 } }), {}],
  ])('answers 400 to %s', async (_what, body, headers) => {
    expect((await post(body, headers)).status).toBe(400);
    expect(inbox.issues()).toEqual([]);
  });

  it('answers 413 to more than 20 MB, and 400 to what would unpack to more', async () => {
    expect((await post(new Uint8Array(21 * 1024 * 1024))).status).toBe(413);
    expect((await post(Uint8Array.from(gzipSync(new Uint8Array(30 * 1024 * 1024))), { 'content-encoding': 'gzip' })).status).toBe(400);
  });

  it('groups by title and culprit where an event has no fingerprint, and names what has no id', async () => {
    for (const transaction of ['a', 'b', 'b']) await post(eventItem({ message: 'm', transaction }));
    expect(inbox.issues().map(({ culprit, count }) => [culprit, count])).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
  });
});

describe('the pages and the API', () => {
  it('gives the issues as JSON', async () => {
    await post(eventItem(sample));
    const answer = await fetch(new URL('api/inbox/issues', inbox.url));
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(inbox.issues())));
  });

  it('escapes everything that an event holds, and forbids scripts besides', async () => {
    const evil = '<script>alert(1)</script><img src=x onerror=alert(2)>"\'';
    await post(
      eventItem({
        ...sample,
        message: evil,
        tags: { [evil]: evil },
        contexts: { [evil]: { [evil]: evil, link: 'javascript:alert(3)' } },
        transaction: evil,
      }),
    );
    const [issue] = inbox.issues();
    for (const path of ['', `issues/${issue?.id}`]) {
      const answer = await fetch(new URL(path, inbox.url));
      const text = await answer.text();
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(text).toContain('&lt;script&gt;alert(1)');
      expect(text).not.toMatch(/<script|<img src=x|href="javascript/);
    }
  });

  it('hands pictures out as pictures and everything else as bytes', async () => {
    const items = [
      [{ type: 'event' }, JSON.stringify(sample)],
      [{ type: 'attachment', length: 3, filename: 'p.png', content_type: 'image/png' }, 'png'],
      [{ type: 'attachment', length: 3, filename: 'p.html', content_type: 'text/html' }, '<p>'],
    ] as const;
    await post(envelope(...items));
    const get = async (index: number) => fetch(new URL(`attachments/${sample.event_id}/${index}`, inbox.url));
    expect((await get(0)).headers.get('content-type')).toBe('image/png');
    expect((await get(1)).headers.get('content-type')).toBe('application/octet-stream');
    expect((await get(2)).status).toBe(404);
    const [issue] = inbox.issues();
    expect(await (await fetch(new URL(`issues/${issue?.id}`, inbox.url))).text()).toContain(
      `<img class="picture" src="/attachments/${sample.event_id}/0"`,
    );
  });

  it('answers plainly what is not there, not allowed or not readable', async () => {
    const status = async (path: string, method = 'GET') => (await fetch(new URL(path, inbox.url), { method })).status;
    expect(await status('healthz')).toBe(200);
    expect(await status('issues/ffffffff')).toBe(404);
    expect(await status('nothing')).toBe(404);
    expect(await status('issues/%ff')).toBe(400);
    expect(await status('', 'DELETE')).toBe(405);
  });
});

it('answers only to the names of this machine', async () => {
  const status = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(inbox.url, { headers: { host } }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end();
    });
  expect(await status('localhost:9000')).toBe(200);
  expect(await status('evil.example.com')).toBe(421);
});

describe('the data file', () => {
  const folder = mkdtemp(join(tmpdir(), 'tidemark-inbox-'));
  afterAll(async () => rm(await folder, { recursive: true }));

  it('brings everything back after a restart, and knows what it has taken', async () => {
    const dataFile = join(await folder, 'events.ndjson');
    const first = await startInbox({ host: '127.0.0.1', port: 0, dataFile });
    const body = envelope(
      [{ type: 'event' }, JSON.stringify(sample)],
      [{ type: 'attachment', length: 3, filename: 'p.png', content_type: 'image/png' }, 'png'],
    );
    await post(body, {}, undefined, first);
    // A file that comes behind its event, and one of an event that never came.
    const late = (id: string) =>
      envelope([{ type: 'attachment', length: 3, filename: 'late.png', content_type: 'image/png' }, 'new']).replace(
        '{}',
        JSON.stringify({ event_id: id }),
      );
    for (const id of [sample.event_id, hex('never')]) expect((await post(late(id), {}, undefined, first)).status).toBe(200);
    expect(first.issues()[0]?.events[0]?.attachments.map(({ name }) => name)).toEqual(['p.png', 'late.png']);
    const before = first.issues();
    await first.close();
    // What a process that died while writing leaves behind.
    await writeFile(dataFile, `${await readFile(dataFile, 'utf8')}{"receivedAt":"2026`);
    const second = await startInbox({ host: '127.0.0.1', port: 0, dataFile });
    expect(second.issues()).toEqual(before);
    await post(body, {}, undefined, second);
    await post(eventItem({ ...sample, event_id: hex('f') }), {}, undefined, second);
    expect(second.issues()[0]?.count).toBe(2);
    expect(await (await fetch(new URL(`attachments/${sample.event_id}/0`, second.url))).text()).toBe('png');
    await second.close();
    const third = await startInbox({ host: '127.0.0.1', port: 0, dataFile });
    expect(third.issues()[0]?.count).toBe(2);
    await third.close();
  });

  it('is refused where it is something else', async () => {
    const dataFile = join(await folder, 'other.txt');
    await writeFile(dataFile, 'hello\n');
    await expect(startInbox({ host: '127.0.0.1', port: 0, dataFile })).rejects.toThrow(InputError);
    await expect(startInbox({ host: '127.0.0.1', port: 0, dataFile: await folder })).rejects.toThrow(InputError);
  });
});

it('says that its address is taken', async () => {
  await expect(startInbox({ host: '127.0.0.1', port: Number(new URL(inbox.url).port) })).rejects.toThrow(DependencyError);
});
