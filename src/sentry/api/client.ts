/**
 * Sentry's web API (`/api/0/...`), as everything that reads or changes something there uses it: the life of issues, provisioning, checks.
 * One attempt has a deadline; what may be repeated is repeated with backoff, and a refusal says which permission is missing.
 */
import { DependencyError } from '../../core/errors.ts';
import { retryDelayMs } from '../../core/incident/delivery.ts';

export interface SentryApiOptions {
  /** Address of the server, as `https://sentry.io`; a path below it is kept. */
  readonly url: string;
  /** Auth token of an internal integration or a person. Never printed. */
  readonly token: string;
  /** How long one answer may take. Default 10 s. */
  readonly deadlineMs?: number;
  /** Attempts in all for what may be repeated. Default 4. */
  readonly attempts?: number;
  readonly sleep?: (ms: number) => Promise<void>;
  /** Jitter of the backoff, in [0, 1). */
  readonly random?: () => number;
}

type ApiMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface ApiRequest {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Scope that the token needs for this call, for the message of a refusal: `event:write`. */
  readonly scope?: string;
  readonly signal?: AbortSignal;
}

interface RefusalFacts {
  readonly missingScope?: string | null;
  readonly retryAfterMs?: number | null;
}

/** What Sentry answered instead of doing it. `status` null: no answer came. */
export class SentryApiError extends DependencyError {
  readonly status: number | null;
  /** Scope that the refused call needs, where the refusal is about permissions. */
  readonly missingScope: string | null;
  /** How long Sentry asks to be left alone, where it says so. */
  readonly retryAfterMs: number | null;

  constructor(message: string, status: number | null, { missingScope = null, retryAfterMs = null }: RefusalFacts = {}) {
    super(message);
    this.status = status;
    this.missingScope = missingScope;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface SentryApi {
  /**
   * One call; gives the parsed body, null where there is none. `path` begins behind `/api/0/` and its variable parts are encoded already
   * (`apiPath`). GET, PUT and DELETE are repeated after network faults, 5xx and 429; POST after 429 alone, for the server may have done it.
   * @throws SentryApiError
   */
  call(method: ApiMethod, path: string, request?: ApiRequest): Promise<unknown>;
  /** All pages of a list, in order. Throws `SentryApiError`, also where an answer is no list. */
  list(path: string, request?: ApiRequest): Promise<readonly unknown[]>;
}

/** A path of variable parts, each encoded: apiPath`organizations/${slug}/issues/${id}/`. */
export function apiPath(fixed: TemplateStringsArray, ...parts: readonly string[]): string {
  return fixed.map((text, index) => text + (index < parts.length ? encodeURIComponent(parts[index] ?? '') : '')).join('');
}

/** A pause that the server asks for beyond this is not waited for: the caller has its own schedule. */
const longestPauseMs = 60_000;
/** Most pages of a list: beyond, something is wrong with the server or with the question. */
const mostPages = 100;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly next: string | null;
  readonly retryAfterMs: number | null;
}

/** Makes the client; sends nothing yet. */
export function sentryApi(options: SentryApiOptions): SentryApi {
  const { token, deadlineMs = 10_000, attempts = 4, random = Math.random } = options;
  const sleep = options.sleep ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  const base = `${options.url.replace(/\/+$/, '')}/api/0/`;

  async function attempt(method: ApiMethod, url: URL, { body, signal }: ApiRequest): Promise<Answer | null> {
    const deadline = AbortSignal.timeout(deadlineMs);
    try {
      const response = await fetch(url, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
        // A redirect would turn a PUT into a GET, and carry the token elsewhere.
        redirect: 'manual',
      });
      const text = await response.text();
      return {
        status: response.status,
        text,
        body: parsed(text),
        next: nextCursor(response.headers.get('link')),
        retryAfterMs: secondsToMs(response.headers.get('retry-after')),
      };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) return null;
      throw error;
    }
  }

  async function send(method: ApiMethod, path: string, request: ApiRequest): Promise<Answer> {
    const url = new URL(path, base);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    for (let failed = 1; ; failed++) {
      const answer = await attempt(method, url, request);
      if (answer !== null && answer.status >= 200 && answer.status < 300) return answer;
      if (failed >= attempts || !mayRepeat(method, answer)) throw refusal(method, url, answer, request.scope);
      await sleep(Math.min(longestPauseMs, Math.max(answer?.retryAfterMs ?? 0, retryDelayMs(failed, random()))));
    }
  }

  return {
    async call(method, path, request = {}) {
      return (await send(method, path, request)).body;
    },
    async list(path, request = {}) {
      const items: unknown[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < mostPages; page++) {
        const query: Record<string, string> = { ...request.query, ...(cursor === null ? {} : { cursor }) };
        const answer = await send('GET', path, { ...request, query });
        if (!Array.isArray(answer.body))
          throw new SentryApiError(`Sentry answered GET ${path} with something that is no list`, answer.status);
        items.push(...answer.body);
        if (answer.next === null) return items;
        cursor = answer.next;
      }
      throw new SentryApiError(`Sentry gave more than ${mostPages} pages for GET ${path}: narrow the question`, null);
    },
  };
}

function mayRepeat(method: ApiMethod, answer: Answer | null): boolean {
  if (answer?.status === 429) return (answer.retryAfterMs ?? 0) <= longestPauseMs;
  return method !== 'POST' && (answer === null || answer.status === 408 || answer.status >= 500);
}

function refusal(method: ApiMethod, url: URL, answer: Answer | null, scope: string | undefined): SentryApiError {
  const call = `${method} ${url.pathname}`;
  if (answer === null)
    return new SentryApiError(`Sentry at ${url.origin} does not answer (${call}): check sentry.api.url and the network`, null);
  const { status } = answer;
  const said = detailOf(answer);
  const needs = scope === undefined ? '' : ` (this call needs the scope ${scope})`;
  if (status === 401)
    return new SentryApiError(
      `Sentry refuses the API token: ${call} gave HTTP 401${said}. Make a new one and set sentry.api.token`,
      status,
    );
  if (status === 403)
    return new SentryApiError(
      `The API token may not do this: ${call} gave HTTP 403${said}${needs}. Add the permission to the token`,
      status,
      { missingScope: scope ?? null },
    );
  if (status === 404)
    return new SentryApiError(
      `Sentry knows no such thing: ${call} gave HTTP 404${said}. Check the slugs of organization and project${needs}`,
      status,
    );
  return new SentryApiError(`Sentry answered ${call} with HTTP ${status}${said}`, status, { retryAfterMs: answer.retryAfterMs });
}

/** What Sentry says of a refusal, in one short line; it never echoes the token. */
function detailOf({ body, text }: Answer): string {
  const detail =
    typeof body === 'object' && body !== null && 'detail' in body && typeof body.detail === 'string'
      ? body.detail
      : body === null
        ? ''
        : JSON.stringify(body) || text;
  return detail === '' ? '' : `, "${detail.slice(0, 300)}"`;
}

function parsed(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Cursor of the next page: Sentry names one even behind the last, marked `results="false"`. */
function nextCursor(link: string | null): string | null {
  for (const part of (link ?? '').split(/,\s*(?=<)/)) {
    if (/rel="next"/.test(part) && /results="true"/.test(part)) return /cursor="([^"]+)"/.exec(part)?.[1] ?? null;
  }
  return null;
}

function secondsToMs(header: string | null): number | null {
  return header !== null && /^\d+(\.\d+)?$/.test(header.trim()) ? Math.ceil(Number(header) * 1_000) : null;
}
