/**
 * The flights that the demo replays, as a small file that comes with the program (`assets/README.md`): neither the demo nor the image needs the
 * whole data set. Written by `writeFlightsSample.ts`.
 */
import { createReadStream, existsSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { InputError } from '../core/errors.ts';
import type { Flight, FlightSelection } from './flight.ts';

/** What the sample holds: a selection within it needs nothing else. */
export const sampleSelection = { sample: 0.2, fromMs: Date.UTC(2001, 0, 22), toMs: Date.UTC(2001, 1, 9) } as const;

/** Header of the file; `departure` is local time as `2001-01-22T00:05`. */
export const sampleColumns = 'row,departure,delay,distance,origin,destination';

/** Beside `src` in a checkout, beside `dist` in the package and the image. */
export const sampleFile = fileURLToPath(new URL('../../assets/flights-sample.csv.gz', import.meta.url));

/** Whether a selection without a file of its own can be taken from the sample. */
export function isInSample({ sample, fromMs, toMs }: FlightSelection): boolean {
  return sample <= sampleSelection.sample && fromMs >= sampleSelection.fromMs && toMs <= sampleSelection.toMs && existsSync(sampleFile);
}

/** All flights of a file in the form of the sample, by departure. @throws InputError where it cannot be read as one. */
export async function* sampleFlights(path: string): AsyncIterable<Flight> {
  const parser = parse({ from_line: 2 });
  // The parser fails with the error of the streams: the loop below sees it.
  const file = createReadStream(path);
  if (path.endsWith('.gz')) pipeline(file, createGunzip(), parser, () => undefined);
  else pipeline(file, parser, () => undefined);
  let line = 1;
  try {
    for await (const cells of parser) {
      line += 1;
      yield flightOf(cells);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`${path}: line ${line} cannot be read as a flight (${reason}); expected the columns ${sampleColumns}`, { cause });
  }
}

/** `Date.parse` takes much for a time. */
const minute = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;

function flightOf(cells: unknown): Flight {
  if (!Array.isArray(cells)) throw new Error('no list of cells');
  const [row, departure, delay, distance, origin, destination] = cells.map(String);
  const flight = {
    row: Number(row),
    departureMs: minute.test(departure ?? '') ? Date.parse(`${departure}:00Z`) : Number.NaN,
    arrivalDelay: Number(delay),
    distance: Number(distance),
    origin: origin ?? '',
    destination: destination ?? '',
  };
  const numbers = [flight.row, flight.departureMs, flight.arrivalDelay, flight.distance];
  if (!numbers.every(Number.isSafeInteger) || flight.destination === '') throw new Error(`found ${cells.join(',').slice(0, 80)}`);
  return flight;
}
