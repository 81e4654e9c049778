/** The demo's traffic as files for `tidemark backtest`. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { constants, createGzip, type Gzip } from 'node:zlib';
import { type FlightTrafficOptions, flightTraffic } from './flights.ts';

/** Paths of the files and how many records each has. */
export interface FlightsFiles {
  readonly predictions: string;
  readonly feedback: string;
  readonly counts: { readonly predictions: number; readonly feedback: number };
}

interface Sink {
  readonly gzip: Gzip;
  readonly done: Promise<void>;
  pending: string[];
  count: number;
}

/** Lines that are handed to gzip at once. */
const linesAtOnce = 1_000;

/**
 * Writes `predictions.ndjson.gz` and `feedback.ndjson.gz` into a folder, which is made where it is missing. The same options give the same
 * bytes. `progress` hears how many records are written, every thousand or so, and the simulated time.
 */
export async function writeFlightsFiles(
  directory: string,
  options: FlightTrafficOptions,
  progress?: (records: number, timeMs: number) => void,
): Promise<FlightsFiles> {
  await mkdir(directory, { recursive: true });
  const paths = { predictions: join(directory, 'predictions.ndjson.gz'), feedback: join(directory, 'feedback.ndjson.gz') };
  const sinks = { predictions: open(paths.predictions), feedback: open(paths.feedback) };
  for await (const { topic, timestampMs, value } of flightTraffic(options)) {
    const sink = sinks[topic];
    sink.pending.push(JSON.stringify(value));
    sink.count += 1;
    if (sink.pending.length >= linesAtOnce) {
      await flush(sink);
      progress?.(sinks.predictions.count + sinks.feedback.count, timestampMs);
    }
  }
  for (const sink of Object.values(sinks)) {
    await flush(sink);
    sink.gzip.end();
    await sink.done;
  }
  return { ...paths, counts: { predictions: sinks.predictions.count, feedback: sinks.feedback.count } };
}

function open(path: string): Sink {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  return { gzip, done: finished(gzip.pipe(createWriteStream(path))), pending: [], count: 0 };
}

async function flush(sink: Sink): Promise<void> {
  if (sink.pending.length === 0) return;
  const text = `${sink.pending.join('\n')}\n`;
  sink.pending = [];
  if (!sink.gzip.write(text)) await once(sink.gzip, 'drain');
}
