import { DependencyError } from '../../core/errors.ts';
import { kafkaVersion, type NoKafka, type RunningKafka } from './brokerHandle.ts';
import { startDockerKafka } from './dockerKafka.ts';
import { startJavaKafka } from './javaKafka.ts';
import { waitForKafka } from './waitForKafka.ts';

export interface KafkaLadderOptions {
  /** Told, in lines for a person, what is tried and what is downloaded. */
  readonly report: (line: string) => void;
  /** Folder for downloads, such as `.cache` of the checkout. */
  readonly cacheDir: string;
  /** Whether the in-memory log will do where no Kafka can be had (the demo). */
  readonly allowMemory: boolean;
}

export interface StartedKafka extends RunningKafka {
  /** Which rung was taken. `memory`: none; `brokers` is empty, and the caller uses the in-memory log. */
  readonly how: 'brokers' | 'docker' | 'java' | 'memory';
}

/**
 * A real Kafka for tests and demo: the one that KAFKA_BROKERS names, else Apache Kafka in Docker, else Apache Kafka from its published jars
 * (Java and Maven). The caller stops it.
 * @throws DependencyError that says what to install, where no rung can be taken
 */
export async function startKafka({ report, cacheDir, allowMemory }: KafkaLadderOptions): Promise<StartedKafka> {
  const named = process.env.KAFKA_BROKERS;
  if (named !== undefined && named !== '') return useBrokers(named, report);

  const docker = await startDockerKafka(report);
  if (isRunning(docker)) return { ...docker, how: 'docker' };
  report(`Kafka: not in Docker: ${docker.because}`);

  const java = await startJavaKafka(cacheDir, report);
  if (isRunning(java)) return { ...java, how: 'java' };
  report(`Kafka: not with Java: ${java.because}`);

  if (allowMemory) {
    report('Kafka: none can be had here, so the in-memory log takes its place');
    return { brokers: [], how: 'memory', stop: async () => {} };
  }
  throw new DependencyError(
    [
      'A real Kafka is needed, and none can be found or started here. One of these is enough:',
      '- set KAFKA_BROKERS=host:port to a Kafka that may be written to;',
      `- start a Docker engine that can get the image apache/kafka:${kafkaVersion} (${docker.because});`,
      `- install Java 17 or later and Maven, for instance: apt-get install openjdk-17-jre-headless maven (${java.because}).`,
    ].join('\n'),
  );
}

async function useBrokers(named: string, report: (line: string) => void): Promise<StartedKafka> {
  const brokers = named.split(',').map((broker) => broker.trim());
  report(`Kafka: using KAFKA_BROKERS=${named}`);
  try {
    await waitForKafka(brokers, 15_000);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DependencyError(`${reason}: correct KAFKA_BROKERS, or unset it to have a Kafka started`, { cause: error });
  }
  return { brokers, how: 'brokers', stop: async () => {} };
}

function isRunning(rung: RunningKafka | NoKafka): rung is RunningKafka {
  return 'brokers' in rung;
}
