/** A loopback server that plays the part of Sentry's web API that provisioning uses: teams, projects, keys, ownership, detectors, workflows, rules. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Fields = Record<string, unknown>;

interface FakeProject {
  readonly fields: Fields;
  readonly keys: Fields[];
  readonly rules: Map<string, Fields>;
  ownership: string;
}

interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly detail?: string;
}

export interface SentryApiServer {
  readonly url: string;
  readonly token: string;
  readonly teams: Map<string, Fields>;
  readonly projects: Map<string, FakeProject>;
  readonly workflows: Map<string, Fields>;
  /** Calls in order, `PUT /api/0/...`. */
  readonly calls: string[];
  /** Calls that change something. */
  writes(): readonly string[];
  /** Answers to give instead, for calls whose text matches; each is given once, in order. */
  refuse(call: RegExp, ...refusals: readonly Refusal[]): void;
  close(): Promise<void>;
}

export interface SentryApiServerOptions {
  /** `rules`: an old self-hosted version, without workflows; `workflows` (default): the hosted service, where rules are gone. */
  readonly alertApi?: 'workflows' | 'rules';
  /** Elements of a page of a list. Default 2, so that every list has pages. */
  readonly pageSize?: number;
}

const organization = 'acme';

/** Starts one, of the organization `acme`. */
export async function startSentryApiServer({
  alertApi = 'workflows',
  pageSize = 2,
}: SentryApiServerOptions = {}): Promise<SentryApiServer> {
  const token = 'sntrys_planted_token';
  const teams = new Map<string, Fields>();
  const projects = new Map<string, FakeProject>();
  const workflows = new Map<string, Fields>();
  const calls: string[] = [];
  const refusals: { call: RegExp; refusal: Refusal }[] = [];
  let lastId = 100;
  const newId = (): string => String(++lastId);

  /** What Sentry makes of what was sent: ids added, in its own way of writing. */
  const stored = (body: Fields, id: string): Fields => ({
    ...body,
    id,
    organizationId: '1',
    dateCreated: '2026-11-24T00:00:00Z',
    environment: body.environment ?? null,
    ...(isFields(body.triggers) ? { triggers: { id: newId(), organizationId: '1', ...body.triggers } } : {}),
  });

  type Handler = (groups: Record<string, string>, body: Fields, query: URLSearchParams) => readonly [status: number, body: unknown];
  const notFound = [404, { detail: 'The requested resource does not exist' }] as const;
  const gone = [410, { detail: 'This endpoint is gone' }] as const;
  const withProject =
    (run: (project: FakeProject, groups: Record<string, string>, body: Fields) => readonly [number, unknown]): Handler =>
    (groups, body) => {
      const project = projects.get(groups.project ?? '');
      return project === undefined ? notFound : run(project, groups, body);
    };
  const alertRoutes = (
    base: string,
    of: (groups: Record<string, string>) => Map<string, Fields> | undefined,
    isThere: boolean,
  ): [string, Handler][] => {
    const inStore =
      (run: (store: Map<string, Fields>, id: string, body: Fields, query: URLSearchParams) => readonly [number, unknown]): Handler =>
      (groups, body, query) => {
        // The hosted service took rules away (410); old versions never had workflows (404).
        if (!isThere) return base.startsWith('projects') ? gone : notFound;
        const store = of(groups);
        if (store === undefined || (groups.id !== undefined && !store.has(groups.id))) return notFound;
        return run(store, groups.id ?? '', body, query);
      };
    return [
      [
        `GET ${base}`,
        inStore((store, _id, _body, query) => [
          200,
          [...store.values()].filter(({ name }) => String(name).includes(query.get('query') ?? '')),
        ]),
      ],
      [
        `POST ${base}`,
        inStore((store, _id, body) => {
          const id = newId();
          store.set(id, stored(body, id));
          return [201, store.get(id)];
        }),
      ],
      [`GET ${base}:id/`, inStore((store, id) => [200, store.get(id)])],
      [
        `PUT ${base}:id/`,
        inStore((store, id, body) => {
          store.set(id, stored(body, id));
          return [200, store.get(id)];
        }),
      ],
      [
        `DELETE ${base}:id/`,
        inStore((store, id) => {
          store.delete(id);
          return [204, null];
        }),
      ],
    ];
  };

  const routes: [string, Handler][] = [
    ['GET teams/:org/:team/', ({ team = '' }) => (teams.has(team) ? [200, teams.get(team)] : notFound)],
    [
      'POST organizations/:org/teams/',
      (_groups, body) => {
        const slug = String(body.slug);
        if (teams.has(slug)) return [409, { detail: 'A team with this slug already exists.' }];
        teams.set(slug, { id: newId(), slug, name: body.name });
        return [201, teams.get(slug)];
      },
    ],
    [
      'POST teams/:org/:team/projects/',
      ({ team = '' }, body) => {
        const slug = String(body.slug);
        if (!teams.has(team)) return notFound;
        if (projects.has(slug)) return [409, { detail: 'A project with this slug already exists.' }];
        const fields = { id: newId(), slug, name: body.name, platform: body.platform ?? null, resolveAge: 0, teams: [teams.get(team)] };
        projects.set(slug, { fields, keys: [keyNamed('Default', newId())], rules: new Map(), ownership: '' });
        return [201, fields];
      },
    ],
    ['GET projects/:org/:project/', withProject((project) => [200, project.fields])],
    [
      'PUT projects/:org/:project/',
      withProject((project, _groups, body) => {
        Object.assign(project.fields, body);
        return [200, project.fields];
      }),
    ],
    [
      'POST projects/:org/:project/teams/:team/',
      withProject((project, { team = '' }) => {
        if (!teams.has(team)) return notFound;
        project.fields.teams = [...(Array.isArray(project.fields.teams) ? project.fields.teams : []), teams.get(team)];
        return [201, project.fields];
      }),
    ],
    ['GET projects/:org/:project/keys/', withProject((project) => [200, project.keys])],
    [
      'POST projects/:org/:project/keys/',
      withProject((project, _groups, body) => {
        const key = keyNamed(String(body.name), newId());
        project.keys.push(key);
        return [201, key];
      }),
    ],
    [
      'PUT projects/:org/:project/keys/:id/',
      withProject((project, { id }, body) => {
        const key = project.keys.find((one) => one.id === id);
        return key === undefined ? notFound : [200, Object.assign(key, body)];
      }),
    ],
    [
      'GET projects/:org/:project/ownership/',
      withProject((project) => [200, { raw: project.ownership, fallthrough: false, isActive: true }]),
    ],
    [
      'PUT projects/:org/:project/ownership/',
      withProject((project, _groups, body) => {
        const raw = String(body.raw);
        // As Sentry does: an owner must be a team that has the project.
        const members = (Array.isArray(project.fields.teams) ? project.fields.teams : []).map((team) => isFields(team) && team.slug);
        const strangers = [...raw.matchAll(/^[^#].* #(\S+)$/gm)].map(([, slug]) => slug).filter((slug) => !members.includes(slug));
        if (strangers.length > 0) return [400, { raw: [`Invalid rule owners: ${strangers.map((slug) => `#${slug}`).join(', ')}`] }];
        project.ownership = raw;
        return [202, { raw }];
      }),
    ],
    [
      'GET organizations/:org/detectors/',
      (_groups, _body, query) => {
        const id = query.get('project') ?? '';
        return [
          200,
          [...projects.values()]
            .filter(({ fields }) => fields.id === id)
            .map(() => ({ id: `9${id}`, projectId: id, type: 'error', name: 'Error Monitor' })),
        ];
      },
    ],
    ...alertRoutes('organizations/:org/workflows/', () => workflows, alertApi === 'workflows'),
    ...alertRoutes('projects/:org/:project/rules/', ({ project = '' }) => projects.get(project)?.rules, alertApi === 'rules'),
  ];
  const patterns = routes.map(([route, handler]) => {
    const [method = '', path = ''] = route.split(' ');
    return { method, pattern: new RegExp(`^/api/0/${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`), handler };
  });

  function keyNamed(name: string, id: string): Fields {
    return { id, name, label: name, isActive: true, dsn: { public: `http://key${id}@127.0.0.1/1` } };
  }

  function answer(request: IncomingMessage, url: URL, body: Fields): readonly [number, unknown, Readonly<Record<string, string>>?] {
    const call = `${request.method} ${url.pathname}`;
    calls.push(call);
    const at = refusals.findIndex((one) => one.call.test(call));
    const [refused] = at === -1 ? [] : refusals.splice(at, 1);
    if (refused !== undefined) return [refused.refusal.status, { detail: refused.refusal.detail ?? 'no' }, refused.refusal.headers ?? {}];
    if (request.headers.authorization !== `Bearer ${token}`) return [401, { detail: 'Invalid token' }];
    for (const { method, pattern, handler } of patterns) {
      const match = request.method === method ? pattern.exec(url.pathname) : null;
      if (match === null) continue;
      const groups = Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
      return groups.org === organization ? paged(url, handler(groups, body, url.searchParams)) : notFound;
    }
    return notFound;
  }

  /** A page of a list, with the link to the next, which Sentry gives even where it is empty. */
  function paged(url: URL, [status, body]: readonly [number, unknown]): readonly [number, unknown, Readonly<Record<string, string>>?] {
    if (!Array.isArray(body)) return [status, body];
    const from = Number((url.searchParams.get('cursor') ?? '0:0:0').split(':')[1]);
    const hasMore = from + pageSize < body.length;
    const link = `<${url.href}>; rel="next"; results="${hasMore}"; cursor="0:${from + pageSize}:0"`;
    return [status, body.slice(from, from + pageSize), { link }];
  }

  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const parsed: unknown = text === '' ? {} : JSON.parse(text);
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const [status, body, headers = {}] = answer(request, url, isFields(parsed) ? parsed : {});
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body === null ? '' : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    teams,
    projects,
    workflows,
    calls,
    writes: () => calls.filter((call) => !call.startsWith('GET ')),
    refuse: (call, ...given) => void refusals.push(...given.map((refusal) => ({ call, refusal }))),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
