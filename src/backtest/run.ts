/** A backtest: sources through the core, and the files of the output contract (docs/design/design.md, section 9). */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../core/canonicalJson.ts';
import type { FileBaselines } from '../core/detect/fileBaseline.ts';
import { InputError } from '../core/errors.ts';
import type { EvaluationRecord, EventRecord, IncidentKind } from '../core/incident/event.ts';
import type { CoreSettings } from '../core/settings.ts';
import type { Clock } from '../log/port.ts';
import { renderReport } from '../report/report.ts';
import type { BacktestSummary } from '../report/summary.ts';
import { type FirstInvalid, type ReplaySource, replay } from './replay.ts';

export interface BacktestOptions {
  readonly settings: CoreSettings;
  readonly sources: readonly ReplaySource[];
  /** Baselines of the models that have one in a file (`loadBaselines`). */
  readonly fileBaselines: FileBaselines;
  /** Folder of the output; made where it is missing. */
  readonly out: string;
  /** The command line that makes the report again. */
  readonly command: string;
  readonly clock: Clock;
  readonly onProgress?: (records: number) => void;
}

export interface BacktestResult {
  readonly summary: BacktestSummary;
  readonly events: readonly EventRecord[];
  /** Records that are predictions. */
  readonly predictions: number;
  /** Evaluations that came to an answer: neither learning nor too little data. */
  readonly tested: number;
  /** The first record that could not be read; null where all could. */
  readonly firstInvalid: FirstInvalid | null;
}

/** Runs it and writes `events.ndjson`, `evaluations.ndjson`, `summary.json` and `report.html`. `InputError` where the folder cannot be written. */
export async function runBacktest(options: BacktestOptions): Promise<BacktestResult> {
  const { settings, out, clock } = options;
  const startedMs = clock.nowMs();
  const evaluationsPath = join(out, 'evaluations.ndjson');
  const evaluationsFile = openOutput(out, evaluationsPath);
  let evaluations = 0;
  let tested = 0;
  let result: Awaited<ReturnType<typeof replay>>;
  try {
    result = await replay({
      settings,
      sources: options.sources,
      fileBaselines: options.fileBaselines,
      onStep: ({ evaluations: decided }) => {
        if (decided.length === 0) return;
        evaluations += decided.length;
        tested += decided.filter(({ verdict }) => verdict === 'ok' || verdict === 'drift').length;
        writeSync(evaluationsFile, `${decided.map((evaluation) => JSON.stringify(evaluation)).join('\n')}\n`);
      },
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    });
  } finally {
    closeSync(evaluationsFile);
  }
  const lines = result.events.map((event) => `${canonicalJson(event)}\n`).join('');
  const incidents: Partial<Record<IncidentKind, number>> = {};
  for (const event of result.events) if (event.step === 'opened') incidents[event.kind] = (incidents[event.kind] ?? 0) + 1;
  const read = Object.values(result.records).reduce((sum, partitions) => sum + Object.values(partitions).reduce((a, b) => a + b, 0), 0);
  const summary: BacktestSummary = {
    records: result.records,
    late: result.late,
    invalid: result.invalid,
    // A backtest has no dead-letter topic: what cannot be used is counted by reason.
    deadLettered: 0,
    recordsPerSecond: Math.round(read / Math.max(0.001, (clock.nowMs() - startedMs) / 1_000)),
    evaluations,
    events: result.events.length,
    incidents,
    eventsSha256: createHash('sha256').update(lines).digest('hex'),
  };
  writeFileSync(join(out, 'events.ndjson'), lines);
  writeFileSync(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  const page = renderReport({
    summary,
    events: result.events,
    evaluations: readEvaluations(evaluationsPath),
    settings,
    command: options.command,
  });
  writeFileSync(join(out, 'report.html'), page);
  return { summary, events: result.events, predictions: result.predictions, tested, firstInvalid: result.firstInvalid };
}

function openOutput(out: string, path: string): number {
  try {
    mkdirSync(out, { recursive: true });
    return openSync(path, 'w');
  } catch (error) {
    throw new InputError(
      `--out ${out}: cannot be written (${error instanceof Error ? error.message : String(error)}); name a folder that may be made or written`,
      {
        cause: error,
      },
    );
  }
}

/** Line by line from the file: there may be too many for memory. */
function* readEvaluations(path: string): Iterable<EvaluationRecord> {
  const file = openSync(path, 'r');
  const chunk = Buffer.alloc(1 << 20);
  const decoder = new TextDecoder();
  try {
    let rest = '';
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      const lines = (rest + decoder.decode(chunk.subarray(0, read), { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line);
    }
  } finally {
    closeSync(file);
  }
}
