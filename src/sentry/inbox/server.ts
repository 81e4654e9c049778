/**
 * The local Sentry inbox: takes what the SDK sends, shows it as a person would see it, and can be told to fail. Its issues can be resolved and
 * archived, on the page and through the part of Sentry's web API that Tidemark uses (`api.ts`). Not a Sentry: no accounts, hardly a search. It has no login, so it listens on the loopback interface unless told otherwise.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { DependencyError, InputError } from '../../core/errors.ts';
import { answerApi, apiToken, inboxSlug } from './api.ts';
import { largestEnvelope, type ReceivedEnvelope, readEnvelope } from './envelope.ts';
import { EventFile } from './eventFile.ts';
import { FailureSwitch, type InboxFailure } from './failure.ts';
import { issuePage } from './page/issuePage.ts';
import { listPage } from './page/listPage.ts';
import { icon } from './page/parts.ts';
import { type InboxGauge, type InboxMonitor, SelfReportStore } from './selfReports.ts';
import { type InboxIssue, InboxStore, type IssueActivity } from './store.ts';

/** Key of the DSN; what comes with another is refused as Sentry refuses it. */
const publicKey = 'inbox';
const project = '1';

export interface InboxOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** NDJSON file to which every event is added and from which the inbox comes back after a restart. */
  readonly dataFile?: string;
}

export interface Inbox {
  /** Address of the page. */
  readonly url: string;
  readonly dsn: string;
  /** What the configuration wants under `sentry.api`, beside the address, which follows from the DSN. */
  readonly api: { readonly token: string; readonly organization: string; readonly project: string };
  /** Newest first. */
  issues(): InboxIssue[];
  /** Cron monitors that have checked in. */
  monitors(): readonly InboxMonitor[];
  /** The newest value of each gauge. */
  gauges(): readonly InboxGauge[];
  /** Fails the envelopes that come from now on, or no longer (null). */
  fail(failure: InboxFailure | null): void;
  /** Fails calls of the API from now on, or no longer (null). */
  failApi(failure: InboxFailure | null): void;
  /** What a person does on the page. */
  act(issueId: string, type: 'set_resolved' | 'set_ignored' | 'set_unresolved'): Promise<void>;
  close(): Promise<void>;
}

