import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minuteMs } from '../../../src/core/duration.ts';
import { InputError } from '../../../src/core/errors.ts';
import type { TopicSource } from '../../../src/core/settings.ts';
import { flightRows, shareOf } from '../../../src/demo/flightRows.ts';
import {
  distanceInKilometres,
  type Fault,
  type FlightFeedback,
  type FlightMessage,
  type FlightPrediction,
  flightTraffic,
  hubs,
  missingFeature,
  swappedClasses,
} from '../../../src/demo/flights.ts';
import { writeFlightsFiles } from '../../../src/demo/flightsFiles.ts';
import { readFile } from '../../../src/files/readFile.ts';

const fromMs = Date.UTC(2001, 0, 8);
const noonMs = Date.UTC(2001, 0, 8, 12);
const toMs = Date.UTC(2001, 0, 9);
const day = { sample: 0.2, fromMs, toMs };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

function predictionsOf(messages: readonly FlightMessage[]): FlightPrediction[] {
  return messages.flatMap((message) => (message.topic === 'predictions' ? [message.value] : []));
}

function feedbackOf(messages: readonly FlightMessage[]): FlightFeedback[] {
  return messages.flatMap((message) => (message.topic === 'feedback' ? [message.value] : []));
}

let traffic: FlightMessage[] = [];
beforeAll(async () => {
  traffic = await all(flightTraffic(day));
});

describe('the traffic of the flights', () => {
  it('is in the order of event time over both topics', () => {
    const times = traffic.map(({ timestampMs }) => timestampMs);
    expect(times).toEqual(times.toSorted((left, right) => left - right));
    for (const { timestampMs, value } of traffic) expect(Date.parse(value.ts)).toBe(timestampMs);
  });

  it('has one label for each prediction, when the flight has landed', () => {
    const predicted = new Map(predictionsOf(traffic).map((prediction) => [prediction.id, prediction]));
    const feedback = feedbackOf(traffic);
    expect(new Set(feedback.map(({ id }) => id))).toEqual(new Set(predicted.keys()));
    expect(feedback).toHaveLength(predicted.size);
    for (const { id, ts } of feedback) {
      const prediction = predicted.get(id);
      const flown = (Date.parse(ts) - Date.parse(prediction?.ts ?? '')) / minuteMs;
      expect(flown).toBe(Math.ceil(30 + (prediction?.features.distance ?? Number.NaN) / 8));
    }
  });

  it('is decoded as it stands: hour and segment go with the flight, the answer with the score', async () => {
    const threshold = Math.min(...predictionsOf(traffic).flatMap(({ prediction, score }) => (prediction === 'late' ? [score] : [])));
    for (const { ts, features, segments, prediction, score } of predictionsOf(traffic)) {
      expect(features.hour).toBe(new Date(ts).getUTCHours());
      expect(segments.hub).toBe(hubs.includes(features.origin ?? '') ? features.origin : 'other');
      expect(prediction).toBe(score >= threshold ? 'late' : 'on-time');
    }
  });

  it('is the same in every run, and a larger sample only adds flights', async () => {
    expect(await all(flightTraffic(day))).toEqual(traffic);
    const more = new Set(predictionsOf(await all(flightTraffic({ ...day, sample: 0.3 }))).map(({ id }) => id));
    const some = predictionsOf(traffic).map(({ id }) => id);
    expect(some.every((id) => more.has(id))).toBe(true);
    expect(some.length / more.size).toBeCloseTo(2 / 3, 1);
  });

  it('of the whole data set has 16,938 flights on that Monday', async () => {
    expect(await all(flightRows({ ...day, sample: 1 }))).toHaveLength(16_938);
  });
});

