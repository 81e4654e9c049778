import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SentryApi, sentryApi } from '../../../../src/sentry/api/client.ts';
import { type ProvisionStep, provision } from '../../../../src/sentry/provision/apply.ts';
import { type ProvisionSettings, provisionPlan } from '../../../../src/sentry/provision/plan.ts';
import { provisionSettings, settingNames } from '../../../support/provisionSettings.ts';
import { type SentryApiServer, type SentryApiServerOptions, startSentryApiServer } from '../../../support/sentryApiServer.ts';

let server: SentryApiServer;
let api: SentryApi;

async function begin(options: SentryApiServerOptions = {}, token?: string): Promise<void> {
  await server?.close();
  server = await startSentryApiServer(options);
  api = sentryApi({ url: server.url, token: token ?? server.token, random: () => 0, sleep: async () => {} });
}

beforeEach(() => begin());
afterEach(() => server.close());

async function run(isApplied: boolean, changes: Partial<ProvisionSettings> = {}) {
  const seen: ProvisionStep[] = [];
  const result = await provision(api, provisionPlan(provisionSettings(changes), settingNames), {
    isApplied,
    onStep: (step) => seen.push(step),
  });
  expect(seen).toEqual(result.steps);
  return result;
}

const actionsOf = (steps: readonly ProvisionStep[]) => [...new Set(steps.map(({ action }) => action))];

test('from nothing, all is made: teams, project, access, key, ownership, alerts', async () => {
  const { steps, dsn } = await run(true);
  expect(actionsOf(steps)).toEqual(['create', 'keep']);
  expect(steps.filter(({ action }) => action === 'keep').map(({ resource }) => resource)).toEqual(['access of team ml-platform']);
  expect([...server.teams.keys()]).toEqual(['ml-platform', 'ml-growth', 'ml-risk']);
  const project = server.projects.get('drift');
  expect(project?.fields).toMatchObject({ name: 'Model drift', platform: 'node', resolveAge: 72 });
  expect(project?.ownership).toContain('tags.team:ml-risk #ml-risk');
  expect({ public: dsn }).toEqual(project?.keys[1]?.dsn);
  expect([...server.workflows.values()].map(({ name, detectorIds }) => ({ name, detectorIds }))).toEqual([
    { name: 'Tidemark drift: errors', detectorIds: [`9${project?.fields.id}`] },
    { name: 'Tidemark drift: errors, escalated', detectorIds: [`9${project?.fields.id}`] },
    { name: 'Tidemark drift: warnings', detectorIds: [`9${project?.fields.id}`] },
    { name: 'Tidemark drift: warnings, escalated', detectorIds: [`9${project?.fields.id}`] },
  ]);
});

test.each(['workflows', 'rules'] as const)('a second run changes nothing (%s)', async (alertApi) => {
  await begin({ alertApi });
  await run(true, { alertApi });
  const before = server.writes().length;
  const { steps, dsn } = await run(true, { alertApi });
  expect(actionsOf(steps)).toEqual(['keep']);
  expect(server.writes().length).toBe(before);
  expect(dsn).not.toBeNull();
});

test('looking changes nothing, from nothing and beside what there is', async () => {
  expect(actionsOf((await run(false)).steps)).toEqual(['create']);
  expect(server.writes()).toEqual([]);
  await run(true);
  const before = server.writes().length;
  const { steps } = await run(false, { autoResolveHours: 24 });
  expect(steps.filter(({ action }) => action === 'change')).toEqual([
    { resource: 'project drift', action: 'change', differences: [{ path: 'resolveAge', wanted: 24, found: 72 }] },
  ]);
  expect(server.writes().length).toBe(before);
});

