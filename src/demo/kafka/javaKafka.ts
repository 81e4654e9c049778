import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DependencyError } from '../../core/errors.ts';
import { kafkaVersion, type NoKafka, type RunningKafka } from './brokerHandle.ts';
import { findKafkaJars } from './kafkaJars.ts';
import { lastLines, runTool } from './runTool.ts';
import { waitForKafka } from './waitForKafka.ts';

/** Starts a broker on this machine from Apache Kafka's jars, if Java and Maven are there. */
export async function startJavaKafka(cacheDir: string, report: (line: string) => void): Promise<RunningKafka | NoKafka> {
  const jars = await findKafkaJars(cacheDir, report);
  if ('because' in jars) return jars;
  report(`Kafka: starting Apache Kafka ${kafkaVersion} with Java on the loopback address`);
  const broker = await JavaBroker.create(jars.classPath);
  try {
    await broker.start();
  } catch (error) {
    await broker.remove();
    return { because: error instanceof Error ? error.message : String(error) };
  }
  return { brokers: [broker.address], stop: () => broker.remove() };
}

export interface JavaBrokerOptions {
  /** A second way in, whose clients are told to come to this port: that of a proxy in front of it. */
  readonly advertisedSecondPort?: number;
  /** Where the data stands; default: in the broker's own temporary folder. It is not deleted with the broker. */
  readonly dataFolder?: string;
}

/**
 * One KRaft broker on loopback ports with its data in a temporary folder. It dies with this process, however that ends. It may be killed
 * and started again on the same data: that is how a test sees a broker go away and come back.
 */
export class JavaBroker {
  readonly address: string;
  /** Port of the second way in, where there is one. */
  readonly secondPort: number;
  readonly #classPath: string;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  readonly #onExit = () => {
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  private constructor(address: string, secondPort: number, classPath: string, folder: string) {
    this.address = address;
    this.secondPort = secondPort;
    this.#classPath = classPath;
    this.#folder = folder;
    process.once('exit', this.#onExit);
  }

  /** Formats a data folder; does not start. */
  static async create(classPath: string, { advertisedSecondPort, dataFolder }: JavaBrokerOptions = {}): Promise<JavaBroker> {
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-kafka-'));
    const [port, controllerPort, secondPort] = await freePorts();
    const properties = join(folder, 'server.properties');
    const second = advertisedSecondPort === undefined ? null : { port: secondPort, advertised: advertisedSecondPort };
    await writeFile(properties, propertiesOf({ data: dataFolder ?? join(folder, 'data'), port, controllerPort, second }));
    // One in 64 begins with a dash: only behind `=` is it not taken for an option.
    const id = randomBytes(16).toString('base64url');
    const args = [
      '-Xmx128m',
      '-cp',
      classPath,
      'kafka.tools.StorageTool',
      'format',
      `--cluster-id=${id}`,
      '-c',
      properties,
      '--standalone',
    ];
    const result = await runTool('java', args, 60_000);
    if (!result.isOk) {
      rmSync(folder, { recursive: true, force: true });
      throw new DependencyError(`Apache Kafka could not format its data folder:\n${lastLines(result.output, 8)}`);
    }
    return new JavaBroker(`127.0.0.1:${port}`, secondPort, classPath, folder);
  }

  /** Starts the broker and waits until it answers. */
  async start(): Promise<void> {
    const logFile = join(this.#folder, 'kafka.log');
    const output = openSync(logFile, 'a');
    const java = [
      'java',
      '-Xms128m',
      '-Xmx512m',
      '-XX:+UseSerialGC',
      '-cp',
      this.#classPath,
      'kafka.Kafka',
      join(this.#folder, 'server.properties'),
    ];
    // On Linux the kernel kills the broker with this process, even where this one is killed and can run nothing more.
    const [program = 'java', ...args] = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', ...java] : java;
    const child = spawn(program, args, { stdio: ['ignore', output, output] });
    closeSync(output);
    // A process that ends by itself is not held up by the broker.
    child.unref();
    this.#child = child;
    const died = once(child, 'exit').then(() => {
      throw new DependencyError('the broker ended by itself');
    });
    try {
      await Promise.race([waitForKafka([this.address], 90_000), died]);
    } catch (error) {
      await this.kill();
      const log = await readFile(logFile, 'utf8');
      const reason = error instanceof Error ? error.message : String(error);
      throw new DependencyError(`Apache Kafka did not start (${reason}). Its last lines:\n${lastLines(log, 8)}`, { cause: error });
    } finally {
      died.catch(() => undefined);
    }
  }

  /** Whether its process lives: a broker whose disk is full ends by itself. */
  get isAlive(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its process id, to take something from it; null where it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Kills the broker as a crash would; its data stays. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Kills the broker and deletes its data. */
  async remove(): Promise<void> {
    await this.kill();
    process.off('exit', this.#onExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Places {
  readonly data: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly second: { readonly port: number; readonly advertised: number } | null;
}

function propertiesOf({ data, port, controllerPort, second }: Places): string {
  const controller = `CONTROLLER://127.0.0.1:${controllerPort}`;
  const listeners = (secondPort: number | undefined) =>
    [`PLAINTEXT://127.0.0.1:${port}`, ...(secondPort === undefined ? [] : [`SECOND://127.0.0.1:${secondPort}`]), controller].join(',');
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    listeners: listeners(second?.port),
    'advertised.listeners': listeners(second?.advertised),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SECOND:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    // The default, 128 MB, comes out of the heap at once.
    'log.cleaner.dedupe.buffer.size': '4194304',
    // Compaction that a test can wait for; the default is 15 s.
    'log.cleaner.backoff.ms': '500',
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Three ports that are free now. All are held while they are found, so that they differ. */
async function freePorts(): Promise<[number, number, number]> {
  const servers = [createServer(), createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [first, second, third] = ports;
  if (first === undefined || second === undefined || third === undefined) throw new DependencyError('No free port on 127.0.0.1');
  return [first, second, third];
}
