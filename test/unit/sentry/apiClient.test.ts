import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { apiPath, SentryApiError, sentryApi } from '../../../src/sentry/api/client.ts';

const token = 'sntrys_planted_token';
let server: Server | undefined;

afterEach(() => server?.close());

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string;
  readonly body: string;
}

/** Starts a server that answers with these, one after the other, the last for ever; gives what it saw. */
async function answering(...answers: readonly ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  const seen: Seen[] = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push({ method: request.method ?? '', url: request.url ?? '', authorization: request.headers.authorization ?? '', body });
    (answers[Math.min(seen.length, answers.length) - 1] as (typeof answers)[number])(response, request);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const slept: number[] = [];
  const api = sentryApi({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    token,
    deadlineMs: 500,
    random: () => 0,
    sleep: async (ms) => void slept.push(ms),
  });
  return { api, seen, slept };
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body === null ? '' : JSON.stringify(body));

const reset = (_response: ServerResponse, request: IncomingMessage) => void request.socket.destroy();

test('a call carries the token, its query and its body, and gives the parsed answer', async () => {
  const { api, seen } = await answering(json(200, { id: '7' }));
  const path = apiPath`organizations/${'ac me/x'}/issues/${'7'}/`;
  expect(await api.call('PUT', path, { query: { a: 'b&c' }, body: { status: 'resolved' } })).toEqual({ id: '7' });
  expect(seen).toEqual([
    {
      method: 'PUT',
      url: '/api/0/organizations/ac%20me%2Fx/issues/7/?a=b%26c',
      authorization: `Bearer ${token}`,
      body: '{"status":"resolved"}',
    },
  ]);
});

test('an empty answer is null', async () => {
  const { api } = await answering(json(204, null));
  expect(await api.call('DELETE', 'x/')).toBeNull();
});

test('a list is read page by page, until no page has results', async () => {
  const link = (cursor: string, results: boolean) =>
    `<http://x/?cursor=0>; rel="previous"; results="false"; cursor="0:0:1", <http://x/>; rel="next"; results="${results}"; cursor="${cursor}"`;
  const { api, seen } = await answering(
    json(200, [1, 2], { link: link('0:100:0', true) }),
    json(200, [3], { link: link('0:200:0', false) }),
  );
  expect(await api.list('things/', { query: { per_page: '2' } })).toEqual([1, 2, 3]);
  expect(seen.map(({ url }) => url)).toEqual(['/api/0/things/?per_page=2', '/api/0/things/?per_page=2&cursor=0%3A100%3A0']);
});

test('what may be repeated is repeated after faults of the server and the network, as long as it asks for', async () => {
  const { api, seen, slept } = await answering(
    json(503, { detail: 'busy' }),
    reset,
    json(429, null, { 'retry-after': '7' }),
    json(200, []),
  );
  expect(await api.call('GET', 'x/')).toEqual([]);
  expect(seen).toHaveLength(4);
  expect(slept).toEqual([500, 1_000, 7_000]);
});

test('a POST is repeated after 429 alone: after another fault the server may have done it', async () => {
  const busy = await answering(json(429, null), json(201, { id: 1 }));
  expect(await busy.api.call('POST', 'x/', { body: {} })).toEqual({ id: 1 });
  server?.close();
  const broken = await answering(json(500, null));
  await expect(broken.api.call('POST', 'x/', { body: {} })).rejects.toMatchObject({ status: 500 });
  expect(broken.seen).toHaveLength(1);
});

test.each([
  [401, /refuses the API token.*HTTP 401.*sentry\.api\.token/],
  [403, /may not do this.*HTTP 403, "no permission".*scope event:write/],
  [404, /no such thing.*HTTP 404.*Check the slugs/],
  [400, /HTTP 400, "no permission"/],
])('HTTP %i is final, says what to do and never shows the token', async (status, message) => {
  const { api, seen } = await answering(json(status, { detail: 'no permission' }));
  const error = await api.call('PUT', 'x/', { scope: 'event:write' }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(SentryApiError);
  expect(error).toMatchObject({ status, message: expect.stringMatching(message), missingScope: status === 403 ? 'event:write' : null });
  expect(String(error)).not.toContain(token);
  expect(seen).toHaveLength(1);
});

test('a server that never answers is given up after its attempts', async () => {
  const { api, seen } = await answering(() => {});
  await expect(api.call('GET', 'x/')).rejects.toMatchObject({ status: null, message: expect.stringContaining('does not answer') });
  expect(seen).toHaveLength(4);
});

test('a redirect is not followed: it would carry the token elsewhere', async () => {
  const { api, seen } = await answering(json(302, null, { location: 'http://127.0.0.1:1/' }));
  await expect(api.call('GET', 'x/')).rejects.toMatchObject({ status: 302 });
  expect(seen).toHaveLength(1);
});