describe('a fault', () => {
  async function withFault(fault: Fault): Promise<FlightPrediction[]> {
    return predictionsOf(await all(flightTraffic({ ...day, fault })));
  }

  function isBefore({ ts }: FlightPrediction): boolean {
    return Date.parse(ts) < noonMs;
  }

  it('of kilometres changes the distances of its origins from its beginning on, and nothing else', async () => {
    const truth = predictionsOf(traffic);
    const faulty = await withFault(distanceInKilometres({ sinceMs: noonMs, origins: ['ORD'] }));
    let changed = 0;
    for (const [index, prediction] of faulty.entries()) {
      const was = truth[index];
      const isHit = !isBefore(prediction) && prediction.features.origin === 'ORD';
      if (isHit) changed += 1;
      expect(prediction.features.distance).toBe(isHit ? Math.round((was?.features.distance ?? 0) * 1.609344) : was?.features.distance);
      expect({ ...prediction, features: { ...prediction.features, distance: 0 }, score: 0, prediction: '' }).toEqual({
        ...was,
        features: { ...was?.features, distance: 0 },
        score: 0,
        prediction: '',
      });
    }
    expect(changed).toBeGreaterThan(50);
  });

  it('of a missing feature takes it from the share of the flights that was asked for, before the model scores them', async () => {
    const faulty = await withFault(missingFeature({ sinceMs: noonMs, feature: 'hour', share: 0.25 }));
    const after = faulty.filter((prediction) => !isBefore(prediction));
    const missing = after.filter(({ features }) => features.hour === null);
    expect(missing.length / after.length).toBeCloseTo(0.25, 1);
    expect(faulty.filter(isBefore).every(({ features }) => features.hour !== null)).toBe(true);
    const truth = new Map(predictionsOf(traffic).map(({ id, score }) => [id, score]));
    expect(missing.filter(({ id, score }) => truth.get(id) !== score).length).toBeGreaterThan(0.9 * missing.length);
  });

  it('of swapped classes turns the answers round, not the scores', async () => {
    const truth = predictionsOf(traffic);
    for (const [index, { prediction, score, ts }] of (await withFault(swappedClasses({ sinceMs: noonMs }))).entries()) {
      expect(score).toBe(truth[index]?.score);
      expect(prediction === truth[index]?.prediction).toBe(Date.parse(ts) < noonMs);
    }
  });

  it('leaves the labels alone', async () => {
    const faulty = await all(flightTraffic({ ...day, fault: swappedClasses({ sinceMs: fromMs }) }));
    expect(feedbackOf(faulty)).toEqual(feedbackOf(traffic));
  });
});

describe('the hash that samples', () => {
  it('spreads rows evenly, neighbours too', () => {
    const counts = new Array<number>(10).fill(0);
    for (let row = 0; row < 100_000; row += 1) {
      const bucket = Math.floor(shareOf(row) * 10);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});

describe('the files of the flights', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-flights-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const source = (topic: string): TopicSource => ({ topic, format: 'json', model: null, feedback: null });

  it('hold what the topics would, as a backtest reads it', async () => {
    const heard: number[] = [];
    const files = await writeFlightsFiles(join(folder, 'new', 'folder'), day, (records) => heard.push(records));
    const predictions = await all(readFile(files.predictions, { role: 'predictions', source: source('predictions') }));
    const feedback = await all(readFile(files.feedback, { role: 'feedback', source: source('feedback') }));
    expect(files.counts).toEqual({ predictions: predictions.length, feedback: feedback.length });
    expect(predictions).toHaveLength(predictionsOf(traffic).length);
    expect([...predictions, ...feedback].filter(({ decoded }) => decoded.kind === 'invalid')).toEqual([]);
    const [first] = predictionsOf(traffic);
    expect(predictions[0]?.decoded).toMatchObject({
      kind: 'prediction',
      id: first?.id,
      model: 'delays',
      version: '2001-01',
      score: first?.score,
    });
    expect(heard.length).toBeGreaterThan(3);
  });

  it('are the same bytes for the same options', async () => {
    const first = await writeFlightsFiles(join(folder, 'a'), { ...day, sample: 0.02 });
    const second = await writeFlightsFiles(join(folder, 'b'), { ...day, sample: 0.02 });
    expect(readFileSync(first.predictions).equals(readFileSync(second.predictions))).toBe(true);
    expect(readFileSync(first.feedback).equals(readFileSync(second.feedback))).toBe(true);
  });

  it('need the data set: another Parquet file is refused by name and row', async () => {
    const other = join(import.meta.dirname, '..', 'files', 'fixtures', 'predictions.parquet');
    const failure = await all(flightRows({ ...day, file: other })).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InputError);
    expect(String(failure)).toContain('predictions.parquet: row 1 is no flight; expected the columns date, delay');
  });
});
