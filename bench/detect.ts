/**
 * Deciding panes for 100 models of 50 series with frozen baselines, three scales and a hop of 5 minutes: time per pane and series, memory of what is kept, and the restore of it from facts.
 *
 * One model learns three days of baseline and fills its windows; its facts under a hundred names are what a detector of a hundred models restores. It then decides two hours, in which
 * the steps of all scales end.
 */

import { Detector } from '../src/core/detect/detector.ts';
import { factKey, parseFactKey, readNode } from '../src/core/detect/fact.ts';
import { FactMap, restoreDetector } from '../src/core/detect/restore.ts';
import type { Step } from '../src/core/detect/step.ts';
import { hourMs } from '../src/core/duration.ts';
import type { CoreSettings } from '../src/core/settings.ts';
import { SeriesBuilder } from '../src/core/sketch/seriesBuilder.ts';
import type { SeriesSummary } from '../src/core/sketch/types.ts';
import type { Cell, PartialRecord, SourcePartition, WatermarkRecord } from '../src/core/summarize/messages.ts';
import { generator } from './support/generator.ts';
import { benchSettings, trafficStartMs } from './support/predictions.ts';
import type { BenchResult } from './types.ts';

const models = 100;
const numericFeatures = 38;
const categoricalFeatures = 10;
/** The features, `prediction` and `score`. */
const seriesPerModel = numericFeatures + categoricalFeatures + 2;
const partitions = 4;
/** Predictions of one model in a pane and source partition: two a second over all partitions. */
const rowsPerPartial = 150;
const poolSize = 48;
const learningHours = 72 + 25;
const measuredHours = 2;
const topic = 'bench-predictions';

export async function run(): Promise<BenchResult> {
  const settings = settingsOfBench();
  const pool = Array.from({ length: poolSize }, (_, index) => cellsOf(settings, index));
  const stream = new Stream(settings, pool);
  const learned = learn(settings, stream);

  const before = heapBytes();
  let facts: FactMap | null = copiesOf(learned);
  const storedSeries = seriesIn(learned) * models;
  const factCount = facts.size;
  const restoring = process.cpuUsage();
  const { detector } = restoreDetector(settings, facts);
  const restoreCpuMs = cpuMilliseconds(restoring);
  facts = null;
  const heldBytes = heapBytes() - before;

  const paneCpuMs: number[] = [];
  const names = Array.from({ length: models }, (_, index) => nameOf(index));
  let evaluations = 0;
  for (let pane = 0; pane < (measuredHours * hourMs) / settings.window.hopMs; pane += 1) {
    let spentMs = 0;
    stream.pane(names, (message) => {
      const start = process.cpuUsage();
      const step = detector.take(message, stream.offset);
      spentMs += cpuMilliseconds(start);
      evaluations += step?.evaluations.length ?? 0;
    });
    paneCpuMs.push(spentMs);
  }
  const meanMs = paneCpuMs.reduce((sum, each) => sum + each, 0) / paneCpuMs.length;
  return {
    name: 'detect',
    figures: {
      paneCpuMs: meanMs,
      slowestPaneCpuMs: Math.max(...paneCpuMs),
      paneSeriesCpuUs: (meanMs * 1_000) / (models * seriesPerModel),
      evaluationsPerPane: evaluations / paneCpuMs.length,
      restoreCpuMs,
      restoredFacts: factCount,
      storedSeries,
      storedSeriesBytes: heldBytes / storedSeries,
      heldMB: heldBytes / 2 ** 20,
    },
    ratios: { realTime: settings.window.hopMs / meanMs },
    compared:
      `Deciding a pane of ${models} models x ${seriesPerModel} series (${numericFeatures + 1} numbers, ${categoricalFeatures + 1} categories; ${partitions} source partitions, ` +
      `${rowsPerPartial * partitions} predictions a model), hop 5 min, scales 1 h, 6 h and 24 h, frozen baselines of 3 days, no feedback: from decoded partials to events, evaluations and ` +
      'encoded facts, CPU time of the process, its threads included. A pane is the mean of 2 h; the slowest is one in which all scales are evaluated and nodes of all steps merged. Stored series are those of all nodes and baselines that ' +
      'are kept; memory is the heap after garbage collection, array buffers included. There is no peer: the ratio is the length of a pane over the CPU time to decide it.',
  };
}

function settingsOfBench(): CoreSettings {
  const settings = benchSettings('bench-detect', topic);
  return { ...settings, defaults: { ...settings.defaults, baseline: { kind: 'first', durationMs: 72 * hourMs } } };
}

const nameOf = (index: number) => `model-${index}`;

