/** What a sample says: which models, fields and types there are, how late records come, and what is wrong with them. */
import type { InvalidReason, PredictionRecord } from '../core/record/record.ts';
import type { CoreSettings } from '../core/settings.ts';
import type { SeriesSummary } from '../core/sketch/types.ts';
import { CellBuilder } from '../core/summarize/cellBuilder.ts';
import { shapeOf } from '../core/summarize/modelShape.ts';
import type { SampledRecord } from './topicSample.ts';

export interface ModelProfile {
  readonly rows: number;
  readonly versions: readonly string[];
  /** Every series as the summarize stage would see it, by name. */
  readonly series: ReadonlyMap<string, SeriesSummary>;
  /** Records that carry each segment name. */
  readonly segments: ReadonlyMap<string, number>;
  /** Share of records whose score lies outside 0 to 1: no probability. */
  readonly scoresOutside: number;
}

interface InvalidProfile {
  readonly count: number;
  /** The first one, as an example. */
  readonly partition: number;
  readonly offset: number;
  readonly detail: string;
}

/** Differences of times in milliseconds, ascending. */
interface TimeProfile {
  /** Kafka timestamp less event time: how long records are under way. Negative where a producer's clock is ahead. */
  readonly delaysMs: readonly number[];
  /** How far behind the newest event time of its partition each record was: what `window.lateness` has to cover. */
  readonly disorderMs: readonly number[];
  /** Newest Kafka timestamp; null without records. */
  readonly newestMs: number | null;
}

export interface TopicProfile {
  readonly predictions: number;
  readonly feedback: number;
  readonly tombstones: number;
  readonly invalid: ReadonlyMap<InvalidReason, InvalidProfile>;
  readonly models: ReadonlyMap<string, ModelProfile>;
  /** Names of further models, which are not described. */
  readonly otherModels: ReadonlySet<string>;
  readonly times: TimeProfile;
}

/** Of a topic with more models than this, the first ones seen are described. */
const mostModels = 20;

/** Describes the records of a sample of one topic. */
export function profileOf(records: readonly SampledRecord[], core: CoreSettings): TopicProfile {
  const invalid = new Map<InvalidReason, InvalidProfile>();
  const models = new Map<string, ModelCollector>();
  const otherModels = new Set<string>();
  const collectorOf = (model: string) => {
    const known = models.get(model);
    if (known !== undefined) return known;
    if (models.size >= mostModels) {
      otherModels.add(model);
      return;
    }
    const collector = new ModelCollector(core, model);
    models.set(model, collector);
    return collector;
  };
  const times = new TimeCollector();
  let predictions = 0;
  let feedback = 0;
  let tombstones = 0;
  for (const record of records) {
    const { decoded } = record;
    times.seeTimestamp(record.timestampMs);
    switch (decoded.kind) {
      case 'skipped':
        tombstones += 1;
        break;
      case 'invalid': {
        const before = invalid.get(decoded.reason) ?? {
          count: 0,
          partition: record.partition,
          offset: record.offset,
          detail: decoded.detail,
        };
        invalid.set(decoded.reason, { ...before, count: before.count + 1 });
        break;
      }
      case 'prediction':
        predictions += 1;
        times.seeEvent(record, decoded.timeMs);
        collectorOf(decoded.model)?.addPrediction(decoded);
        break;
      case 'feedback':
        feedback += 1;
        times.seeEvent(record, decoded.timeMs);
        collectorOf(decoded.model)?.addLabel(decoded.label);
        break;
    }
  }
  return {
    predictions,
    feedback,
    tombstones,
    invalid,
    models: new Map([...models].map(([name, collector]) => [name, collector.profile()])),
    otherModels,
    times: times.profile(),
  };
}

class ModelCollector {
  readonly #cell: CellBuilder;
  readonly #versions = new Set<string>();
  readonly #segments = new Map<string, number>();
  #scoresOutside = 0;

  constructor(core: CoreSettings, model: string) {
    this.#cell = new CellBuilder(shapeOf(core, model).cell);
  }

  addPrediction(record: PredictionRecord): void {
    this.#cell.addPrediction(record);
    this.#versions.add(record.version);
    for (const name of Object.keys(record.segments)) this.#segments.set(name, (this.#segments.get(name) ?? 0) + 1);
    if (typeof record.score === 'number' && (record.score < 0 || record.score > 1)) this.#scoresOutside += 1;
  }

  addLabel(label: number | string | boolean): void {
    this.#cell.addLabel(label);
  }

  profile(): ModelProfile {
    return {
      rows: this.#cell.rows,
      versions: [...this.#versions].sort(),
      series: this.#cell.series(),
      segments: this.#segments,
      scoresOutside: this.#cell.rows === 0 ? 0 : this.#scoresOutside / this.#cell.rows,
    };
  }
}

class TimeCollector {
  readonly #delaysMs: number[] = [];
  readonly #disorderMs: number[] = [];
  readonly #newestEventMs = new Map<number, number>();
  #newestMs: number | null = null;

  seeTimestamp(timestampMs: number): void {
    this.#newestMs = Math.max(this.#newestMs ?? timestampMs, timestampMs);
  }

  seeEvent({ partition, timestampMs }: SampledRecord, timeMs: number): void {
    const newest = Math.max(this.#newestEventMs.get(partition) ?? timeMs, timeMs);
    this.#newestEventMs.set(partition, newest);
    this.#delaysMs.push(timestampMs - timeMs);
    this.#disorderMs.push(newest - timeMs);
  }

  profile(): TimeProfile {
    const ascending = (left: number, right: number): number => left - right;
    return { delaysMs: this.#delaysMs.sort(ascending), disorderMs: this.#disorderMs.sort(ascending), newestMs: this.#newestMs };
  }
}
