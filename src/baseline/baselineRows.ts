/** The rows of a baseline file, summarized by model as the same records on a topic would be. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileSpan, fileSettings } from '../core/detect/fileBaseline.ts';
import { InputError } from '../core/errors.ts';
import type { DecodedRecord } from '../core/record/record.ts';
import type { CoreSettings, TopicSource } from '../core/settings.ts';
import type { PartialRecord } from '../core/summarize/messages.ts';
import { PartitionSummarizer } from '../core/summarize/partitionSummarizer.ts';
import { readFile } from '../files/readFile.ts';

/** Usable rows of one model. */
interface ModelRows {
  readonly rows: number;
  readonly span: FileSpan;
  readonly partials: readonly PartialRecord[];
}

export interface BaselineRows {
  /** Hash of the file's bytes. */
  readonly hash: string;
  readonly models: ReadonlyMap<string, ModelRows>;
  /** Usable rows of models that were not asked for. */
  readonly otherRows: number;
  readonly invalidRows: number;
  /** The first row that is not usable, and why: for the person who made the file. */
  readonly firstProblem: string | null;
}

export interface BaselineReading {
  readonly path: string;
  /** Topic entry whose records the rows stand for. */
  readonly source: TopicSource;
  /** Model of rows that name none; null: as the topic entry has it. */
  readonly modelOfNone: string | null;
  readonly isWanted: (model: string) => boolean;
  readonly settings: CoreSettings;
}

/** Time of rows without one: before every event time that a record may have. */
const untimedMs = 0;
/** Share of rows that may be more than a day out of order, and are left out. */
const largestLateShare = 0.01;
/** Rows added between two looks at what the summarizer has finished. */
const sliceRows = 1_024;

interface Gathered {
  rows: number;
  firstMs: number;
  lastMs: number;
  readonly partials: PartialRecord[];
}

/**
 * Reads a file to its end. Whether its rows have times is decided by the first usable one.
 * @throws InputError naming the file, the row and what was expected: where it cannot be read, is not in the order of its times, or has them
 * in some rows only, the first ones excepted: later rows without a time are invalid, as on a topic.
 */
export async function readBaselineRows({ path, source, modelOfNone, isWanted, settings }: BaselineReading): Promise<BaselineRows> {
  const hash = await hashOf(path);
  const models = new Map<string, Gathered>();
  const summarizer = new PartitionSummarizer({
    settings: fileSettings(settings),
    source: { role: 'predictions', topic: source.topic, partition: 0 },
    partitions: 1,
    configHash: '',
    start: { kind: 'beginning', offset: 0 },
  });
  const collect = () => {
    for (const { partials } of summarizer.drain()) for (const partial of partials) models.get(partial.model)?.partials.push(partial);
  };
  const counts = { usable: 0, other: 0, invalid: 0 };
  let isTimed: boolean | null = null;
  let firstProblem: string | null = null;
  const standIns = { id: 'row', timeMs: untimedMs, model: modelOfNone };
  for await (const { row, decoded, timestampMs } of readFile(path, { role: 'predictions', source, standIns })) {
    let record: DecodedRecord = decoded;
    if (record.kind === 'prediction') {
      const hasTime = record.timeMs !== untimedMs;
      isTimed ??= hasTime;
      if (!isTimed && hasTime)
        throw new InputError(`${path}: row ${row + 1} has ts, rows before have none; expected it in all rows or in none`);
      if (isTimed && !hasTime) {
        record = { kind: 'invalid', reason: 'no-time', detail: 'ts is missing, rows before have it', model: record.model };
      }
    }
    if (record.kind === 'prediction') {
      if (!isWanted(record.model)) {
        counts.other++;
        continue;
      }
      counts.usable++;
      note(models, record.model, record.timeMs);
    } else if (record.kind === 'invalid') {
      counts.invalid++;
      firstProblem ??= `row ${row + 1}: ${record.detail}`;
    }
    summarizer.add(record, row, timestampMs);
    if (row % sliceRows === 0) collect();
  }
  summarizer.end();
  collect();
  if (summarizer.lateCount > largestLateShare * counts.usable) {
    throw new InputError(
      `${path}: ${summarizer.lateCount} of ${counts.usable} rows are more than a day earlier than a row before them; expected rows in the order of ts, sort the file by it`,
    );
  }
  const rowsOf = ({ rows, firstMs, lastMs, partials }: Gathered): ModelRows => ({
    rows,
    span: isTimed === true ? { firstMs, lastMs } : null,
    partials,
  });
  return {
    hash,
    models: new Map([...models].map(([model, gathered]) => [model, rowsOf(gathered)])),
    otherRows: counts.other,
    invalidRows: counts.invalid,
    firstProblem,
  };
}

function note(models: Map<string, Gathered>, model: string, timeMs: number): void {
  const known = models.get(model);
  if (known === undefined) {
    models.set(model, { rows: 1, firstMs: timeMs, lastMs: timeMs, partials: [] });
    return;
  }
  known.rows++;
  known.firstMs = Math.min(known.firstMs, timeMs);
  known.lastMs = Math.max(known.lastMs, timeMs);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch (cause) {
    throw new InputError(`${path}: cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return hash.digest('hex');
}
