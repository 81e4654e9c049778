import { mkdtempSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { flightRows, wholeFile } from '../../../src/demo/flightRows.ts';
import { isInSample, sampleFile, sampleFlights, sampleSelection } from '../../../src/demo/flightsSample.ts';
import { fullScenario, quickScenario } from '../../../src/demo/flightsScenario.ts';
import { sampleText } from '../../../src/demo/writeFlightsSample.ts';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('the sample of the flights that comes with the program', () => {
  it('is what the data set gives', async () => {
    expect(gunzipSync(await readFile(sampleFile)).toString()).toBe(await sampleText());
  });

  it('is small, and holds both runs of the demo', async () => {
    expect((await readFile(sampleFile)).byteLength).toBeLessThan(1_500_000);
    expect(isInSample(fullScenario.traffic)).toBe(true);
    expect(isInSample(quickScenario.traffic)).toBe(true);
    expect(isInSample({ ...sampleSelection, sample: 0.3 })).toBe(false);
    expect(isInSample({ ...sampleSelection, toMs: sampleSelection.toMs + 1 })).toBe(false);
  });

  it('gives the same flights as the data set for a selection within it', async () => {
    const selection = { sample: 0.1, fromMs: Date.UTC(2001, 0, 23), toMs: Date.UTC(2001, 0, 24) };
    const flights = await all(flightRows(selection));
    expect(flights.length).toBeGreaterThan(1_000);
    expect(flights).toEqual(await all(flightRows({ ...selection, file: wholeFile() })));
  });

  it.each(['row,departure\n1,2', 'row,departure,delay,distance,origin,destination\n1,yesterday,3,4,ORD,LGA'])(
    'names the line of a file that is none: %j',
    async (text) => {
      const file = join(mkdtempSync(join(tmpdir(), 'tidemark-')), 'flights.csv');
      writeFileSync(file, text);
      await expect(all(sampleFlights(file))).rejects.toThrow(/flights\.csv: line 2 cannot be read as a flight/);
    },
  );
});
