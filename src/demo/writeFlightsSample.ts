/** Writes `assets/flights-sample.csv.gz` from the npm package vega-datasets: `node src/demo/writeFlightsSample.ts`. */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { flightRows, wholeFile } from './flightRows.ts';
import { sampleColumns, sampleFile, sampleSelection } from './flightsSample.ts';

/** Text of the sample, made from the whole data set. */
export async function sampleText(): Promise<string> {
  const lines = [sampleColumns];
  for await (const { row, departureMs, arrivalDelay, distance, origin, destination } of flightRows({
    ...sampleSelection,
    file: wholeFile(),
  })) {
    lines.push([row, new Date(departureMs).toISOString().slice(0, 16), arrivalDelay, distance, origin, destination].join(','));
  }
  return `${lines.join('\n')}\n`;
}

if (import.meta.main) writeFileSync(sampleFile, gzipSync(await sampleText(), { level: 9 }));
