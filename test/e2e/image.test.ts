/** The image as docker-compose.yml runs it, from real traffic to an issue in the inbox. The one test that is left out where no Docker is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComposeProject, docker, findDocker } from '../support/compose.ts';

const found = await findDocker();
if ('missing' in found) console.warn(`Left out: the test of the image, because ${found.missing}.`);

const root = join(import.meta.dirname, '../..');
const minuteMs = 60_000;

/** The short run of the traffic, so that the incident is there in seconds. */
const quickTraffic = `services:
  traffic:
    command: [traffic, --quick, --speed, '24', --config, config/compose.yaml]
`;

describe.skipIf('missing' in found)('the image, as docker-compose.yml runs it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-compose-'));
  let project: ComposeProject;
  let inbox: string;

  beforeAll(async () => {
    if ('missing' in found) return;
    const port = await freePort();
    inbox = `http://127.0.0.1:${port}`;
    const override = join(folder, 'quick.yml');
    writeFileSync(override, quickTraffic);
    project = new ComposeProject(found.compose, {
      folder: root,
      name: `tidemark-test-${process.pid}`,
      files: [join(root, 'docker-compose.yml'), override],
      env: { INBOX_PORT: String(port), IMAGE: 'tidemark:test' },
    });
    await project.compose('build', 'inbox');
    await project.compose('up', '-d');
  }, 15 * minuteMs);

  afterAll(async () => {
    await project?.compose('down', '--volumes', '--timeout', '1');
    rmSync(folder, { recursive: true, force: true });
  }, 2 * minuteMs);

  it('brings an incident about real traffic into the inbox', { timeout: 4 * minuteMs }, async () => {
    const isThere = async () => (await titles()).some((title) => title.includes('distance'));
    for (const end = Date.now() + 3 * minuteMs; !(await isThere()); await sleep(1_000)) {
      if (Date.now() > end) throw new Error(`no incident:\n${await project.compose('logs', '--tail', '40', 'worker', 'traffic')}`);
    }
    expect(await (await fetch(inbox)).text()).toContain('distance');
  });

  it('says that it is healthy', async () => {
    for (const service of ['worker', 'inbox']) expect((await project.inspect(service)).State.Health?.Status).toBe('healthy');
  });

  it('runs as a user without rights on files that it cannot write', async () => {
    const { Config, HostConfig } = await project.inspect('worker');
    expect(Config.User).toBe('node');
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges:true'] });
    expect((await project.exec('worker', 'id', '-u')).output).toBe('1000');
    expect((await project.exec('worker', 'touch', '/app/dist/cli.js')).code).not.toBe(0);
    expect((await project.exec('worker', 'touch', '/tmp/file')).code).toBe(0);
  });

  it('holds the program and what it needs to run, and no sources, tests or tools', async () => {
    expect((await project.exec('worker', 'ls', '/app')).output.split('\n')).toEqual([
      'LICENSE',
      'assets',
      'config',
      'dist',
      'node_modules',
      'package.json',
    ]);
    for (const tool of ['typescript', 'vitest', '@biomejs', 'sentry', 'node']) {
      expect((await project.exec('worker', 'ls', `/app/node_modules/${tool}`)).code, tool).not.toBe(0);
    }
  });

  it('stops in good order on SIGTERM, before Docker kills it after ten seconds', async () => {
    await docker('stop', '--time', '10', await project.container('worker'));
    expect((await project.inspect('worker')).State).toMatchObject({ Status: 'exited', ExitCode: 0 });
    expect(await project.compose('logs', 'worker')).toContain('Tidemark stopped');
  });

  /** Titles of the issues in the inbox. */
  async function titles(): Promise<string[]> {
    const issues: { title: string; value: string }[] = JSON.parse(await (await fetch(`${inbox}/api/inbox/issues`)).text());
    return issues.map(({ title }) => title);
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
