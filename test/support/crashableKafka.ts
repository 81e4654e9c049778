import { join } from 'node:path';
import { getContainerRuntimeClient } from 'testcontainers';
import { startDockerKafka } from '../../src/demo/kafka/dockerKafka.ts';
import { JavaBroker } from '../../src/demo/kafka/javaKafka.ts';
import { findKafkaJars } from '../../src/demo/kafka/kafkaJars.ts';

/** A broker of one test file's own, which may go away and come back. */
export interface CrashableKafka {
  readonly brokers: readonly string[];
  /** Kills the broker and starts it again on the same data (Java), or freezes it (Docker); resolves when it answers again. */
  goAndReturn(): Promise<void>;
  stop(): Promise<void>;
}

/** By Java, else by Docker; fails with what is missing where neither is there. */
export async function startCrashableKafka(): Promise<CrashableKafka> {
  const report = (line: string) => console.log(line);
  const jars = await findKafkaJars(join(import.meta.dirname, '../../.cache'), report);
  if ('classPath' in jars) {
    const broker = await JavaBroker.create(jars.classPath);
    await broker.start();
    const goAndReturn = async () => {
      await broker.kill();
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await broker.start();
    };
    return { brokers: [broker.address], goAndReturn, stop: () => broker.remove() };
  }
  const docker = await startDockerKafka(report);
  if ('brokers' in docker) {
    const { container } = await getContainerRuntimeClient();
    const broker = container.getById(docker.containerId);
    const goAndReturn = async () => {
      await broker.pause();
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      await broker.unpause();
    };
    return { brokers: docker.brokers, goAndReturn, stop: docker.stop };
  }
  throw new Error(`This test kills a Kafka, so it needs one of its own: with Java (${jars.because}) or Docker (${docker.because})`);
}
