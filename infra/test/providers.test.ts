import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sentryApi } from '../../src/sentry/api/client.ts';
import { provision } from '../../src/sentry/provision/apply.ts';
import { provisionPlan } from '../../src/sentry/provision/plan.ts';
import { provisionSettings, settingNames } from '../../test/support/provisionSettings.ts';
import { type SentryApiServer, startSentryApiServer } from '../../test/support/sentryApiServer.ts';
import { type AlertInputs, alertProvider, type OwnershipInputs, ownershipProvider } from '../providers.ts';

const plan = provisionPlan(provisionSettings(), settingNames);
const quick = { random: () => 0, sleep: async () => {} };

let server: SentryApiServer;
let place: { url: string; organization: string; project: string };
let token: string;
const alerts = alertProvider(() => token, quick);
const ownership = ownershipProvider(() => token, quick);

beforeEach(async () => {
  server = await startSentryApiServer();
  token = server.token;
  place = { url: server.url, ...plan.place };
  // The team, the project and its key are `@pulumiverse/sentry`'s; here the command line makes them, and alerts, which are taken away again.
  await provision(sentryApi({ url: server.url, token, ...quick }), plan, { isApplied: true, onStep: () => {} });
  server.workflows.clear();
});
afterEach(() => server.close());

const [spec] = plan.alerts;
if (spec === undefined) throw new Error('the plan has no alert');
const inputs = (): AlertInputs => ({ ...place, spec });
const rules = (): OwnershipInputs => ({ ...place, rules: plan.ownershipRules });

describe('an alert', () => {
  test('is created once, and taken over where it is there already, on whatever page of the list', async () => {
    for (let other = 0; other < 5; other++)
      server.workflows.set(`o${other}`, { id: `o${other}`, name: `Tidemark drift: of somebody else ${other}` });
    const first = await alerts.create(inputs());
    const again = await alerts.create(inputs());
    expect(again.id).toBe(first.id);
    expect([...server.workflows.values()].filter(({ name }) => name === spec.name)).toHaveLength(1);
  });

  test('that nobody touched is no change at the next up', async () => {
    const { id, outs } = await alerts.create(inputs());
    const writes = server.writes().length;
    const read = await alerts.read(id, outs);
    expect(read.id).toBe(id);
    expect(await alerts.diff(id, read.props ?? outs, inputs())).toEqual({ changes: false, replaces: [], deleteBeforeReplace: false });
    expect(server.writes().length).toBe(writes);
  });

  test('that somebody else made is imported by its id: read from the inputs alone, with what differs from them', async () => {
    const { id } = await alerts.create(inputs());
    const writes = server.writes().length;
    const imported = await alerts.read(id, inputs());
    expect(imported).toMatchObject({ id, props: { ...inputs(), found: [] } });
    expect(await alerts.diff(id, { ...inputs(), found: imported.props?.found ?? [] }, inputs())).toMatchObject({ changes: false });
    const there = server.workflows.get(id);
    if (there !== undefined) there.config = { frequency: 30 };
    expect((await alerts.read(id, inputs())).props?.found).toMatchObject([{ path: 'config.frequency', found: 30 }]);
    expect(await alerts.read('4711', inputs())).toEqual({});
    expect(server.writes().length).toBe(writes);
  });

  test('that was changed by hand is seen, and put back', async () => {
    const { id, outs } = await alerts.create(inputs());
    const there = server.workflows.get(id);
    if (there !== undefined) there.enabled = false;
    const read = await alerts.read(id, outs);
    expect(read.props?.found).not.toEqual([]);
    expect(await alerts.diff(id, read.props ?? outs, inputs())).toMatchObject({ changes: true });
    await alerts.update(id, outs, inputs());
    const after = await alerts.read(id, outs);
    expect(after.props?.found).toEqual([]);
  });

  test('of another project is another alert', async () => {
    const { id, outs } = await alerts.create(inputs());
    expect(await alerts.diff(id, outs, { ...inputs(), project: 'other' })).toMatchObject({ changes: true, replaces: ['project'] });
  });

  test('that is gone is made anew, and its deletion is done already', async () => {
    const { id, outs } = await alerts.create(inputs());
    server.workflows.delete(id);
    expect(await alerts.read(id, outs)).toEqual({});
    await expect(alerts.update(id, outs, inputs())).rejects.toThrow(/deleted by hand: "pulumi up --refresh" makes it anew/);
    await alerts.delete(id, outs);
    await alerts.delete(id, outs);
    expect(server.workflows.size).toBe(0);
  });
});

describe('ownership rules', () => {
  test('go beside those of people, are seen when changed, and leave without theirs', async () => {
    const project = server.projects.get(place.project);
    if (project === undefined) throw new Error('no project');
    project.ownership = `path:src/* #ml-growth\n${project.ownership}`;
    const { id, outs } = await ownership.create(rules());
    expect(project.ownership).toContain('path:src/* #ml-growth');
    expect(project.ownership).toContain('tags.team:ml-risk #ml-risk');
    expect((await ownership.read(id, outs)).props?.found).toEqual([]);
    project.ownership = project.ownership.replace('#ml-risk', '#somebody');
    const read = await ownership.read(id, outs);
    expect(await ownership.diff(id, read.props ?? outs, rules())).toMatchObject({ changes: true });
    await ownership.update(id, outs, rules());
    expect(project.ownership).toContain('#ml-risk');
    await ownership.delete(id, outs);
    expect(project.ownership).toContain('path:src/* #ml-growth');
    expect(project.ownership).not.toContain('tags.team');
  });
});

test('ownership rules that nobody touched are no change at the next up, and can be imported', async () => {
  const { id, outs } = await ownership.create(rules());
  const writes = server.writes().length;
  for (const known of [outs, rules()]) {
    const read = await ownership.read(id, known);
    expect(read.id).toBe('acme/drift');
    expect(await ownership.diff(id, read.props ?? outs, rules())).toEqual({ changes: false, replaces: [], deleteBeforeReplace: false });
  }
  expect(server.writes().length).toBe(writes);
});

describe('a Sentry that does not do as asked', () => {
  test('429 and 503 are waited out', async () => {
    server.refuse(/POST .*workflows/, { status: 429, headers: { 'retry-after': '1' } });
    server.refuse(/GET .*workflows/, { status: 503 });
    await alerts.create(inputs());
    expect(server.workflows.size).toBe(1);
  });

  test.each([
    [401, /refuses the API token/],
    [403, /may not do this.*scope/],
    [404, /no such thing/],
    [409, /HTTP 409/],
  ] as const)('HTTP %i ends the up with what to do, and never with the token', async (status, message) => {
    server.refuse(/workflows/, ...Array.from({ length: 4 }, () => ({ status, detail: 'no' })));
    const error = await alerts.create(inputs()).catch((caught: unknown) => caught);
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain(token);
  });
});

test('no token is in what the state keeps', async () => {
  const { outs } = await alerts.create(inputs());
  const owned = await ownership.create(rules());
  expect(JSON.stringify([outs, owned])).not.toContain(token);
});