/** Starts an inbox. Rejects with `DependencyError` where the address is taken, with `InputError` where the data file cannot be read. */
export async function startInbox({ host, port, dataFile }: InboxOptions): Promise<Inbox> {
  const store = new InboxStore();
  const file = dataFile === undefined ? null : await EventFile.open(dataFile);
  for await (const stored of file?.read() ?? []) {
    if (stored.kind === 'event') store.add(stored.event, stored.attachments, stored.receivedAt);
    else if (stored.kind === 'late') store.attach(stored.eventId, stored.attachments);
    else store.act(stored.issue, stored.activity);
  }
  const selfReports = new SelfReportStore();
  const failures = new FailureSwitch();
  const apiFailures = new FailureSwitch();
  let dsn = '';

  async function take(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (failures.isBeforeBody) {
      failures.next({ hasAttachments: false, isWrite: true });
      request.socket.resetAndDestroy();
      return;
    }
    const body = await bodyOf(request);
    if (body === null) return answer(response, 413, { detail: 'envelope too large' });
    if (keyOf(request, url) !== publicKey) return answer(response, 401, { detail: `this inbox has the key "${publicKey}"` });
    const envelope = await readEnvelope(body, request.headers['content-encoding'] ?? '');
    const failure = failures.next({ hasAttachments: envelope.attachments.length > 0, isWrite: true });
    if (failure === null) return answer(response, 200, { id: await keep(envelope) });
    if (failure.kind === 'hang') return;
    if (failure.kind === 'status') return refuse(response, failure);
    await keep(envelope);
    request.socket.resetAndDestroy();
  }

  /** Writes down what was done to an issue, and does it. */
  async function act(issueId: string, activity: IssueActivity): Promise<boolean> {
    if (!store.act(issueId, activity)) return false;
    await file?.append({ kind: 'activity', issue: issueId, activity });
    return true;
  }

  async function serveApi(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (apiFailures.isBeforeBody) {
      apiFailures.next({ hasAttachments: false, isWrite: true });
      request.socket.resetAndDestroy();
      return;
    }
    const body = await bodyOf(request);
    const failure = apiFailures.next({ hasAttachments: false, isWrite: request.method !== 'GET' });
    if (failure?.kind === 'hang') return;
    if (failure?.kind === 'status') return refuse(response, failure);
    const { status, value } = await answerApi(
      {
        method: request.method ?? 'GET',
        url,
        authorization: request.headers.authorization ?? '',
        body: new TextDecoder().decode(body ?? undefined),
      },
      { issues: () => store.issues(), act, nowIso: () => new Date().toISOString() },
    );
    if (failure !== null) {
      // It was done, and the caller cannot know.
      request.socket.resetAndDestroy();
      return;
    }
    answer(response, status, value);
  }

  /** A person's button on the page of an issue. Only from the page itself: a form on another site must not press it. */
  async function press(request: IncomingMessage, response: ServerResponse, issueId: string): Promise<void> {
    const origin = request.headers.origin;
    if (origin !== undefined && origin !== `http://${request.headers.host}`)
      return answer(response, 403, { detail: 'only from this page' });
    const form = new URLSearchParams(new TextDecoder().decode((await bodyOf(request)) ?? undefined));
    const type = pressable.find((one) => one === form.get('do'));
    if (type === undefined || !(await act(issueId, { type, at: new Date().toISOString(), by: 'page' })))
      return answer(response, 404, { detail: 'no such issue, or nothing that can be done to it' });
    response.writeHead(303, { location: `/issues/${issueId}` }).end();
  }

  /** The event is on disk before anyone is told that it was accepted. */
  async function keep({ event, attachments, eventId, checkIns, gauges }: ReceivedEnvelope): Promise<string | null> {
    const receivedAt = new Date().toISOString();
    for (const checkIn of checkIns) selfReports.checkIn(checkIn, receivedAt);
    for (const gauge of gauges) selfReports.gauge(gauge, receivedAt);
    if (event === null) {
      if (attachments.length > 0 && store.attach(eventId, attachments)) await file?.append({ kind: 'late', eventId, attachments });
      return null;
    }
    const named = { ...event, event_id: event.event_id ?? randomUUID().replaceAll('-', '') };
    if (store.add(named, attachments, receivedAt)) await file?.append({ kind: 'event', event: named, attachments, receivedAt });
    return named.event_id;
  }

  const isLoopback = loopback.has(host);

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page of the web that has its own name point here must not read the issues of this machine.
    if (isLoopback && !loopback.has(hostOf(request))) return answer(response, 421, { detail: 'this inbox is for this machine only' });
    const url = new URL(request.url ?? '/', 'http://inbox');
    if (request.method === 'POST' && url.pathname === `/api/${project}/envelope/`) return take(request, response, url);
    if (request.method === 'POST' && /^\/api\/\d+\/envelope\/?$/.test(url.pathname))
      return answer(response, 404, { detail: 'no such project' });
    if (url.pathname.startsWith('/api/0/')) return serveApi(request, response, url);
    const [, pressed] = /^\/issues\/([0-9a-f]+)$/.exec(url.pathname) ?? [];
    if (request.method === 'POST' && pressed !== undefined) return press(request, response, pressed);
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, { detail: 'only GET, and POST of envelopes' });
    const [, first = '', second = '', third = ''] = url.pathname.split('/').map(decodeURIComponent);
    if (url.pathname === '/') return send(response, 200, htmlType, listPage(store.issues(), selfReports, dsn));
    if (url.pathname === '/healthz') return send(response, 200, 'text/plain', 'ok\n');
    if (url.pathname === '/icon.svg') return send(response, 200, 'image/svg+xml', icon);
    if (url.pathname === '/api/inbox/issues') return answer(response, 200, store.issues());
    if (url.pathname === '/api/inbox/monitors') return answer(response, 200, selfReports.monitors());
    if (url.pathname === '/api/inbox/gauges') return answer(response, 200, selfReports.gauges());
    if (first === 'issues') {
      const issue = store.issues().find(({ id }) => id === second);
      if (issue !== undefined) return send(response, 200, htmlType, issuePage(issue, url.searchParams.get('event')));
    }
    if (first === 'attachments') {
      const attachment = store.attachment(second, Number(third));
      // Only pictures are shown; anything else is handed over as bytes that no browser runs.
      const type = attachment?.contentType === 'image/png' ? 'image/png' : 'application/octet-stream';
      if (attachment !== null) return send(response, 200, type, attachment.data);
    }
    answer(response, 404, { detail: 'not here; the page is at /' });
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return;
      answer(response, error instanceof InputError || error instanceof TypeError || error instanceof URIError ? 400 : 500, {
        detail: messageOf(error),
      });
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error) =>
    reject(new DependencyError(`The inbox cannot listen on ${host}:${port}: ${error.message}`, { cause: error })),
  );
  server.listen(port, host, resolve);
  await promise.catch(async (error: unknown) => {
    await file?.close();
    throw error;
  });
  const bound = server.address();
  const at = typeof bound === 'object' && bound !== null ? bound.port : port;
  // The address to open: "every interface" is none.
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  const url = `http://${name}:${at}/`;
  dsn = `http://${publicKey}@${name}:${at}/${project}`;

  return {
    url,
    dsn,
    api: { token: apiToken, organization: inboxSlug, project: inboxSlug },
    issues: () => store.issues(),
    monitors: () => selfReports.monitors(),
    gauges: () => selfReports.gauges(),
    fail: (failure) => failures.set(failure),
    failApi: (failure) => apiFailures.set(failure),
    async act(issueId, type) {
      await act(issueId, { type, at: new Date().toISOString(), by: 'page' });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await file?.close();
    },
  };
}

const pressable = ['set_resolved', 'set_ignored', 'set_unresolved'] as const;

const htmlType = 'text/html; charset=utf-8';

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1', '[::1]']);

/** The name that the client knows the inbox by, without its port. */
function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? '').replace(/:\d+$/, '');
}

/** Null where it is larger than an envelope may be; the rest is then read and dropped, so that the answer gets through. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= largestEnvelope) chunks.push(chunk);
  }
  return length > largestEnvelope ? null : Buffer.concat(chunks);
}

/** The answer that the inbox was told to give. */
function refuse(response: ServerResponse, failure: Extract<InboxFailure, { kind: 'status' }>): void {
  if (failure.rateLimits !== undefined) response.setHeader('x-sentry-rate-limits', failure.rateLimits);
  if (failure.retryAfter !== undefined) response.setHeader('retry-after', failure.retryAfter);
  answer(response, failure.status, { detail: 'the inbox was told to fail' });
}

/** SDKs send the key in the query or in a header. */
function keyOf(request: IncomingMessage, url: URL): string | null {
  const header = request.headers['x-sentry-auth'];
  const fromHeader = typeof header === 'string' ? /sentry_key=(\w+)/.exec(header)?.[1] : undefined;
  return url.searchParams.get('sentry_key') ?? fromHeader ?? null;
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', `${JSON.stringify(value)}\n`);
}

/** No page of the inbox runs a script or loads anything from elsewhere, whatever an event holds. */
function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, {
    'content-type': type,
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'self'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  response.end(body);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
