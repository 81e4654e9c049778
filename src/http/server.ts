/** The worker's HTTP side: health for orchestrators, metrics for Prometheus. Reads only, holds no state. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../core/errors.ts';
import type { Exposition } from './registry.ts';

/** `ok` decides between 200 and 503; `checks` says what was looked at, a sentence each. */
export interface HealthState {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

/** What the worker says of itself. Both are called for every request: they must be cheap. */
interface Health {
  /** False only where a restart would help. */
  live(): HealthState;
  /** False while the worker does not do its work yet, or not any more. */
  ready(): HealthState;
}

export interface HttpOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly metrics: { expose(): Promise<Exposition> };
  readonly health: Health;
}

export interface HttpServer {
  /** Address with the port that was taken, such as `http://127.0.0.1:9464`. */
  readonly url: string;
  /** Takes no more requests and ends open connections. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

type Route = () => Answer | Promise<Answer>;

/** Listens. `ConfigError` where the address cannot be taken. */
export async function startHttp({ host, port, metrics, health }: HttpOptions): Promise<HttpServer> {
  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ['/', () => text(200, 'Tidemark\n/healthz  does this process live\n/readyz   does it do its work\n/metrics  Prometheus text\n')],
    ['/healthz', () => healthAnswer(health.live())],
    ['/readyz', () => healthAnswer(health.ready())],
    [
      '/metrics',
      async () => {
        const { contentType, text: body } = await metrics.expose();
        return { status: 200, contentType, body };
      },
    ],
  ]);
  const server = createServer((request, response) => void respond(routes, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(
        new ConfigError(`http.port: cannot listen on ${host}:${port} (${error.message}); choose another port, or 0 for any free one`, {
          cause: error,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  return {
    url: urlOf(host, server.address()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(routes: ReadonlyMap<string, Route>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await answerTo(routes, request);
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerTo(routes: ReadonlyMap<string, Route>, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD\n');
  const [path = '/'] = (request.url ?? '/').split('?');
  const route = routes.get(path);
  if (route === undefined) return text(404, `there is no ${path.slice(0, 100)}; there are ${[...routes.keys()].join(', ')}\n`);
  try {
    return await route();
  } catch (error) {
    return text(500, `${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function healthAnswer({ ok, checks }: HealthState): Answer {
  return { status: ok ? 200 : 503, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify({ ok, checks })}\n` };
}

function text(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

function urlOf(host: string, address: AddressInfo | string | null): string {
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
