/**
 * Restarting a worker that holds the state of a day: 20 models x 50 series, default windows, on a real Kafka. The state is made by the stages themselves from 26 hours of traffic. Then a worker process
 * with all roles that decide is ended, half of the times by SIGTERM and half by kill -9, a pane of traffic is written meanwhile, and a new process is timed: until `/readyz` says that all
 * partitions have been taken up with their state, and until it has decided the pane that it missed.
 *
 * After a kill -9 the group waits for the session of the dead member: that time is taken apart (from loading to the join, less what that takes after a SIGTERM), and `ready` is shown with and without it.
 * A worker that has a name (`kafka.instance`) takes its former place instead: half of the kills are of such.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Config } from '../src/config/config.ts';
import { loadConfig } from '../src/config/load.ts';
import { hourMs, minuteMs } from '../src/core/duration.ts';
import { internalTopics } from '../src/core/incident/topics.ts';
import type { Logger } from '../src/core/logger.ts';
import { type Metrics, noMetrics } from '../src/core/metrics.ts';
import { partitionOf } from '../src/core/record/partitioner.ts';
import { startKafka } from '../src/demo/kafka/startKafka.ts';
import { KafkaLog } from '../src/log/kafka/kafkaLog.ts';
import type { OutgoingRecord } from '../src/log/port.ts';
import { systemClock } from '../src/log/systemClock.ts';
import { Worker } from '../src/stages/worker.ts';
import { seriesPerModel, WideTraffic } from './support/wideTraffic.ts';
import type { BenchResult } from './types.ts';

const models = 20;
const sourcePartitions = 4;
const stateHours = 26;
const hopMs = 5 * minuteMs;
/** Predictions of one model in a pane. */
const rowsPerPane = 100;
/** The default of `topics.partitions`. */
const internalPartitions = 12;
/** Half of them after a SIGTERM, half after a kill -9, in turn. */
const restarts = 36;
const topic = 'restart-predictions';
const group = 'restart';
const startMs = Date.UTC(2026, 2, 1);
const cli = join(import.meta.dirname, '..', 'src', 'cli.ts');

const nameOf = (model: number) => `model-${model}`;
/** Partitions of partials that hold a model: each decides every pane. */
const busyPartitions = new Set(Array.from({ length: models }, (_, model) => partitionOf(nameOf(model), internalPartitions))).size;

const quiet: Logger = { error: console.error, warn: console.error, info() {}, debug() {} };
const report = (line: string) => process.stderr.write(`${line}\n`);

/** What was seen of one start, in seconds since the process was started. */
interface Start {
  readonly signal: 'SIGTERM' | 'SIGKILL';
  readonly isNamed: boolean;
  /** Node has loaded the program and Kafka has answered. */
  readonly loaded: number;
  /** The last of the groups has taken it in. */
  readonly joined: number;
  readonly ready: number;
  /** CPU time of the process until then, all threads: other programs of the machine do not change it. */
  readonly readyCpu: number;
  /** The first partition of partials has decided the pane that was missed, and the last. */
  readonly decided: number;
  readonly caughtUp: number;
  readonly restoredRecords: number;
  readonly restoredBytes: number;
  readonly restoreSeconds: number;
  /** Source records read until the pane was decided, without those of the pane that was written while nobody read. */
  readonly reread: number;
}

