/** docker-compose.yml as a user brings it up, under names and a port of its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The command line of an engine that answers, or why there is none. */
export type DockerCommands = { readonly compose: readonly [string, ...string[]] } | { readonly missing: string };

/** Looks for an engine and for Compose, as a plugin or as the older program. */
export async function findDocker(): Promise<DockerCommands> {
  if (!(await doesRun('docker', ['version', '--format', '{{.Server.Version}}']))) return { missing: 'no Docker engine answers' };
  if (await doesRun('docker', ['compose', 'version'])) return { compose: ['docker', 'compose'] };
  if (await doesRun('docker-compose', ['version'])) return { compose: ['docker-compose'] };
  return { missing: 'a Docker engine answers, but there is neither "docker compose" nor "docker-compose"' };
}

async function doesRun(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args, { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

/** What `docker inspect` says of a container, as far as tests look at it. */
export interface ContainerState {
  readonly Config: { readonly User: string; readonly StopSignal: string };
  readonly HostConfig: { readonly ReadonlyRootfs: boolean; readonly CapDrop: readonly string[]; readonly SecurityOpt: readonly string[] };
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly Health?: { readonly Status: string } };
}

/** One project of Compose. */
export class ComposeProject {
  readonly #command: readonly string[];
  readonly #options: { readonly env: NodeJS.ProcessEnv; readonly cwd: string; readonly maxBuffer: number };

  /** `files`: the compose files, later ones win; `env`: what they take from the environment. */
  constructor(
    compose: readonly [string, ...string[]],
    { folder, name, files, env }: { folder: string; name: string; files: readonly string[]; env: Readonly<Record<string, string>> },
  ) {
    this.#command = [...compose, '--project-name', name, ...files.flatMap((file) => ['--file', file])];
    this.#options = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
  }

  /** Runs `compose ARGS` and gives what it wrote. */
  async compose(...args: string[]): Promise<string> {
    const [program = '', ...before] = this.#command;
    return (await run(program, [...before, ...args], this.#options)).stdout;
  }

  /** Id of the container of a service, running or not. */
  async container(service: string): Promise<string> {
    return (await this.compose('ps', '-a', '-q', service)).trim();
  }

  async inspect(service: string): Promise<ContainerState> {
    const states: ContainerState[] = JSON.parse(await docker('inspect', await this.container(service)));
    const [state] = states;
    if (state === undefined) throw new Error(`there is no container of ${service}`);
    return state;
  }

  /** Runs a program in the container of a service; gives its exit code and output. */
  async exec(service: string, ...command: string[]): Promise<{ readonly code: number; readonly output: string }> {
    return run('docker', ['exec', await this.container(service), ...command]).then(
      ({ stdout }) => ({ code: 0, output: stdout.trim() }),
      (error: { code?: unknown; stderr?: unknown }) => ({ code: Number(error.code), output: String(error.stderr) }),
    );
  }
}

/** Runs `docker ARGS` and gives what it wrote. */
export async function docker(...args: string[]): Promise<string> {
  return (await run('docker', args, { maxBuffer: 1 << 26 })).stdout;
}
