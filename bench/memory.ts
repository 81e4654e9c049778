/**
 * Memory of summarizing ten million predictions: of the process as they go by, and of one series, live in a cell and stored in a partial. The messages come from memory, through the
 * decoder of the `json` preset; a pool of them gets new ids and times in place, so that the pool itself stays small.
 */
import { encodeMessage } from '../src/core/summarize/codec.ts';
import { PartitionSummarizer } from '../src/core/summarize/partitionSummarizer.ts';
import { jsonDecoder } from '../src/formats/json.ts';
import { keepHeapSmall } from '../src/stages/heap.ts';
import { benchSettings, predictionTraffic, trafficStartMs } from './support/predictions.ts';
import type { BenchResult } from './types.ts';

const messages = 10_000_000;
const million = 1_000_000;
const partitions = 4;
/** 200 predictions a second: a pane of 5 minutes holds 60,000. */
const stepMs = 5;
const poolSize = 20_000;
const topic = 'bench-predictions';
const models = 2;
/** 20 features, prediction, score. */
const seriesPerModel = 22;
const megabyte = 1024 * 1024;

const settings = benchSettings('bench-memory', topic);

export async function run(): Promise<BenchResult> {
  // As the worker does.
  keepHeapSmall();
  const traffic = new Traffic();
  const stored = { bytes: 0, series: 0 };
  const summarizers = Array.from({ length: partitions }, (_, partition) => summarizerOf(partition));
  const residentMegabytes: number[] = [];
  for (let i = 0; i < messages; i += 1) {
    const summarizer = summarizers[i % partitions];
    if (summarizer === undefined) continue;
    traffic.addTo(summarizer, i);
    if (i % 500 === 499) for (const each of summarizers) drain(each, stored);
    if (i % million === million - 1) residentMegabytes.push(process.memoryUsage().rss / megabyte);
  }
  const [, second = 0] = residentMegabytes;
  const last = residentMegabytes.at(-1) ?? 0;
  return {
    name: 'memory',
    figures: {
      residentAfter2MillionMB: second,
      residentAfter10MillionMB: last,
      residentHighestMB: Math.max(...residentMegabytes),
      liveSeriesBytes: liveSeriesBytes(traffic),
      storedSeriesBytes: stored.bytes / stored.series,
    },
    ratios: { flatness: second / last },
    compared:
      `Resident memory of a process that summarizes ${messages / million} million predictions of ${models} models x 20 features from memory (${partitions} partitions, panes of 5 minutes). The ratio ` +
      'is the memory after 2 million over that after 10 million: 1 is flat. A live series is one of a pane of 60,000 predictions as it fills up; a stored one is its share of the encoded partial, samples of ids included.',
  };
}

function summarizerOf(partition: number): PartitionSummarizer {
  return new PartitionSummarizer({
    settings,
    source: { role: 'predictions', topic, partition },
    partitions,
    configHash: '0'.repeat(64),
    start: { kind: 'beginning', offset: 0 },
  });
}

function drain(summarizer: PartitionSummarizer, stored: { bytes: number; series: number }): void {
  for (const { partials } of summarizer.drain()) {
    for (const partial of partials) {
      for (const cell of partial.cells) stored.series += cell.series.size;
      if (partial.cells.length > 0) stored.bytes += encodeMessage(partial).length;
    }
  }
}

/** Heap that the open cells of a nearly full pane hold, by series. */
function liveSeriesBytes(traffic: Traffic): number {
  const summarizer = summarizerOf(0);
  const before = heapBytes();
  for (let i = 0; i < 59_000; i += 1) traffic.addTo(summarizer, i);
  const held = heapBytes() - before;
  if (summarizer.cellCount !== models) throw new Error(`${summarizer.cellCount} cells are open instead of ${models}`);
  return held / (models * seriesPerModel);
}

function heapBytes(): number {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('Run it as "npm run bench -- memory": it needs --expose-gc');
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** An endless stream of predictions, made by writing new ids and times into a pool of encoded ones. */
class Traffic {
  readonly #decode = jsonDecoder({ topic, format: 'json', model: null, feedback: null }, 'predictions');
  readonly #pool: { readonly bytes: Buffer; readonly idAt: number; readonly timeAt: number }[] = [];

  constructor() {
    for (const text of predictionTraffic(poolSize, 0)) {
      const bytes = Buffer.from(text);
      this.#pool.push({ bytes, idAt: text.indexOf('prediction-') + 'prediction-'.length, timeAt: text.indexOf(String(trafficStartMs)) });
    }
  }

  addTo(summarizer: PartitionSummarizer, index: number): void {
    const message = this.#pool[index % poolSize];
    if (message === undefined) return;
    const timeMs = trafficStartMs + index * stepMs;
    message.bytes.write(index.toString(36).padStart(8, '0'), message.idAt, 'latin1');
    message.bytes.write(String(timeMs), message.timeAt, 'latin1');
    const problem = summarizer.add(this.#decode(message.bytes, timeMs), summarizer.position, timeMs, message.bytes);
    if (problem !== null) throw new Error(problem.detail);
  }
}
