import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { kafkaVersion, type NoKafka, type RunningKafka } from './brokerHandle.ts';
import { waitForKafka } from './waitForKafka.ts';

const image = `apache/kafka:${kafkaVersion}`;
const waiting = 'Waiting for the address to advertise';

/**
 * The broker learns which port was mapped only when the container runs, and must advertise it: the container waits for a file with the
 * address before it starts Kafka.
 */
const command = [
  `echo '${waiting}'`,
  'until [ -s /tmp/advertised ]; do sleep 0.1; done',
  'KAFKA_ADVERTISED_LISTENERS=$(cat /tmp/advertised)',
  'export KAFKA_ADVERTISED_LISTENERS',
  'exec /etc/kafka/docker/run',
].join('; ');

/** One KAFKA_ variable drops the image's whole default configuration: all that a single broker needs stands here. */
const environment = {
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_LISTENERS: 'OUTSIDE://:9092,CONTROLLER://:9093,INSIDE://:9094',
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT',
  KAFKA_INTER_BROKER_LISTENER_NAME: 'INSIDE',
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '8',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE: '4194304',
  KAFKA_LOG_CLEANER_BACKOFF_MS: '500',
  KAFKA_HEAP_OPTS: '-Xmx512m',
};

/** A broker in a container. */
interface DockerKafka extends RunningKafka {
  readonly containerId: string;
}

/** Starts Apache Kafka in Docker, if an engine answers and can get the image. */
export async function startDockerKafka(report: (line: string) => void): Promise<DockerKafka | NoKafka> {
  if (!(await doesDockerAnswer())) return { because: 'no Docker engine answers' };
  // A development dependency: in an installation for production there is none, and this rung is not there.
  const testcontainers = await import('testcontainers').catch(() => null);
  if (testcontainers === null) return { because: 'the npm package testcontainers is not installed' };
  const { GenericContainer, Wait } = testcontainers;
  // Ryuk only cleans up after killed runs, and its image cannot be had everywhere; whoever starts this broker stops it.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  // In a container testcontainers takes the address of the bridge for the engine's host; an engine beside us maps its ports to localhost.
  if (existsSync('/.dockerenv')) process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';
  report(`Kafka: starting ${image} in Docker (the first time the image is pulled)`);
  try {
    const container = await new GenericContainer(image)
      .withExposedPorts(9092)
      .withEnvironment(environment)
      .withCommand(['sh', '-c', command])
      .withWaitStrategy(Wait.forLogMessage(waiting))
      .withStartupTimeout(120_000)
      .start();
    const stop = async () => {
      await container.stop({ timeout: 0 });
    };
    try {
      const broker = `${container.getHost()}:${container.getMappedPort(9092)}`;
      const content = `OUTSIDE://${broker},INSIDE://localhost:9094`;
      await container.copyContentToContainer([{ content, target: '/tmp/advertised' }]);
      await waitForKafka([broker], 60_000);
      return { brokers: [broker], stop, containerId: container.getId() };
    } catch (error) {
      await stop();
      throw error;
    }
  } catch (error) {
    return { because: `an engine answers, but ${image} does not start: ${error instanceof Error ? error.message.trim() : String(error)}` };
  }
}

/** A socket that exists but never answers would hang testcontainers: ask it ourselves, with a limit. */
async function doesDockerAnswer(): Promise<boolean> {
  for (const options of dockerAddresses()) if (await doesPingAnswer(options)) return true;
  return false;
}

type Address = { readonly socketPath: string } | { readonly host: string; readonly port: number };

function dockerAddresses(): Address[] {
  const set = process.env.DOCKER_HOST;
  if (set?.startsWith('tcp://')) {
    const { hostname, port } = new URL(set);
    return [{ host: hostname, port: Number(port || 2375) }];
  }
  const paths = [
    ...(set?.startsWith('unix://') ? [set.slice('unix://'.length)] : []),
    '/var/run/docker.sock',
    ...(process.env.XDG_RUNTIME_DIR ? [join(process.env.XDG_RUNTIME_DIR, 'docker.sock')] : []),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.docker/desktop/docker.sock'),
  ];
  return paths.filter((path) => existsSync(path)).map((socketPath) => ({ socketPath }));
}

function doesPingAnswer(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ ...address, path: '/_ping', signal: AbortSignal.timeout(1_000) }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('error', () => resolve(false));
    ping.end();
  });
}