describe('what a person changed by hand is seen, and put back', () => {
  beforeEach(async () => void (await run(true)));

  /** The one step that is not `keep`, seen by looking; then put back, and seen no more. */
  async function putBack(): Promise<ProvisionStep | undefined> {
    const changed = (await run(false)).steps.filter(({ action }) => action !== 'keep');
    expect(changed).toHaveLength(1);
    expect((await run(true)).steps.filter(({ action }) => action !== 'keep')).toEqual(changed);
    expect(actionsOf((await run(false)).steps)).toEqual(['keep']);
    return changed[0];
  }
  const workflow = () => [...server.workflows.values()][0]!;

  test('an alert that was switched off and made quieter', async () => {
    Object.assign(workflow(), { enabled: false, config: { frequency: 1_440 } });
    expect((await putBack())?.differences.map(({ path }) => path)).toEqual(['enabled', 'config.frequency']);
  });

  test('an alert that lost an action', async () => {
    const [filter] = workflow().actionFilters as { actions: unknown[] }[];
    filter?.actions.pop();
    expect((await putBack())?.differences).toMatchObject([{ path: 'actionFilters.0.actions.2', found: null }]);
  });

  test('an alert that was deleted', async () => {
    server.workflows.delete([...server.workflows.keys()][2]!);
    expect(await putBack()).toMatchObject({ resource: 'alert Tidemark drift: warnings', action: 'create' });
  });

  test('ownership rules; those of people stay', async () => {
    const project = server.projects.get('drift')!;
    project.ownership = project.ownership.replace('tags.team:ml-risk #ml-risk', 'path:x/* #ml-growth').concat('\npath:src/* #ml-growth');
    await putBack();
    expect(project.ownership).toContain('tags.team:ml-risk #ml-risk');
    expect(project.ownership).not.toContain('path:x/*');
    expect(project.ownership).toContain('path:src/* #ml-growth');
  });

  test('a client key that was switched off', async () => {
    server.projects.get('drift')!.keys[1]!.isActive = false;
    expect(await putBack()).toMatchObject({ resource: 'client key Tidemark', action: 'change' });
  });
});

test('lists are read to their last page: of many alerts and keys, those of Tidemark are found', async () => {
  await run(true);
  for (let id = 0; id < 5; id++) server.workflows.set(`a${id}`, { id: `a${id}`, name: `Tidemark other-${id}: errors` });
  const ours = [...server.workflows.entries()].filter(([, { name }]) => String(name).startsWith('Tidemark drift'));
  for (const [id] of ours) server.workflows.delete(id);
  for (const [id, fields] of ours) server.workflows.set(id, fields);
  server.projects.get('drift')!.keys.unshift(...['a', 'b', 'c'].map((id) => ({ id, name: id, isActive: true, dsn: { public: 'x' } })));
  expect(actionsOf((await run(false)).steps)).toEqual(['keep']);
});

test('something that another run made in between (409) is taken as it is', async () => {
  server.refuse(/^GET .*\/teams\/acme\/ml-platform\/$/, { status: 404 });
  await run(true);
  server.refuse(/^GET .*\/teams\/acme\/ml-platform\/$/, { status: 404 });
  server.refuse(/^GET .*\/projects\/acme\/drift\/$/, { status: 404 });
  const { steps } = await run(true);
  expect(steps.filter(({ action }) => action === 'create').map(({ resource }) => resource)).toEqual(['team ml-platform', 'project drift']);
});

test('a slug that is taken by a project that the token does not see is said', async () => {
  await run(true);
  server.refuse(/^GET .*\/projects\/acme\/drift\/$/, { status: 404 }, { status: 404 });
  await expect(run(true)).rejects.toThrow(/does not show it to this token/);
});

test('a refused token is said (401), and a missing permission by its name (403)', async () => {
  await begin({}, 'wrong');
  await expect(run(true)).rejects.toMatchObject({ status: 401 });
  await begin();
  server.refuse(/^POST .*\/workflows\/$/, { status: 403, detail: 'You do not have permission' });
  await expect(run(true)).rejects.toMatchObject({ status: 403, missingScope: 'alerts:write' });
  expect(actionsOf((await run(true)).steps)).toEqual(['keep', 'create']);
});

test('429 and faults of the server are waited out', async () => {
  server.refuse(/^POST .*\/projects\/$/, { status: 429, headers: { 'retry-after': '3' } });
  server.refuse(/^GET .*\/detectors\/$/, { status: 503 });
  await run(true);
  expect(actionsOf((await run(false)).steps)).toEqual(['keep']);
});

test('an interface that this Sentry no longer has is said with the one to take (410)', async () => {
  await expect(run(true, { alertApi: 'rules' })).rejects.toThrow(/HTTP 410.*set alertApi to workflows/s);
});

test('an old version without workflows is said with the one to take (404)', async () => {
  await begin({ alertApi: 'rules' });
  await expect(run(true)).rejects.toThrow(/HTTP 404.*set alertApi to rules/s);
});
