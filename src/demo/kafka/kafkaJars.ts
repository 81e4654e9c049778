import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kafkaVersion, type NoKafka } from './brokerHandle.ts';
import { lastLines, runTool } from './runTool.ts';

const minimumJava = 17;

/** The published jars of the broker and what it needs, and a logger. */
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tidemark</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/**
 * The class path of a broker: Apache Kafka's own jars from Maven's repository, 44 MB, downloaded once into the cache folder.
 */
export async function findKafkaJars(cacheDir: string, report: (line: string) => void): Promise<{ readonly classPath: string } | NoKafka> {
  const java = await runTool('java', ['-version'], 20_000);
  const major = Number(/version "(\d+)/.exec(java.output)?.[1] ?? 0);
  if (!java.isOk || major < minimumJava) {
    return { because: `Java ${minimumJava} or later is not installed${major > 0 ? ` (found ${major})` : ''}` };
  }
  const folder = join(cacheDir, `kafka-${kafkaVersion}`);
  const lib = join(folder, 'lib');
  if (!existsSync(lib)) {
    const failure = await download(folder, lib, report);
    if (failure !== null) return failure;
  }
  return { classPath: join(lib, '*') };
}

async function download(folder: string, lib: string, report: (line: string) => void): Promise<NoKafka | null> {
  const maven = await runTool('mvn', ['-v'], 60_000);
  if (!maven.isOk) return { because: 'Maven (mvn) is not installed' };
  report(`Kafka: downloading Apache Kafka ${kafkaVersion} with Maven into ${folder} (44 MB, once)`);
  await mkdir(folder, { recursive: true });
  const pomFile = join(folder, `pom-${process.pid}.xml`);
  const unfinished = join(folder, `lib-${process.pid}`);
  try {
    await writeFile(pomFile, pom);
    const args = ['-B', '-f', pomFile, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`];
    const result = await runTool('mvn', args, 600_000);
    if (!result.isOk) return { because: `Maven could not download Apache Kafka:\n${lastLines(result.output, 8)}` };
    // Complete or not there: another run may look at the folder, or have been faster.
    await rename(unfinished, lib).catch((error: unknown) => {
      if (!existsSync(lib)) throw error;
    });
    return null;
  } finally {
    await rm(pomFile, { force: true });
    await rm(unfinished, { recursive: true, force: true });
  }
}