/** The cells of one partial: features over all versions and prediction and score stand in the cell of the version. */
function cellsOf(settings: CoreSettings, index: number): readonly Cell[] {
  const uniform = generator(77 + index);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const summaryOf = (push: (builder: SeriesBuilder) => void): SeriesSummary => {
    const builder = new SeriesBuilder(settings.digest, settings.limits.categoriesPerSeries);
    for (let row = 0; row < rowsPerPartial; row += 1) if (uniform() > 0.01) push(builder);
    return builder.summary();
  };
  const series: [string, SeriesSummary][] = [];
  for (let feature = 0; feature < numericFeatures; feature += 1) {
    const name = `number-${String(feature).padStart(2, '0')}`;
    // Skewed, symmetric, and whole numbers with ties.
    const value = [() => Math.exp(3 + normal()), normal, () => Math.floor(20 * uniform() ** 2)][feature % 3] ?? normal;
    series.push([name, summaryOf((builder) => builder.pushNumber(value()))]);
  }
  for (let feature = 0; feature < categoricalFeatures; feature += 1) {
    const size = 3 + 4 * feature;
    series.push([`text-${feature}`, summaryOf((builder) => builder.pushCategory(`value-${Math.floor(size * uniform() ** 2)}`))]);
  }
  series.push(['prediction', summaryOf((builder) => builder.pushCategory(uniform() < 0.1 ? 'fraud' : 'legit'))]);
  series.push(['score', summaryOf((builder) => builder.pushNumber(1 / (1 + Math.exp(2 - normal()))))]);
  const sorted = new Map(series.sort(([left], [right]) => (left < right ? -1 : 1)));
  return [{ version: '1', segment: null, rows: rowsPerPartial, series: sorted, capped: 0, predictions: null, feedback: null }];
}

/** What summarize would send, pane after pane. */
class Stream {
  offset = -1;
  readonly #settings: CoreSettings;
  readonly #pool: readonly (readonly Cell[])[];
  #paneMs = trafficStartMs;
  #panes = 0;

  constructor(settings: CoreSettings, pool: readonly (readonly Cell[])[]) {
    this.#settings = settings;
    this.#pool = pool;
  }

  /** The partials of one pane, then the watermarks that close it. */
  pane(names: readonly string[], take: (message: PartialRecord | WatermarkRecord) => void): void {
    const rows = rowsPerPartial * names.length;
    const from = this.#panes * rows;
    for (const [index, model] of names.entries()) {
      for (let partition = 0; partition < partitions; partition += 1) {
        this.offset += 1;
        take(this.#partial(model, partition, from, this.#pool[(31 * this.#panes + 7 * index + partition) % poolSize] ?? []));
      }
    }
    this.#paneMs += this.#settings.window.hopMs;
    this.#panes += 1;
    for (let partition = 0; partition < partitions; partition += 1) {
      this.offset += 1;
      const source = sourceOf(partition);
      take({ type: 'watermark', source, position: from + rows, previous: from, watermarkMs: this.#paneMs, partitions });
    }
  }

  #partial(model: string, partition: number, from: number, cells: readonly Cell[]): PartialRecord {
    return {
      type: 'partial',
      source: sourceOf(partition),
      chunk: 0,
      paneMs: this.#paneMs,
      model,
      from,
      to: from + rowsPerPartial,
      first: from,
      complete: true,
      configHash: '0'.repeat(64),
      cells,
      counts: { records: rowsPerPartial, late: 0, skipped: 0, capped: 0, invalid: {} },
    };
  }
}

function sourceOf(partition: number): SourcePartition {
  return { role: 'predictions', topic, partition };
}

/** Facts of one model that has learned its baseline and then filled its windows. */
function learn(settings: CoreSettings, stream: Stream): ReadonlyMap<string, Uint8Array> {
  const detector = new Detector(settings);
  const facts = new Map<string, Uint8Array>();
  const keep = (step: Step) => {
    for (const { key, value } of [...step.facts, step.decided, ...step.tombstones]) {
      if (value === null) facts.delete(key);
      else facts.set(key, value);
    }
  };
  for (let pane = 0; pane < (learningHours * hourMs) / settings.window.hopMs; pane += 1) {
    stream.pane([nameOf(0)], (message) => {
      const step = detector.take(message, stream.offset);
      if (step !== null) keep(step);
    });
  }
  return facts;
}

/** The same facts for every model. */
function copiesOf(facts: ReadonlyMap<string, Uint8Array>): FactMap {
  const copies = new FactMap();
  for (const [key, value] of facts) {
    const subject = parseFactKey(key);
    if (subject === null) continue;
    if (!('model' in subject)) copies.put(key, value);
    else for (let model = 0; model < models; model += 1) copies.put(factKey({ ...subject, model: nameOf(model) }), value.slice());
  }
  return copies;
}

/** Series of all nodes and baselines in the facts. */
function seriesIn(facts: ReadonlyMap<string, Uint8Array>): number {
  let series = 0;
  for (const [key, value] of facts) {
    const subject = parseFactKey(key);
    if (subject?.fact === 'node') series += readNode([value], subject.stepMs, subject.endMs)?.series.size ?? 0;
    if (subject?.fact === 'reference') series += 1;
  }
  return series;
}

function cpuMilliseconds(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e3;
}

function heapBytes(): number {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('Run it as "npm run bench -- detect": it needs --expose-gc');
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
