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

/**
 * One KRaft broker on loopback ports with its data in a temporary folder. It dies with this process, however that ends. It may be killed
 * and started again on the same data: that is how a test sees a broker go away and come back.
 */
export class JavaBroker {
  readonly address: string;
  readonly #classPath: string;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  readonly #onExit = () => {
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  private constructor(address: string, classPath: string, folder: string) {
    this.address = address;
    this.#classPath = classPath;
    this.#folder = folder;
    process.once('exit', this.#onExit);
  }

  /** Formats a data folder; does not start. */
  static async create(classPath: string): Promise<JavaBroker> {
    const folder = await mkdtemp(join(tmpdir(), 'tidemark-kafka-'));
    const [port, controllerPort] = await freePorts();
    const properties = join(folder, 'server.properties');
    await writeFile(properties, propertiesOf(folder, port, controllerPort));
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
    return new JavaBroker(`127.0.0.1:${port}`, classPath, folder);
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

function propertiesOf(folder: string, port: number, controllerPort: number): string {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
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

/** Two ports that are free now. Both are held while the second is found, so that they differ. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [first, second] = ports;
  if (first === undefined || second === undefined) throw new DependencyError('No free port on 127.0.0.1');
  return [first, second];
}
