/** Three real Kafka brokers on this machine (KRaft, each broker and controller), every one of which may be killed and started again on its data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findKafkaJars } from '../../src/demo/kafka/kafkaJars.ts';
import { lastLines, runTool } from '../../src/demo/kafka/runTool.ts';
import { waitForKafka } from '../../src/demo/kafka/waitForKafka.ts';

export const brokerCount = 3;

export interface KafkaCluster {
  /** `host:port` of every broker. */
  readonly brokers: readonly string[];
  /** Ends a broker: SIGKILL as a crash would, SIGTERM as a restart does, which hands its leaders over first. Leaders move to the others. `at` from 0. */
  kill(at: number, signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on its data; resolves when it answers. */
  start(at: number): Promise<void>;
  stop(): Promise<void>;
}

interface Node {
  readonly address: string;
  readonly folder: string;
  child: ChildProcess | null;
}

/** Formats and starts the brokers. Rejects with what to install where there is no Java. */
export async function startKafkaCluster(cacheDir: string, report: (line: string) => void): Promise<KafkaCluster> {
  const jars = await findKafkaJars(cacheDir, report);
  if ('because' in jars) throw new Error(`Chaos kills brokers, so it starts three of its own with Java and Maven: ${jars.because}`);
  const { classPath } = jars;
  const root = await mkdtemp(join(tmpdir(), 'tidemark-chaos-'));
  const ports = await freePorts(2 * brokerCount);
  const voters = Array.from({ length: brokerCount }, (_, at) => `${at + 1}@127.0.0.1:${ports[brokerCount + at]}`).join(',');
  const clusterId = randomBytes(16).toString('base64url');
  const nodes: Node[] = [];
  const onExit = () => {
    for (const node of nodes) node.child?.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  };
  process.once('exit', onExit);

  async function run(node: Node): Promise<void> {
    const output = openSync(join(node.folder, 'kafka.log'), 'a');
    const memory = ['-Xms128m', '-Xmx384m', '-XX:+UseSerialGC'];
    const java = ['java', ...memory, '-cp', classPath, 'kafka.Kafka', join(node.folder, 'server.properties')];
    const [program = 'java', ...args] = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', ...java] : java;
    node.child = spawn(program, args, { stdio: ['ignore', output, output] });
    closeSync(output);
    node.child.unref();
  }

  for (let at = 0; at < brokerCount; at++) {
    const folder = join(root, `broker-${at + 1}`);
    await mkdir(folder);
    const properties = join(folder, 'server.properties');
    await writeFile(properties, propertiesOf(folder, at + 1, Number(ports[at]), Number(ports[brokerCount + at]), voters));
    const format = ['-Xmx128m', '-cp', classPath, 'kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', properties];
    const formatted = await runTool('java', format, 60_000);
    if (!formatted.isOk) throw new Error(`Apache Kafka could not format the folder of a broker:\n${lastLines(formatted.output, 8)}`);
    nodes.push({ address: `127.0.0.1:${ports[at]}`, folder, child: null });
  }
  for (const node of nodes) await run(node);
  const brokers = nodes.map(({ address }) => address);
  for (const address of brokers) await waitForKafka([address], 120_000);

  async function kill(at: number, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const node = nodes[at];
    const child = node?.child;
    if (node === undefined || child === null || child === undefined) return;
    node.child = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    child.kill(signal);
    await once(child, 'exit');
  }

  return {
    brokers,
    kill,
    async start(at) {
      const node = nodes[at];
      if (node === undefined || node.child !== null) return;
      await run(node);
      await waitForKafka([node.address], 120_000);
    },
    async stop() {
      for (let at = 0; at < brokerCount; at++) await kill(at);
      process.off('exit', onExit);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function propertiesOf(folder: string, id: number, port: number, controllerPort: number, voters: string): string {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.replication.factor': '3',
    'offsets.topic.num.partitions': '6',
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    'log.cleaner.dedupe.buffer.size': '4194304',
    // A killed broker is out after seconds, not after the default's nine.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '1000',
    'replica.lag.time.max.ms': '5000',
  };
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Ports that are free now; all are held while they are found, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
