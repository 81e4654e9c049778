/** Starts one real Kafka for all test files of a run that need it, and ends it after the last. Without one the run fails and says what to install. */
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startKafka } from '../../src/demo/kafka/startKafka.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `host:port` of the Kafka of this run. */
    brokers: string[];
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Ryuk cleans up after killed runs, but its image cannot be had everywhere; the broker is stopped below in any case.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  const kafka = await startKafka({
    report: (line) => console.log(line),
    cacheDir: join(import.meta.dirname, '../../.cache'),
    allowMemory: false,
  });
  project.provide('brokers', [...kafka.brokers]);
  return () => kafka.stop();
}
