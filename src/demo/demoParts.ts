/** Everything that the demo runs, in one process: a Kafka, the inbox, a worker with all roles and its page of metrics. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../config/logger.ts';
import { ConfigError, DependencyError, InputError } from '../core/errors.ts';
import { internalTopics } from '../core/incident/topics.ts';
import { prometheusMetrics } from '../http/registry.ts';
import { type HttpServer, startHttp } from '../http/server.ts';
import { KafkaLog } from '../log/kafka/kafkaLog.ts';
import { MemoryLog } from '../log/memory/memoryLog.ts';
import type { Log } from '../log/port.ts';
import { systemClock } from '../log/systemClock.ts';
import { type Inbox, startInbox } from '../sentry/inbox/server.ts';
import { progressText } from '../stages/progress.ts';
import { roles, Worker } from '../stages/worker.ts';
import { demoConfig } from './demoConfig.ts';
import { countingMetrics, type DemoCounts } from './demoCounts.ts';
import { openSourceTopics, type SourceTopics } from './demoReplay.ts';
import type { FlightsScenario } from './flightsScenario.ts';
import { removeFromKafka } from './kafka/removeFromKafka.ts';
import { type StartedKafka, startKafka } from './kafka/startKafka.ts';

export interface PartsOptions {
  readonly scenario: FlightsScenario;
  /** `memory` takes the in-memory log without looking for a Kafka. */
  readonly kafka: 'ladder' | 'memory';
  /** Folder for the configuration, the log and the events of the inbox. */
  readonly folder: string;
  readonly cacheDir: string;
  readonly release: string;
  readonly report: (line: string) => void;
}

export interface DemoParts {
  readonly how: StartedKafka['how'];
  readonly brokers: readonly string[];
  readonly log: Log;
  readonly topics: SourceTopics;
  readonly inbox: Inbox;
  readonly http: HttpServer;
  readonly counts: DemoCounts;
  readonly files: { readonly config: string; readonly log: string; readonly events: string };
  /** Resolves once the worker has the source partitions. */
  readonly workerReads: Promise<void>;
  /** Rejects where the worker ends by itself. */
  readonly workerFailed: Promise<never>;
  /** Stops everything in the reverse order of its start. */
  close(): Promise<void>;
}

/** Partitions of the source topics, and of each internal topic: one model needs no more than one. */
const partitions = { source: 3, internal: 1 };
const usualPorts = { http: 9464, inbox: 9465 };

/** Starts the parts one after the other; what was started is stopped again where a later one fails. */
export async function startParts(options: PartsOptions): Promise<DemoParts> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    // Each is tried whatever became of the others; nothing may stay behind.
    const problems: unknown[] = [];
    for (const closer of closers.splice(0).reverse()) await closer().catch((error: unknown) => problems.push(error));
    if (problems.length > 0) throw problems[0];
  };
  try {
    return { ...(await start(options, closers)), close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

async function start(options: PartsOptions, closers: (() => Promise<unknown>)[]): Promise<Omit<DemoParts, 'close'>> {
  const { scenario, folder, release } = options;
  const files = { config: join(folder, 'tidemark.yaml'), log: join(folder, 'tidemark.log'), events: join(folder, 'inbox.ndjson') };
  openFolder(folder, [files.log, files.events]);

  const kafka = await kafkaOf(options);
  closers.push(() => kafka.stop());
  const inbox = await orOnAnyPort(usualPorts.inbox, (port) => startInbox({ host: '127.0.0.1', port, dataFile: files.events }));
  closers.push(() => inbox.close());

  // A name of its own for every run: on a Kafka that stays, an earlier run has left its positions.
  const group = `demo-${systemClock.nowMs().toString(36)}`;
  const names = { predictions: `${group}.predictions`, feedback: `${group}.feedback` };
  const live = { dsn: inbox.dsn, api: inbox.api, partitions: partitions.internal, idleAfterMs: 2_000, silenceAfterMs: 5_000 };
  writeFileSync(
    files.config,
    demoConfig(scenario, { brokers: kafka.how === 'memory' ? ['localhost:9092'] : kafka.brokers, group, topics: names, live }),
  );
  const config = loadConfig({ files: [files.config], env: {}, sets: [] });

  const destination = pino.destination({ dest: files.log, sync: true });
  const logger = createLogger('info', destination);
  const log = kafka.how === 'memory' ? new MemoryLog() : await KafkaLog.open({ brokers: kafka.brokers }, logger);
  closers.push(() => log.close());
  if (kafka.how === 'brokers') {
    const topics = [...Object.values(names), ...Object.values(internalTopics(group))];
    closers.push(() => removeFromKafka(kafka.brokers, topics, [group, `${group}-detect`, `${group}-notify`]));
  }
  const { topics } = await openSourceTopics(log, names, partitions.source);

  const registry = prometheusMetrics();
  const { metrics, counts, assigned } = countingMetrics(registry, group);
  const worker = new Worker({ config, log, roles, clock: systemClock, logger, metrics, release });
  const health = () => healthOf(worker);
  const http = await orOnAnyPort(usualPorts.http, (port) =>
    startHttp({ host: '127.0.0.1', port, metrics: registry, health: { live: health, ready: health } }),
  );
  closers.push(() => http.close());
  const workerFailed = runWorker(worker, closers);
  return { how: kafka.how, brokers: kafka.brokers, log, topics, inbox, http, counts, files, workerReads: assigned, workerFailed };
}

function runWorker(worker: Worker, closers: (() => Promise<unknown>)[]): Promise<never> {
  const stop = new AbortController();
  const running = worker.run(stop.signal);
  closers.push(async () => {
    stop.abort();
    await running.catch(() => undefined);
  });
  const failed = running.then(() => {
    if (!stop.signal.aborted) throw new DependencyError('the worker has stopped by itself');
    return new Promise<never>(() => {});
  });
  failed.catch(() => undefined);
  return failed;
}

function healthOf(worker: Worker) {
  const stages = [...worker.stages];
  return {
    ok: stages.every(([, { kind }]) => kind !== 'stopped'),
    checks: Object.fromEntries(stages.map(([role, progress]) => [role, progressText(progress)])),
  };
}

async function kafkaOf({ kafka, cacheDir, report }: PartsOptions): Promise<StartedKafka> {
  if (kafka === 'ladder') return startKafka({ report, cacheDir, allowMemory: true });
  report('Kafka: none, by your wish: the in-memory log takes its place');
  return { brokers: [], how: 'memory', stop: async () => {} };
}

function openFolder(folder: string, oldFiles: readonly string[]): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const file of oldFiles) rmSync(file, { force: true });
  } catch (cause) {
    throw new InputError(
      `the folder ${folder} cannot be written to (${cause instanceof Error ? cause.message : String(cause)}); name another with --out`,
      { cause },
    );
  }
}

/** The usual port, so that a bookmark works; any free one where another program has it. */
async function orOnAnyPort<T>(port: number, listen: (port: number) => Promise<T>): Promise<T> {
  try {
    return await listen(port);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof DependencyError)) throw error;
    return listen(0);
  }
}
