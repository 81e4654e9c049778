import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { demoConfig } from '../../../src/demo/demoConfig.ts';
import { sampleFile, sampleFlights } from '../../../src/demo/flightsSample.ts';
import { fullScenario, quickScenario } from '../../../src/demo/flightsScenario.ts';

const place = { brokers: ['localhost:19092'], group: 'flights', topics: { predictions: 'p', feedback: 'f' } };
const api = { token: 't', organization: 'o', project: 'p' };
const live = { dsn: 'http://inbox@127.0.0.1:9465/1', api, partitions: 2, idleAfterMs: 2_000, silenceAfterMs: 5_000 };

function loaded(text: string) {
  const file = join(mkdtempSync(join(tmpdir(), 'tidemark-')), 'tidemark.yaml');
  writeFileSync(file, text);
  return loadConfig({ files: [file], env: {}, sets: [] });
}

describe('the configuration of the demo', () => {
  it.each([
    ['full', fullScenario],
    ['quick', quickScenario],
  ])('says what the %s scenario was tried with', (_name, scenario) => {
    const { core, kafka, warnings } = loaded(demoConfig(scenario, place));
    expect(warnings).toEqual([]);
    expect(kafka).toMatchObject({ brokers: ['localhost:19092'], start: 'earliest' });
    expect(core.window).toMatchObject({ hopMs: scenario.hopMs, scalesMs: scenario.scalesMs });
    expect(core.defaults.baseline).toEqual({ kind: 'first', durationMs: scenario.baselineMs });
    expect(core.models.get('delays')).toMatchObject({ ignore: scenario.ignore, segments: scenario.segments, important: ['distance'] });
    expect(core.predictions).toMatchObject([{ topic: 'p', format: 'json' }]);
  });

  it('has what a running worker needs as well', () => {
    const { core, sentry, topics } = loaded(demoConfig(quickScenario, { ...place, live }));
    expect(sentry).toMatchObject({ dsn: live.dsn, api });
    expect(topics.partitions).toBe(2);
    expect(core.window).toMatchObject({ idleAfterMs: 2_000, silenceAfterMs: 5_000 });
  });

  it('lets an issue name the airport that moved, for there are no more of them than may be named', async () => {
    const airports = new Set<string>();
    for await (const { destination } of sampleFlights(sampleFile)) if (destination !== null) airports.add(destination);
    const { privacy } = loaded(demoConfig(fullScenario, { ...place, live }));
    expect(airports.size).toBeGreaterThan(100);
    expect(airports.size).toBeLessThanOrEqual(privacy.maxCategories);
  });
});
