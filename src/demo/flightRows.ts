/**
 * The flights of the demo: 3,000,000 domestic flights of the United States, 1 January to 30 June 2001, from the npm package
 * `vega-datasets`. What its columns mean was found by looking (docs/flights.md): `date` is the *actual* departure in local time of the
 * origin, without a zone; `delay` is the delay on arrival; cancelled flights are not in it; rows are in the order of `date`.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InputError } from '../core/errors.ts';
import { parquetRows } from '../files/parquetRows.ts';
import type { Flight, FlightSelection } from './flight.ts';
import { isInSample, sampleFile, sampleFlights } from './flightsSample.ts';

/** Begin and end of the data set. */
export const firstDayMs = Date.UTC(2001, 0, 1);
export const lastDayMs = Date.UTC(2001, 6, 1);

/** Selected flights by departure. @throws InputError where the file is missing or is not this data set. */
export async function* flightRows(selection: FlightSelection): AsyncIterable<Flight> {
  for await (const flight of flightsOf(selection)) {
    if (flight.departureMs >= selection.toMs) return;
    if (flight.departureMs < selection.fromMs || shareOf(flight.row) >= selection.sample) continue;
    yield flight;
  }
}

function flightsOf(selection: FlightSelection): AsyncIterable<Flight> {
  const file = selection.file ?? (isInSample(selection) ? sampleFile : wholeFile());
  return /\.csv(\.gz)?$/i.test(file) ? sampleFlights(file) : parquetFlights(file);
}

async function* parquetFlights(file: string): AsyncIterable<Flight> {
  for await (const { row, values } of parquetRows(file)) {
    const { date, delay, distance, origin, destination } = values;
    if (
      !(date instanceof Date) ||
      typeof delay !== 'bigint' ||
      typeof distance !== 'bigint' ||
      typeof origin !== 'string' ||
      typeof destination !== 'string'
    ) {
      throw new InputError(`${file}: row ${row + 1} is no flight; expected the columns date, delay, distance, origin, destination`);
    }
    yield { row, departureMs: date.getTime(), arrivalDelay: Number(delay), distance: Number(distance), origin, destination };
  }
}

/** A number in [0, 1) that depends on the number alone (the finalizer of murmur3): sampling and faults stay the same in every run. */
export function shareOf(row: number): number {
  let mixed = row ^ (row >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return (mixed >>> 0) / 2 ** 32;
}

/** The whole data set. @throws InputError where the package is not installed */
export function wholeFile(): string {
  try {
    const entry = createRequire(import.meta.url).resolve('vega-datasets');
    return join(dirname(entry), '..', 'data', 'flights-3m.parquet');
  } catch (cause) {
    throw new InputError(
      'these flights are not in the sample that comes with Tidemark (a fifth of those of 22 January to 8 February); all of them are in the npm package ' +
        'vega-datasets, which is not installed: in a checkout run "npm ci", elsewhere name its data/flights-3m.parquet with --data',
      { cause },
    );
  }
}