export async function run(): Promise<BenchResult> {
  const kafka = await startKafka({ report, cacheDir: join(import.meta.dirname, '..', '.cache'), allowMemory: false });
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-restart-'));
  const log = await KafkaLog.open({ brokers: kafka.brokers }, quiet);
  let worker: WorkerProcess | null = null;
  try {
    const file = join(folder, 'tidemark.yaml');
    writeFileSync(
      file,
      stringify({
        kafka: { brokers: kafka.brokers, group, start: 'earliest' },
        predictions: { topic },
        // Records are of the past: nothing is idle.
        window: { idleAfter: '10d', silenceAfter: '10d' },
        http: { port: 0 },
      }),
    );
    const source = new Source(log);
    await source.create();
    report(`writing ${stateHours} hours of ${models} models`);
    for (let pane = 0; pane < (stateHours * hourMs) / hopMs; pane += 1) await source.writePane();
    await makeState(log, loadConfig({ files: [file], env: {}, sets: [] }), source);

    const starts: Start[] = [];
    await source.writePane();
    worker = new WorkerProcess(file, false);
    await worker.untilDecided();
    for (let index = 0; index < restarts; index += 1) {
      const signal = index % 2 === 0 ? 'SIGTERM' : 'SIGKILL';
      // In the latter half of every four the worker has a name (kafka.instance), by which it knows the member that was killed.
      const isNamed = index % 4 >= 2;
      await worker.end(signal);
      await source.writePane();
      worker = new WorkerProcess(file, isNamed);
      const start = await worker.untilDecided();
      starts.push({ ...start, signal, isNamed, reread: start.read - models * rowsPerPane });
      report(`${index + 1} of ${restarts}: ${JSON.stringify(starts.at(-1))}`);
    }
    await worker.end('SIGTERM');
    return resultOf(starts);
  } finally {
    await worker?.end('SIGKILL');
    await log.close();
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The source topic, written pane by pane. */
class Source {
  readonly #log: KafkaLog;
  readonly #traffic = new WideTraffic(Array.from({ length: models }, (_, model) => nameOf(model)));
  #paneMs = startMs;

  constructor(log: KafkaLog) {
    this.#log = log;
  }

  async create(): Promise<void> {
    const configs = { 'retention.ms': '-1', 'message.timestamp.after.max.ms': String(2 ** 53) };
    await this.#log.createTopics([{ topic, partitions: sourcePartitions, configs }]);
  }

  /** Panes that the watermark of what was written has passed. */
  get closedPanes(): number {
    return (this.#paneMs - startMs) / hopMs - 2;
  }

  async writePane(): Promise<void> {
    const records: OutgoingRecord[] = [];
    for (const { timeMs, value } of this.#traffic.pane(this.#paneMs, hopMs, models * rowsPerPane)) {
      // Models go in turn, and so do blocks of them over the partitions: each partition has all models.
      const partition = Math.floor(records.length / models) % sourcePartitions;
      records.push({ topic, partition, key: null, value, timestampMs: timeMs });
    }
    await this.#log.produce(records);
    this.#paneMs += hopMs;
  }
}

/** Runs the stages in this process until they have decided what is there. */
async function makeState(log: KafkaLog, config: Config, source: Source): Promise<void> {
  const stop = new AbortController();
  let decided = 0;
  const metrics: Metrics = {
    ...noMetrics,
    count(name, labels, amount = 1) {
      if (name !== 'tidemark_panes_decided_total' || !('clock' in labels) || labels.clock !== 'data') return;
      decided += amount;
    },
  };
  const worker = new Worker({ config, log, roles: ['summarize', 'detect'], clock: systemClock, logger: quiet, metrics, release: 'bench' });
  const running = worker.run(stop.signal);
  const isOver = running.then(() => true);
  while (decided < source.closedPanes * busyPartitions) {
    if (await Promise.race([sleep(5_000).then(() => false), isOver])) break;
    report(`${decided} of ${source.closedPanes * busyPartitions} panes decided`);
  }
  stop.abort();
  await running;
  const { history } = internalTopics(group);
  let records = 0;
  for (let partition = 0; partition < (await log.partitionCount(history)); partition += 1) {
    const { low, high } = await log.offsets({ topic: history, partition });
    records += high - low;
  }
  report(`the state is made: ${records} offsets in ${history}`);
}

/** A worker as an operator runs it. */
class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #startedMs = performance.now();
  readonly #ended: Promise<void>;
  #text = '';
  #url: string | null = null;
  #loaded = 0;
  #joined = 0;

  constructor(file: string, isNamed: boolean) {
    const name = isNamed ? ['--set', 'kafka.instance=restart-0'] : [];
    const args = [cli, 'worker', '--config', file, '--roles', 'summarize,detect', '--set', 'log.level=info', ...name];
    this.#child = spawn(process.execPath, args, { env: { PATH: process.env.PATH }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }

  /** Looks at its health until it is ready, then at its metrics until a pane is decided. */
  async untilDecided(): Promise<Omit<Start, 'signal' | 'isNamed' | 'reread'> & { readonly read: number }> {
    while (this.#url === null) await sleep(5);
    while (!(await fetch(`${this.#url}/readyz`)).ok) await sleep(10);
    const ready = this.#seconds();
    const readyCpu = sumOf(await (await fetch(`${this.#url}/metrics`)).text(), 'process_cpu_seconds_total');
    for (let first: number | null = null; ; await sleep(20)) {
      const text = await (await fetch(`${this.#url}/metrics`)).text();
      const decided = sumOf(text, 'tidemark_panes_decided_total{clock="data"}');
      if (decided > 0) first ??= this.#seconds();
      if (first === null || decided < busyPartitions) continue;
      return {
        loaded: this.#loaded,
        joined: this.#joined,
        ready,
        readyCpu,
        decided: first,
        caughtUp: this.#seconds(),
        restoredRecords: sumOf(text, 'tidemark_restored_records_total'),
        restoredBytes: sumOf(text, 'tidemark_restored_bytes_total'),
        restoreSeconds: sumOf(text, 'tidemark_restore_seconds_sum'),
        read: sumOf(text, 'tidemark_records_read_total'),
      };
    }
  }

  #seconds(): number {
    return (performance.now() - this.#startedMs) / 1_000;
  }

  #hear(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      if (!line.startsWith('{')) continue;
      const { msg, url, level, seconds = 0 } = JSON.parse(line) as { msg?: string; url?: string; level?: string; seconds?: number };
      if (level === 'error') report(line);
      if (msg === 'Tidemark started' && url !== undefined) {
        this.#url = url;
        this.#loaded = this.#seconds();
      }
      if (msg?.startsWith('Partitions were assigned')) this.#joined = Math.max(this.#joined, this.#seconds());
      if (msg?.startsWith('Detect has taken up')) this.#joined = Math.max(this.#joined, this.#seconds() - seconds);
    }
  }
}

/** Sum of a metric over its labels. */
function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

function resultOf(starts: readonly Start[]): BenchResult {
  const after = (signal: Start['signal']) => starts.filter((start) => start.signal === signal);
  const joinSeconds = quantile(
    after('SIGTERM').map(({ joined, loaded }) => joined - loaded),
    0.5,
  );
  // What a start after a kill -9 waits for longer than one after a SIGTERM: the session of the dead member.
  const isWaiting = ({ signal, isNamed }: Start) => signal === 'SIGKILL' && !isNamed;
  const waitOf = (start: Start) => (isWaiting(start) ? Math.max(0, start.joined - start.loaded - joinSeconds) : 0);
  const figures: Record<string, number> = {};
  const spread = (name: string, values: readonly number[]) => {
    figures[`${name}MinSeconds`] = quantile(values, 0);
    figures[`${name}MedianSeconds`] = quantile(values, 0.5);
    figures[`${name}P99Seconds`] = quantile(values, 0.99);
  };
  const own = starts.map((start) => start.ready - waitOf(start));
  spread('ready', own);
  spread(
    'readyCpu',
    starts.map(({ readyCpu }) => readyCpu),
  );
  spread(
    'readyAfterSigterm',
    after('SIGTERM').map(({ ready }) => ready),
  );
  spread(
    'readyAfterSigkillNamed',
    after('SIGKILL')
      .filter((start) => !isWaiting(start))
      .map(({ ready }) => ready),
  );
  spread(
    'readyAfterSigkillWithSession',
    starts.filter(isWaiting).map(({ ready }) => ready),
  );
  spread('sessionOfTheDead', starts.filter(isWaiting).map(waitOf));
  spread(
    'firstPane',
    starts.map((start) => start.decided - waitOf(start)),
  );
  spread(
    'caughtUp',
    starts.map((start) => start.caughtUp - waitOf(start)),
  );
  const median = (of: (start: Start) => number) => quantile(starts.map(of), 0.5);
  return {
    name: 'restart',
    figures: {
      ...figures,
      loadAndConnectSeconds: median(({ loaded }) => loaded),
      joinSeconds,
      restoreSeconds: median(({ ready, joined }) => ready - joined),
      restoredRecords: median(({ restoredRecords }) => restoredRecords),
      restoredMB: median(({ restoredBytes }) => restoredBytes) / 2 ** 20,
      rereadPerPartitionMost: Math.max(...starts.map(({ reread }) => reread)) / sourcePartitions,
    },
    ratios: { fiveSecondsOverReadyP99: 5 / quantile(own, 0.99) },
    compared:
      `${starts.length} restarts of a worker process (roles summarize and detect) that holds ${stateHours} h of ${models} models x ${seriesPerModel} series, default windows, ${models * rowsPerPane} predictions a ` +
      `pane in ${sourcePartitions} partitions; half after SIGTERM, half after kill -9 (half of these with kafka.instance), a pane written in between. "ready" is from the start of the process to /readyz 200, without the wait for the session ` +
      'of a killed member, which stands apart; "firstPane" until the first partition has decided what was missed, "caughtUp" until all have. The ratio is 5 s, which was asked for, over the p99 of ready.',
  };
}

/** Nearest rank: the p99 of fewer than a hundred is the largest. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
