/** The records of the `partials` topic as types; their bytes are `codec.ts`. docs/design/design.md, section 1 and docs/design/protocol.md, Partials, fix their meaning. */
import type { IncidentKind } from '../incident/event.ts';
import type { InvalidReason } from '../record/record.ts';
import type { FeedbackSampleEntry, PredictionSampleEntry, Sample, SeriesSummary } from '../sketch/types.ts';

/** A chunk is 65,536 absolute offsets of a source partition: a constant of the wire format. */
export const chunkSize = 65_536;

/** Model name of feedback that names no model. */
export const anyModel = '*';

export type SourceRole = 'predictions' | 'feedback';

export interface SourcePartition {
  readonly role: SourceRole;
  readonly topic: string;
  readonly partition: number;
  /**
   * How often another log was found in its place than the one that had been read: the topic was created anew, or Kafka lost its newest records. Offsets of
   * different generations name different records. Absent: 0.
   */
  readonly generation?: number;
}

/** Generation of a source partition; 0 for the first. */
export function generationOf({ generation = 0 }: SourcePartition): number {
  return generation;
}

/** One watched (segment name, value); null for the whole. */
export type SegmentKey = readonly [name: string, value: string] | null;

/** Why records of a source partition are in no partial; `unknown`: nobody who read the partition has said. */
export const lossCauses = ['unknown', 'retention', 'reset', 'recreated', 'truncated'] as const;
export type LossCause = (typeof lossCauses)[number];

/** Offsets `[from, to)` of a source partition whose records were never read; none (`from` = `to`) where only the fact is known, not how many. */
export interface Loss {
  readonly cause: LossCause;
  readonly from: number;
  readonly to: number;
}

/** One cell of a pane: (version, segment) of the partial's model. */
export interface Cell {
  readonly version: string;
  readonly segment: SegmentKey;
  /** Valid records. Missing values of a series = rows - numeric count - categorical count - nonFinite - unsupported. */
  readonly rows: number;
  /** Series by name, sorted by name. */
  readonly series: ReadonlyMap<string, SeriesSummary>;
  /** Values that found no place because of a cap (series, segment values, versions): a summary that lost something says so. */
  readonly capped: number;
  /** Only in the cell of the whole (`segment` null) of a prediction partial. */
  readonly predictions: Sample<PredictionSampleEntry> | null;
  /** Only in feedback partials. */
  readonly feedback: Sample<FeedbackSampleEntry> | null;
}

/**
 * What became of the records of a model that are in no cell. `records` counts every record of the pane that names the model (or,
 * for the pseudo-model `topic:NAME`, every record of the topic), so that the rate of bad records is a quality series.
 */
export interface RecordCounts {
  readonly records: number;
  readonly late: number;
  readonly skipped: number;
  /** Valid records that are in no cell, because their version or model is over a cap. */
  readonly capped: number;
  readonly invalid: Readonly<Partial<Record<InvalidReason, number>>>;
}

/**
 * The summary of one (source partition, chunk, pane, model): a pure function of the records of the chunk in the pane up to `to`.
 * Late and invalid records have no pane of their own: they are counted in the pane of the largest event time seen so far, `paneMs` null
 * before there is one.
 */
export interface PartialRecord {
  readonly type: 'partial';
  readonly source: SourcePartition;
  readonly chunk: number;
  /** Start of the pane, epoch ms. For feedback the pane of arrival. */
  readonly paneMs: number | null;
  readonly model: string;
  /** Covers the offsets [from, to) of the chunk. */
  readonly from: number;
  readonly to: number;
  /** Offset of the first record of the pane in the chunk: what a person has to look at begins here, not at `from`. */
  readonly first: number;
  /** False where the reader began in the middle of the pane without knowing what was before. */
  readonly complete: boolean;
  /** Hash of what a cell means: hop, formats, segments, caps, release of the sketch. */
  readonly configHash: string;
  readonly cells: readonly Cell[];
  readonly counts: RecordCounts | null;
}

/** Everything up to `position` of a source partition is in acknowledged partials. Goes to every partition of `partials`. */
export interface WatermarkRecord {
  readonly type: 'watermark';
  readonly source: SourcePartition;
  readonly position: number;
  /** Position of the watermark record before; the resume point for the first after a start. */
  readonly previous: number;
  /** Largest event time seen - lateness (predictions), largest arrival time (feedback). */
  readonly watermarkMs: number;
  /** Number of partitions of the source topic. */
  readonly partitions: number;
  /** What was lost since the watermark record before. */
  readonly lost?: Loss;
  /** The reading began in the middle of the partition: panes that start before this time may have records that were not read. */
  readonly unknownUntilMs?: number;
}

/** The source partition has had nothing new for `idleForMs`; its open cells up to `position` are in partials. */
export interface IdleRecord {
  readonly type: 'idle';
  readonly source: SourcePartition;
  readonly position: number;
  readonly idleForMs: number;
  readonly watermarkMs: number | null;
  readonly partitions: number;
  /** As of `WatermarkRecord`, where no watermark record has told of it yet. */
  readonly lost?: Loss;
}

/** Watermark of a partition none of whose records had an event time so far: it holds the clock back, as an unread partition does. */
export const earliestWatermarkMs = -8.64e15;

/** Watermark at the end of a source that ends (a file): later than every event time. */
export const endWatermarkMs = 8.64e15;

/**
 * What a person wants of one model (docs/decisions/0024-commands-are-records.md): written by `tidemark accept`, `mute` and `unmute` to the model's partition of
 * `partials`, applied by detect with the first pane that each clock decides after its position.
 */
export interface CommandRecord {
  readonly type: 'command';
  /** Names this command: what a repeated write is told by. */
  readonly id: string;
  readonly action: 'accept' | 'mute' | 'unmute';
  readonly model: string;
  /** Only incidents of this kind; null: of every kind. */
  readonly kind: IncidentKind | null;
  /** Only this segment; null: the whole and all segments. */
  readonly segment: SegmentKey;
  /** Only series of these names; empty: all. */
  readonly series: readonly string[];
  readonly by: string;
  readonly reason: string;
  /** Of `mute`: event time up to which it lasts. */
  readonly untilMs: number | null;
  /** When the person said so, by the clock of the command line; for people only. */
  readonly atMs: number;
}

export type PartialsMessage = PartialRecord | WatermarkRecord | IdleRecord | CommandRecord;

/** Order in which partials are merged: (topic, partition, generation, chunk). */
export function compareSources(
  left: { source: SourcePartition; chunk: number },
  right: { source: SourcePartition; chunk: number },
): number {
  if (left.source.topic !== right.source.topic) return left.source.topic < right.source.topic ? -1 : 1;
  return (
    left.source.partition - right.source.partition || generationOf(left.source) - generationOf(right.source) || left.chunk - right.chunk
  );
}

/** Key of a source partition in maps and facts, whatever its generation. */
export function sourceKey(source: SourcePartition): string {
  return `${source.role}/${source.topic}/${source.partition}`;
}
