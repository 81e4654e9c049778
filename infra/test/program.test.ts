import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pulumi from '@pulumi/pulumi';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { sentryApi } from '../../src/sentry/api/client.ts';
import { provision } from '../../src/sentry/provision/apply.ts';
import { provisionPlan } from '../../src/sentry/provision/plan.ts';
import { provisionSettings, settingNames } from '../../test/support/provisionSettings.ts';
import { startSentryApiServer } from '../../test/support/sentryApiServer.ts';

interface RegisterResourceRequest {
  getName(): string;
  getAdditionalsecretoutputsList(): string[];
}

interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const made: Made[] = [];
/** What the program asks Pulumi to encrypt in the state, by name of the resource. */
const secretOutputs = new Map<string, readonly string[]>();

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        made.push({ type, name, inputs });
        return { id: `${name}-id`, state: { ...inputs, slug: inputs.slug ?? name, dsnPublic: 'https://planted@o1.ingest.sentry.io/1' } };
      },
      call: () => ({}),
    },
    'tidemark-sentry',
    'test',
  );
  // The mocks do not tell of options; the request that they answer has them.
  const monitor = pulumi.runtime.getMonitor();
  if (monitor === undefined) throw new Error('there is no monitor');
  const register = monitor.registerResource.bind(monitor) as (request: RegisterResourceRequest, ...rest: unknown[]) => unknown;
  Object.assign(monitor, {
    registerResource(request: RegisterResourceRequest, ...rest: unknown[]) {
      secretOutputs.set(request.getName(), request.getAdditionalsecretoutputsList());
      return register(request, ...rest);
    },
  });
});

async function stack(changes: Partial<Parameters<typeof provisionSettings>[0]> = {}, isTeamManaged = true) {
  made.length = 0;
  const { sentryStack } = await import('../program.ts');
  const outputs = sentryStack({ provision: provisionSettings(changes), url: 'https://sentry.io', isTeamManaged });
  const url = await new Promise<string>((resolve) => outputs.projectUrl.apply(resolve));
  const isSecret = await (outputs.dsn as unknown as { isSecret: Promise<boolean> }).isSecret;
  // Resources are registered as soon as what they need has come; these need the most.
  await vi.waitUntil(
    () => made.some(({ name }) => name === 'ownership') && made.filter(({ name }) => name.startsWith('alert-')).length === 4,
  );
  return { url, isSecret };
}

/** Names, sorted: Pulumi registers what waits for nothing else in no order. */
const ofType = (type: string) =>
  made
    .filter((one) => one.type === type)
    .map(({ name }) => name)
    .sort();
const dynamicOnes = () =>
  made
    .filter(({ inputs }) => '__provider' in inputs)
    .map(({ name }) => name)
    .sort();

describe('the program', () => {
  test('makes teams, project, key, ownership and all alerts, and exports the address and the DSN as a secret', async () => {
    const { url, isSecret } = await stack();
    expect(url).toBe('https://sentry.io/organizations/acme/projects/drift/');
    expect(isSecret).toBe(true);
    expect(ofType('sentry:index/sentryTeam:SentryTeam')).toEqual(['ml-growth', 'ml-platform', 'ml-risk']);
    expect(ofType('sentry:index/sentryProject:SentryProject')).toEqual(['drift']);
    expect(ofType('sentry:index/sentryKey:SentryKey')).toEqual(['key']);
    expect(dynamicOnes()).toEqual(['alert-error', 'alert-error-escalated', 'alert-warning', 'alert-warning-escalated', 'ownership']);
  });

  test('asks for the whole DSN and its key to be encrypted in the state', async () => {
    await stack();
    expect(secretOutputs.get('key')).toEqual(expect.arrayContaining(['dsnPublic', 'dsnCsp', 'dsnSecret', 'public', 'secret']));
  });

  test('leaves teams alone that are not its own, and takes the old resource for an old server', async () => {
    await stack({ alertApi: 'rules' }, false);
    expect(ofType('sentry:index/sentryTeam:SentryTeam')).toEqual([]);
    expect(ofType('sentry:index/sentryIssueAlert:SentryIssueAlert')).toEqual([
      'alert-error',
      'alert-error-escalated',
      'alert-warning',
      'alert-warning-escalated',
    ]);
    expect(dynamicOnes()).toEqual(['ownership']);
  });
});

test('what Pulumi keeps of a provider runs in another process as it does: made, unchanged, deleted', async () => {
  await stack();
  const alert = made.find(({ name }) => name === 'alert-error');
  const text = String(alert?.inputs.__provider);
  // The text stays the same for ever: neither code of ours nor a token is in it.
  expect(text).not.toContain('planted');
  const server = await startSentryApiServer();
  try {
    const plan = provisionPlan(provisionSettings(), settingNames);
    await provision(sentryApi({ url: server.url, token: server.token, random: () => 0, sleep: async () => {} }), plan, {
      isApplied: true,
      onStep: () => {},
    });
    server.workflows.clear();
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-infra-'));
    writeFileSync(join(folder, 'provider.cjs'), text);
    const inputs = { url: server.url, ...plan.place, spec: plan.alerts[0] };
    writeFileSync(
      join(folder, 'host.cjs'),
      `const provider = require('./provider.cjs').handler();
(async () => {
  await provider.configure({ config: { get: (key) => (key === 'sentry:token' ? ${JSON.stringify(server.token)} : undefined) } });
  const inputs = ${JSON.stringify(inputs)};
  const { id, outs } = await provider.create(inputs);
  const { props } = await provider.read(id, outs);
  const { changes } = await provider.diff(id, props, inputs);
  await provider.delete(id, outs);
  process.stdout.write(JSON.stringify({ id, changes }));
})();`,
    );
    // Pulumi starts the process of the providers in the folder of Pulumi.yaml.
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'host.cjs')], { cwd: join(import.meta.dirname, '..') });
    const { id, changes } = JSON.parse(stdout);
    expect(typeof id).toBe('string');
    expect(changes).toBe(false);
    expect(server.calls.some((call) => call.startsWith('POST') && call.includes('workflows'))).toBe(true);
    expect(server.workflows.size).toBe(0);
  } finally {
    await server.close();
  }
});
