/**
 * Replays sources that end (files, ranges of topics) through the same core as the worker: a summarizer per source partition, one detector.
 * No topic lies between them, so the order of messages is this loop's: always the prediction source with the lowest watermark, feedback
 * no further ahead than the slowest of them. What comes out does not depend on it.
 */
import { cellConfigHash } from '../core/configHash.ts';
import { Detector } from '../core/detect/detector.ts';
import type { FileBaselines } from '../core/detect/fileBaseline.ts';
import type { Step } from '../core/detect/step.ts';
import type { EventRecord } from '../core/incident/event.ts';
import { type DecodedRecord, pseudoModel } from '../core/record/record.ts';
import type { CoreSettings } from '../core/settings.ts';
import type { PartialsMessage, SourcePartition } from '../core/summarize/messages.ts';
import { PartitionSummarizer } from '../core/summarize/partitionSummarizer.ts';

/** One partition to replay. Records come in order of their offsets. */
export interface ReplaySource {
  readonly source: SourcePartition;
  /** Number of partitions of the topic in this replay. */
  readonly partitions: number;
  /** `middle` where the partition holds records before the first offset: the pane that it begins in is then incomplete. */
  readonly start: { readonly kind: 'beginning' | 'middle'; readonly offset: number };
  readonly records: AsyncIterable<ReplayRecord>;
  /** True where it is known beforehand that there is no record. */
  readonly isEmpty?: boolean;
}

export interface ReplayRecord {
  readonly offset: number;
  readonly decoded: DecodedRecord;
  readonly timestampMs: number;
}

export interface ReplayResult {
  /** Sorted by (windowEnd, incident, ordinal). */
  readonly events: readonly EventRecord[];
  /** Records read by topic, then partition. */
  readonly records: Record<string, Record<string, number>>;
  readonly late: number;
  readonly invalid: Record<string, number>;
  /** Records that are predictions, late ones too; none of them means that nothing was looked at. */
  readonly predictions: number;
  /** The first record that could not be read as one; null where there is none. */
  readonly firstInvalid: FirstInvalid | null;
}

export interface FirstInvalid {
  readonly source: SourcePartition;
  readonly offset: number;
  /** What was found and what was expected, for a person. */
  readonly detail: string;
}

export interface ReplayOptions {
  readonly settings: CoreSettings;
  readonly sources: readonly ReplaySource[];
  readonly fileBaselines: FileBaselines;
  /** Called with what every decision leads to, in their order: evaluations, and the facts that a worker would write. */
  readonly onStep: (step: Step) => void | Promise<void>;
  /** Called now and then with the number of records read so far. */
  readonly onProgress?: (records: number) => void;
}

/** Records added between two looks at which source is behind. */
const sliceRecords = 1_024;

interface Running {
  readonly source: ReplaySource;
  readonly summarizer: PartitionSummarizer;
  readonly iterator: AsyncIterator<ReplayRecord>;
  isAtEnd: boolean;
}

/** Replays everything to its end. Rejects with what a source rejects with. */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { settings } = options;
  const configHash = cellConfigHash(settings);
  // It has the models of all partitions, and whatever a worker gave a place must have one here.
  const detector = new Detector(settings, options.fileBaselines, undefined, Number.POSITIVE_INFINITY);
  const running = options.sources.map((source): Running => {
    const { partitions, start } = source;
    return {
      source,
      summarizer: new PartitionSummarizer({
        settings,
        source: source.source,
        partitions,
        configHash,
        start,
      }),
      iterator: source.records[Symbol.asyncIterator](),
      isAtEnd: false,
    };
  });
  const events: EventRecord[] = [];
  const records: Record<string, Record<string, number>> = {};
  const counts = { late: 0, invalid: {} as Record<string, number> };
  for (const { source } of running) records[source.source.topic] = { ...records[source.source.topic], [source.source.partition]: 0 };
  let read = 0;
  let predictions = 0;
  let firstInvalid: FirstInvalid | null = null;
  let sequence = 0;

  const take = async (message: PartialsMessage) => {
    if (message.type === 'partial') count(message, counts);
    const step: Step | null = detector.take(message, sequence++);
    if (step === null) return;
    events.push(...step.events);
    await options.onStep(step);
  };

  for (let next = slowest(running); next !== null; next = slowest(running)) {
    const ofTopic = records[next.source.source.topic] as Record<string, number>;
    for (let added = 0; added < sliceRecords && !next.isAtEnd; added++) {
      const result = await next.iterator.next();
      if (result.done === true) {
        next.isAtEnd = true;
        next.summarizer.end();
        break;
      }
      const { decoded, offset, timestampMs } = result.value;
      next.summarizer.add(decoded, offset, timestampMs);
      if (decoded.kind === 'prediction') predictions++;
      if (decoded.kind === 'invalid') firstInvalid ??= { source: next.source.source, offset, detail: decoded.detail };
      ofTopic[next.source.source.partition] = (ofTopic[next.source.source.partition] ?? 0) + 1;
      read++;
    }
    for (const output of next.summarizer.drain()) {
      for (const partial of output.partials) await take(partial);
      await take(output.watermark);
    }
    options.onProgress?.(read);
  }
  events.sort(compareEvents);
  return { events, records, late: counts.late, invalid: counts.invalid, predictions, firstInvalid };
}

/** The source to read on from; null when all are at their end. */
function slowest(running: readonly Running[]): Running | null {
  const open = running.filter((one) => !one.isAtEnd);
  const lowest = (ones: readonly Running[]) =>
    ones.reduce<Running | null>((best, one) => (best === null || watermarkOf(one) < watermarkOf(best) ? one : best), null);
  const prediction = lowest(open.filter((one) => one.source.source.role === 'predictions'));
  const feedback = lowest(open.filter((one) => one.source.source.role === 'feedback'));
  if (prediction === null || feedback === null) return prediction ?? feedback;
  return watermarkOf(feedback) < watermarkOf(prediction) ? feedback : prediction;
}

function watermarkOf(one: Running): number {
  return one.summarizer.watermarkMs ?? Number.NEGATIVE_INFINITY;
}

/** Late and invalid records stand in the counts of the topic's pseudo-model, each partial once. */
function count(partial: Extract<PartialsMessage, { type: 'partial' }>, counts: { late: number; invalid: Record<string, number> }): void {
  if (partial.counts === null || partial.model !== pseudoModel(partial.source.topic)) return;
  counts.late += partial.counts.late;
  for (const [reason, number] of Object.entries(partial.counts.invalid))
    counts.invalid[reason] = (counts.invalid[reason] ?? 0) + (number ?? 0);
}

function compareEvents(left: EventRecord, right: EventRecord): number {
  if (left.windowEnd !== right.windowEnd) return left.windowEnd < right.windowEnd ? -1 : 1;
  if (left.incident !== right.incident) return left.incident < right.incident ? -1 : 1;
  return left.ordinal - right.ordinal;
}
