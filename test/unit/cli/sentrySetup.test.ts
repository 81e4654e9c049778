import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../support/runCommand.ts';
import { type SentryApiServer, startSentryApiServer } from '../../support/sentryApiServer.ts';

const configuration = `
predictions: { topic: predictions }
models:
  fraud: { owner: ml-risk }
  churn: {}
sentry:
  api: { organization: acme, project: drift }
  setup: { team: ml, projectName: Model drift, slack: { integrationId: "77", channel: "#ml-alerts" } }
`;

let server: SentryApiServer;
let folder: string;

beforeEach(async () => {
  server = await startSentryApiServer();
  folder = mkdtempSync(join(tmpdir(), 'tidemark-setup-'));
  writeFileSync(join(folder, 'tidemark.yaml'), configuration);
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await server.close();
});

/** `tidemark sentry setup ...` with the configuration above. */
async function setup(...args: readonly string[]) {
  return runCommand(['sentry', 'setup', '--config', join(folder, 'tidemark.yaml'), ...args], { TIDEMARK_SENTRY_API_URL: server.url });
}
const withToken = () => ['--set', `sentry.api.token=${server.token}`];

test('--print without a token shows the plan, and asks nobody', async () => {
  const { code, out, err } = await setup('--print');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('tags.team:ml-risk #ml-risk');
  expect(out).toMatch(/alert Tidemark drift: errors .*\n.*mail to the owner of the model, Slack #ml-alerts; at most every 60 min/);
  expect(out).toContain('No token');
  expect(server.calls).toEqual([]);
});

test('--print with a token says what it would change, and changes nothing', async () => {
  const { code, out } = await setup('--print', ...withToken());
  expect(code).toBe(0);
  expect(out).toContain('+ project drift');
  expect(out).toMatch(/11 to create, 0 to change, 0 as they should be\. --apply carries it out\.\n$/);
  expect(server.writes()).toEqual([]);
});

test('--apply carries it out; again, there is nothing to do; what was changed by hand is shown and put back', async () => {
  expect(await setup('--apply', ...withToken())).toMatchObject({ code: 0, out: expect.stringMatching(/10 created, 0 changed, 1 as/) });
  expect((await setup('--apply', ...withToken())).out).toMatch(/Nothing to do: 11 as they should be\.\n$/);
  Object.assign([...server.workflows.values()][0]!, { enabled: false });
  const shown = await setup('--print', ...withToken());
  expect(shown.out).toContain('~ alert Tidemark drift: errors\n    enabled: false -> true\n');
  await setup('--apply', ...withToken());
  expect([...server.workflows.values()][0]).toMatchObject({ enabled: true });
});

test('the DSN is printed only when asked for, the token never', async () => {
  await setup('--apply', ...withToken());
  const dsn = String((server.projects.get('drift')?.keys[1]?.dsn as { public?: string } | undefined)?.public);
  for (const args of [['--print'], ['--apply']]) {
    const { out, err } = await setup(...args, ...withToken());
    expect(out + err).not.toContain(dsn);
    expect(out + err).not.toContain(server.token);
  }
  expect((await setup('--print', '--show-dsn', ...withToken())).out).toContain(`DSN: ${dsn}\n`);
});

describe('what cannot work ends with its exit code and what to do', () => {
  test.each([
    [[], 2, /either --print .* or --apply/],
    [['--print', '--apply'], 2, /either --print .* or --apply/],
    [['--apply'], 2, /sentry\.api\.token is missing[\s\S]*alerts:write/],
    [['--print', '--set', 'sentry.setup.team='], 2, /sentry\.setup\.team: is missing, must be a slug/],
    [['--print', '--set', 'models.fraud.owner=ML Risk'], 2, /models\.fraud\.owner: is "ML Risk"/],
    [['--prnit'], 2, /Did you mean --print/],
    [['--apply', '--set', 'sentry.api.token=wrong'], 3, /HTTP 401/],
  ])('%j', async (args, exitCode, words) => {
    const { code, err } = await setup(...args);
    expect(err).toMatch(words);
    expect(code).toBe(exitCode);
  });

  test('a missing permission is named', async () => {
    server.refuse(/^POST .*\/teams\/$/, { status: 403, detail: 'You do not have permission' });
    expect(await setup('--apply', ...withToken())).toMatchObject({ code: 3, err: expect.stringContaining('team:write') });
  });
});

test('auto-resolve that is shorter than two reminders is warned of: it would resolve open incidents', async () => {
  expect((await setup('--print', '--set', 'sentry.setup.autoResolveHours=48')).err).toMatch(/set sentry\.setup\.autoResolveHours above 48/);
  expect((await setup('--print', '--set', 'sentry.setup.autoResolveHours=0')).err).toBe('');
});
