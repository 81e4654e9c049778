import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DependencyError } from '../../../src/core/errors.ts';
import { startKafka } from '../../../src/demo/kafka/startKafka.ts';

let cacheDir: string;
let lines: string[];

/** A machine with no Kafka, no Docker engine and no programs at all. */
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'tidemark-ladder-'));
  lines = [];
  vi.stubEnv('KAFKA_BROKERS', '');
  vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
  vi.stubEnv('PATH', cacheDir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cacheDir, { recursive: true, force: true });
});

const report = (line: string) => lines.push(line);

test('where no rung can be taken, the error says what to install', async () => {
  const start = startKafka({ report, cacheDir, allowMemory: false });
  await expect(start).rejects.toThrow(DependencyError);
  await expect(start).rejects.toThrow(/KAFKA_BROKERS=host:port.*apache\/kafka:4\.3\.1.*Java 17 or later and Maven/s);
  expect(lines).toEqual(['Kafka: not in Docker: no Docker engine answers', 'Kafka: not with Java: Java 17 or later is not installed']);
});

test('where the in-memory log will do, it takes the place and is announced', async () => {
  const kafka = await startKafka({ report, cacheDir, allowMemory: true });
  expect(kafka).toMatchObject({ how: 'memory', brokers: [] });
  expect(lines.at(-1)).toBe('Kafka: none can be had here, so the in-memory log takes its place');
  await kafka.stop();
});
