import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, InvariantError } from '../../../src/core/errors.ts';
import { PerformanceState } from '../../../src/core/performance/performanceState.ts';
import type { PerformanceBaseline, PerformanceEvaluation } from '../../../src/core/performance/types.ts';
import type { ModelSettings } from '../../../src/core/settings.ts';
import { Random } from '../../support/random.ts';
import type { Case } from './stream.ts';
import { add, dayMs, hourMs, opening, run, samplesOf, settingsWith, start, window } from './stream.ts';

function stateOf(settings: ModelSettings = settingsWith(), segments: readonly string[] = [], bytesBudget = 1e9): PerformanceState {
  return new PerformanceState({ model: 'm', settings, window, segments, bytesBudget });
}

interface Traffic {
  readonly days: number;
  readonly perHour: number;
  readonly accuracy: (timeMs: number, delayMs: number, segment: string) => number;
  readonly delayMs: (random: Random) => number;
  readonly seed?: number;
  readonly version?: (timeMs: number) => string;
}

/** Binary predictions with labels; the segment is one of two countries, two thirds of them `at`. */
function traffic({ days, perHour, accuracy, delayMs, seed = 1, version = () => 'v1' }: Traffic): Case[] {
  const random = new Random(seed);
  return Array.from({ length: days * 24 * perHour }, (_, at) => {
    const timeMs = start + Math.floor(at / perHour) * hourMs + random.int(hourMs);
    const delay = Math.floor(delayMs(random));
    const segment = random.int(3) < 2 ? 'at' : 'ch';
    const label = random.int(2);
    const isCorrect = random.next() < accuracy(timeMs, delay, segment);
    return {
      id: `${seed}-${at}`,
      timeMs,
      version: version(timeMs),
      prediction: isCorrect ? label : 1 - label,
      segments: [segment],
      labels: [{ arrivalMs: timeMs + delay, label }],
    };
  });
}

const oneToFourteenDays = (random: Random): number => (1 + 13 * random.next()) * dayMs;
const withinTheHour = (random: Random): number => random.int(hourMs);
const day = (timeMs: number): number => (timeMs - start) / dayMs;

function baselineOf(state: PerformanceState, version = 'v1'): PerformanceBaseline | null {
  return state.baselineFact().versions.find((one) => one.version === version)?.baseline ?? null;
}

/** The label clock of an evaluation: s after the end of its window. */
function clockOf(state: PerformanceState, { windowEndMs, scaleMs }: PerformanceEvaluation): number {
  const stepMs = scaleMs / 12;
  return windowEndMs + Math.floor((baselineOf(state)?.delayMs ?? 0) / stepMs) * stepMs;
}

describe('accuracy from labels that come 1 to 14 days late', () => {
  // Fast labels are the easy ones: the labels of a young window are better than the whole, drift or not.
  const byDelay = (delay: number): number => 0.06 - (0.12 * (delay - dayMs)) / (13 * dayMs);
  const dropMs = start + 21 * dayMs;

  it('is quiet while nothing changes, although early labels are better than late ones', () => {
    const state = stateOf();
    const evaluations = run(
      state,
      samplesOf(traffic({ days: 36, perHour: 60, delayMs: oneToFourteenDays, accuracy: (_, delay) => 0.91 + byDelay(delay) })),
      start,
      start + 36 * dayMs,
    );
    const tested = evaluations.filter(({ verdict }) => verdict === 'tested');
    expect(tested.length).toBeGreaterThan(200);
    expect(opening(evaluations)).toBeNull();
    // What is expected is what the delays say, not the accuracy of the whole baseline.
    for (const { expected } of tested) expect(expected).toBeGreaterThan(0.935);
  });

  it('shows a drop from .91 to .84 about three days after it began', () => {
    const delays: number[] = [];
    for (const seed of [1, 2, 3]) {
      const state = stateOf();
      const accuracy = (timeMs: number, delay: number): number => (timeMs < dropMs ? 0.91 : 0.84) + byDelay(delay);
      const evaluations = run(
        state,
        samplesOf(traffic({ days: 27, perHour: 120, delayMs: oneToFourteenDays, accuracy, seed })),
        start,
        start + 27 * dayMs,
      );
      const found = opening(evaluations);
      expect(found).not.toBeNull();
      expect(found!.windowEndMs).toBeGreaterThan(dropMs);
      expect(found!.effect).toBeLessThan(-0.02);
      expect(found!.coverage).toBeLessThan(0.3);
      delays.push(clockOf(state, found!) - dropMs);
    }
    delays.sort((a, b) => a - b);
    expect(delays[1]! / dayMs).toBeLessThan(3.7);
  });
});

describe('the baseline of delayed labels', () => {
  it('knows the accuracy of every delay without bias, although its young predictions have seen only fast labels', () => {
    // The last days are better than the first: slow labels that are there at closing stem from the first days only.
    const accuracy = (_: number, delay: number): number => 0.95 - 0.02 * Math.floor(delay / dayMs);
    const state = stateOf();
    run(
      state,
      samplesOf(traffic({ days: 14, perHour: 200, delayMs: (random) => 6 * dayMs * random.next(), accuracy })),
      start,
      start + 14 * dayMs,
    );
    const { series, toMs } = baselineOf(state)!;
    expect(day(toMs)).toBe(7);
    const { groupOfSlot, model } = series[0]!;
    for (const days of [0, 1, 2, 3, 4]) {
      const slot = 5 + days;
      const mean = model.rates.means[groupOfSlot[slot]!]!;
      expect(Math.abs(mean - (0.95 - 0.02 * days)), `${days} days late`).toBeLessThan(
        4 * Math.sqrt(0.06 / model.rates.rows[groupOfSlot[slot]!]!),
      );
    }
  });

  it('lets a delay count only for predictions that were old enough to have seen all of it', () => {
    // Labels are half a day or 5.5 days late. Right at the closing of the baseline, the predictions of its last days lack the slow ones.
    const slow = 5.5 * dayMs;
    const state = stateOf(settingsWith({ scalesMs: [dayMs] }));
    const isEarly = (timeMs: number): boolean => timeMs < start + 3 * dayMs;
    const accuracy = (timeMs: number, delay: number): number => (delay < dayMs ? 0.95 : isEarly(timeMs) ? 0.7 : 0.7);
    const cases = traffic({ days: 12, perHour: 100, delayMs: (random) => (random.next() < 0.6 ? dayMs / 2 : slow), accuracy });
    const samples = samplesOf(cases);
    let closedMs: number | null = null;
    for (let pane = start; pane < start + 12 * dayMs && closedMs === null; pane += hourMs) {
      run(state, samples, pane, pane + hourMs);
      if (baselineOf(state) !== null) closedMs = pane + hourMs;
    }
    // The 1 d scale sees no delay of more than 1.5 d: the baseline does not wait for the slow ones.
    expect(day(closedMs!)).toBeLessThan(8.6);
    const { groupOfSlot, model } = baselineOf(state)!.series[0]!;
    const slowGroup = groupOfSlot[10]!;
    const exposed = cases.filter(
      ({ timeMs, labels }) => labels[0]!.arrivalMs - timeMs > dayMs && timeMs < closedMs! - 6 * dayMs - hourMs,
    ).length;
    expect(Math.abs(model.rates.rows[slowGroup]! - exposed)).toBeLessThan(100);
    expect(model.rates.means[slowGroup]!).toBeCloseTo(0.7, 1);
    expect(model.rates.means[groupOfSlot[5]!]!).toBeCloseTo(0.95, 1);
  });

  it('closes within hours where labels come within the hour', () => {
    const state = stateOf();
    const samples = samplesOf(traffic({ days: 9, perHour: 30, delayMs: withinTheHour, accuracy: () => 0.9 }));
    const evaluations = run(state, samples, start, start + 9 * dayMs);
    expect(baselineOf(state)?.delayMs).toBeLessThan(hourMs);
    const first = evaluations.find(({ verdict }) => verdict === 'tested')!;
    // The first window that begins after the baseline's end.
    expect(day(first.windowEndMs)).toBe(8);
    expect(evaluations.filter(({ windowEndMs }) => day(windowEndMs) < 8).every(({ verdict }) => verdict === 'learning')).toBe(true);
  });

  it('starts anew where its span had too few labels', () => {
    const state = stateOf(settingsWith({}, { baseline: { kind: 'first', durationMs: 2 * dayMs } }));
    const sparse = traffic({ days: 4, perHour: 10, delayMs: withinTheHour, accuracy: () => 0.9 }).filter((_, at) => at === 0);
    const later = traffic({ days: 8, perHour: 10, delayMs: withinTheHour, accuracy: () => 0.9, seed: 2 }).filter(
      ({ timeMs }) => timeMs > start + 5 * dayMs,
    );
    run(state, samplesOf([...sparse, ...later]), start, start + 8 * dayMs);
    expect(day(baselineOf(state)!.fromMs)).toBe(5);
  });

  it('serves only windows that are not longer', () => {
    const state = stateOf(settingsWith({}, { baseline: { kind: 'first', durationMs: 2 * dayMs } }));
    const samples = samplesOf(traffic({ days: 9, perHour: 30, delayMs: withinTheHour, accuracy: () => 0.9 }));
    const last = run(state, samples, start, start + 9 * dayMs).slice(-2);
    expect(last.map(({ scaleMs, verdict }) => [day(start + scaleMs), verdict])).toEqual([
      [1, 'tested'],
      [4, 'insufficient'],
    ]);
  });
});

describe('one evaluation', () => {
  const settings = settingsWith({ scalesMs: [dayMs] });
  const cases = traffic({ days: 10, perHour: 20, delayMs: withinTheHour, accuracy: (timeMs) => (timeMs < start + 8 * dayMs ? 0.9 : 0.6) });

  it('is exact while nothing was cut', () => {
    const evaluations = run(stateOf(settings), samplesOf(cases), start, start + 10 * dayMs);
    for (const one of evaluations) {
      const inWindow = cases.filter(({ timeMs, labels }) => {
        const clockMs = one.windowEndMs;
        return timeMs >= one.windowStartMs && timeMs < one.windowEndMs && labels[0]!.arrivalMs < clockMs;
      });
      const correct = inWindow.filter(({ prediction, labels }) => prediction === labels[0]!.label).length;
      const predicted = cases.filter(({ timeMs }) => timeMs >= one.windowStartMs && timeMs < one.windowEndMs).length;
      expect([one.rows, one.n]).toEqual([inWindow.length, inWindow.length]);
      expect(one.observed).toBe(correct / inWindow.length);
      expect(one.coverage).toBe(inWindow.length / predicted);
    }
    expect(evaluations.length).toBeGreaterThan(50);
  });

  it('says what is expected, how sure it is, what it could have found, and since when', () => {
    const evaluations = run(stateOf(settings), samplesOf(cases), start, start + 10 * dayMs);
    const [last] = evaluations.slice(-1);
    expect(last).toMatchObject({ version: 'v1', segment: null, metric: 'accuracy', verdict: 'tested', belowMinimum: false });
    expect(last!.expected).toBeCloseTo(0.9, 1);
    expect(last!.effect).toBeCloseTo(last!.observed! - last!.expected!, 12);
    expect(last!.newestEffect).toBeLessThan(-0.15);
    expect(last!.p).toBeLessThan(1e-6);
    expect(last!.interval![0]).toBeLessThan(last!.observed!);
    expect(last!.interval![1]).toBeGreaterThan(last!.observed!);
    expect(last!.detectable).toBeGreaterThan(0.03);
    expect(last!.detectable).toBeLessThan(Math.abs(last!.effect!));
    // Budget 1 per 30 d, halved between the families, one scale, 8 looks a window.
    expect(last!.alpha).toBeCloseTo(0.5 / (30 * 8), 12);
  });

  it('is one-sided: a rise of accuracy is no drop', () => {
    const better = traffic({
      days: 10,
      perHour: 20,
      delayMs: withinTheHour,
      accuracy: (timeMs) => (timeMs < start + 8 * dayMs ? 0.7 : 0.95),
    });
    const [last] = run(stateOf(settings), samplesOf(better), start, start + 10 * dayMs).slice(-1);
    expect(last).toMatchObject({ verdict: 'tested', p: 1, belowMinimum: true });
    expect(last!.effect).toBeGreaterThan(0.2);
  });

  it('is insufficient with few labels, and learning before there is a baseline', () => {
    const few = traffic({ days: 10, perHour: 2, delayMs: withinTheHour, accuracy: () => 0.9 });
    const verdicts = new Set(run(stateOf(settings), samplesOf(few), start, start + 10 * dayMs).map(({ verdict }) => verdict));
    expect([...verdicts].sort()).toEqual(['insufficient', 'learning']);
  });

  it('is not made for a model that has no labels', () => {
    const unlabelled = cases.map((one) => ({ ...one, labels: [] }));
    expect(run(stateOf(settings), samplesOf(unlabelled), start, start + 10 * dayMs)).toEqual([]);
  });

  it('comes once a step of its scale', () => {
    const evaluations = run(stateOf(), samplesOf(cases), start, start + 3 * dayMs);
    const ends = (scaleMs: number): number[] => evaluations.filter((one) => one.scaleMs === scaleMs).map(({ windowEndMs }) => windowEndMs);
    expect(ends(dayMs)).toEqual(Array.from({ length: 36 }, (_, step) => start + (step + 1) * 2 * hourMs));
    expect(ends(4 * dayMs)).toEqual(Array.from({ length: 9 }, (_, step) => start + (step + 1) * 8 * hourMs));
  });

  it('stays within a byte budget, and true', () => {
    const rich = stateOf(settings);
    const poor = stateOf(settings, [], 120 * 24 * 21 * 10);
    const samples = samplesOf(cases);
    const [exact] = run(rich, samples, start, start + 10 * dayMs).slice(-1);
    const [estimate] = run(poor, samples, start, start + 10 * dayMs).slice(-1);
    expect(poor.counts().cut).toBeGreaterThan(1000);
    expect(poor.storedRows()).toBeLessThan(10 * 24 * 11);
    expect(Math.abs(estimate!.observed! - exact!.observed!)).toBeLessThan(0.12);
    expect(estimate!.verdict).toBe('tested');
    expect(estimate!.n).toBeLessThan(exact!.n / 1.5);
  });

  it('refuses a clock that runs back', () => {
    const state = stateOf(settings);
    run(state, samplesOf(cases), start, start + dayMs);
    expect(() => state.decide(start)).toThrow(InvariantError);
    state.addFeedback(start + 2 * dayMs, { entries: [], threshold: null, duplicates: 0 });
    expect(() => state.decide(start + 2 * dayMs)).toThrow(InvariantError);
  });
});

describe('segments', () => {
  it('are evaluated each, and show a drop that is theirs alone', () => {
    const accuracy = (timeMs: number, _: number, segment: string): number => (segment === 'ch' && timeMs > start + 9 * dayMs ? 0.75 : 0.9);
    const state = stateOf(settingsWith({ scalesMs: [dayMs] }), ['country']);
    const evaluations = run(
      state,
      samplesOf(traffic({ days: 12, perHour: 60, delayMs: withinTheHour, accuracy })),
      start,
      start + 12 * dayMs,
    );
    const last = evaluations.slice(-3);
    expect(last.map(({ segment }) => segment)).toEqual([null, ['country', 'at'], ['country', 'ch']]);
    expect(last[1]!.n + last[2]!.n).toBe(last[0]!.n);
    expect(last[2]!.p).toBeLessThan(1e-6);
    expect(last[1]!.p).toBeGreaterThan(0.01);
  });

  it('are at most as many values as allowed, those with the most labels', () => {
    const state = new PerformanceState({
      model: 'm',
      settings: settingsWith(),
      window,
      segments: ['country'],
      bytesBudget: 1e9,
      valuesPerSegment: 1,
    });
    run(state, samplesOf(traffic({ days: 9, perHour: 20, delayMs: withinTheHour, accuracy: () => 0.9 })), start, start + 9 * dayMs);
    expect(baselineOf(state)!.series.map(({ segment }) => segment)).toEqual([null, ['country', 'at']]);
  });
});

describe('mean absolute error', () => {
  function regression(days: number, errorOf: (timeMs: number) => number): Case[] {
    const random = new Random(3);
    return Array.from({ length: days * 24 * 20 }, (_, at) => {
      const timeMs = start + Math.floor(at / 20) * hourMs + random.int(hourMs);
      const label = 100 + 20 * random.normal();
      return {
        id: `r-${at}`,
        timeMs,
        prediction: label + errorOf(timeMs) * random.normal(),
        labels: [{ arrivalMs: timeMs + 1000, label }],
      };
    });
  }

  it('is the metric of predictions with more than 20 distinct numbers, and a rise is found', () => {
    const state = stateOf(settingsWith({ scalesMs: [dayMs] }));
    const evaluations = run(
      state,
      samplesOf(regression(12, (timeMs) => (timeMs < start + 10 * dayMs ? 5 : 6.5))),
      start,
      start + 12 * dayMs,
    );
    const quiet = evaluations.filter(({ windowEndMs, verdict }) => verdict === 'tested' && day(windowEndMs) <= 10);
    expect(quiet.length).toBeGreaterThan(20);
    expect(quiet.every(({ p, alpha }) => p! > alpha!)).toBe(true);
    const [last] = evaluations.slice(-1);
    expect(last).toMatchObject({ metric: 'mae', verdict: 'tested', belowMinimum: false });
    expect(last!.expected).toBeCloseTo(5 * Math.sqrt(2 / Math.PI), 1);
    expect(last!.effect).toBeCloseTo(0.3, 1);
    expect(last!.p).toBeLessThan(1e-4);
    expect(last!.detectable).toBeGreaterThan(0.05);
    expect(last!.detectable).toBeLessThan(0.3);
    expect(last!.interval![0]).toBeGreaterThan(last!.observed! * 0.9);
  });

  it('is taken where the task is declared a regression, whatever the predictions look like', () => {
    const coarse = regression(9, () => 5).map((one) => ({ ...one, prediction: 100 }));
    const last = (task: ModelSettings['task']): PerformanceEvaluation =>
      run(stateOf(settingsWith({ scalesMs: [dayMs] }, { task })), samplesOf(coarse), start, start + 9 * dayMs).at(-1)!;
    expect(last('regression').metric).toBe('mae');
    expect(last(null).metric).toBe('accuracy');
  });
});

describe('versions', () => {
  const settings = settingsWith({ scalesMs: [dayMs] });
  const accuracy = (timeMs: number): number => (timeMs < start + 12 * dayMs ? 0.95 : 0.8);
  const cases = traffic({
    days: 24,
    perHour: 30,
    delayMs: withinTheHour,
    accuracy,
    version: (timeMs) => (timeMs < start + 12 * dayMs ? 'v1' : 'v2'),
  });

  it('learn nothing while an incident of the model is open', () => {
    const state = stateOf(settingsWith({ scalesMs: [dayMs] }));
    const samples = samplesOf(
      traffic({
        days: 26,
        perHour: 20,
        delayMs: withinTheHour,
        accuracy: (timeMs) => (timeMs < start + 10 * dayMs ? 0.91 : 0.75),
        version: (timeMs) => (timeMs < start + 10 * dayMs ? 'v1' : 'v2'),
      }),
    );
    run(state, samples, start, start + 10 * dayMs);
    let last = null;
    for (let pane = start + 10 * dayMs; pane < start + 26 * dayMs; pane += hourMs) {
      add(state, samples, pane, pane + hourMs);
      for (const one of state.decide(pane + hourMs, true)) if (one.version === 'v2') last = one;
    }
    expect(baselineOf(state, 'v2')).toBeNull();
    expect(last).toMatchObject({ verdict: 'tested' });
    expect(last!.expected).toBeCloseTo(0.91, 1);
    expect(last!.p).toBeLessThan(1e-6);
  });

  it('are compared with the version before until they have a baseline of their own', () => {
    const state = stateOf(settings);
    const evaluations = run(state, samplesOf(cases), start, start + 24 * dayMs).filter(({ version }) => version === 'v2');
    const before = evaluations.filter(({ windowEndMs }) => day(windowEndMs) > 13 && day(windowEndMs) < 19);
    expect(before.every(({ verdict, expected }) => verdict === 'tested' && expected! > 0.9)).toBe(true);
    expect(opening(before)).not.toBeNull();
    const after = evaluations.filter(({ windowEndMs }) => day(windowEndMs) > 20.5);
    expect(after.every(({ verdict, expected }) => verdict === 'tested' && expected! < 0.85)).toBe(true);
    expect(opening(after)).toBeNull();
  });

  it('that are gone are forgotten, and so are old rows', () => {
    const state = stateOf(settings, []);
    run(state, samplesOf([...cases]), start, start + 24 * dayMs);
    const rows = state.storedRows();
    for (let pane = start + 24 * dayMs; pane < start + 80 * dayMs; pane += hourMs) state.decide(pane + hourMs);
    expect(rows).toBe(cases.length);
    expect(state.storedRows()).toBe(0);
    expect(state.baselineFact().versions.map(({ version }) => version)).toEqual(['v2']);
  });
});

describe('a restart', () => {
  const settings = settingsWith(
    { scalesMs: [dayMs, 2 * dayMs], horizonMs: 3 * dayMs, minLabels: 30 },
    { baseline: { kind: 'first', durationMs: 3 * dayMs } },
  );
  const endMs = start + 22 * dayMs;
  const cases = traffic({
    days: 22,
    perHour: 12,
    delayMs: (random) => 3 * dayMs * random.next() ** 2,
    accuracy: (timeMs) => (timeMs < start + 15 * dayMs ? 0.9 : 0.75),
    version: (timeMs) => (timeMs < start + 8 * dayMs ? 'v1' : timeMs < start + 9 * dayMs ? 'v2' : 'v3'),
  });
  // Some ids come again, within and after the horizon; samples are cut.
  const again = cases.filter((_, at) => at % 9 === 0).map((one, at) => ({ ...one, timeMs: one.timeMs + (at % 8) * dayMs, labels: [] }));
  const all = [...cases, ...again].filter(({ timeMs }) => timeMs < endMs).sort((a, b) => a.timeMs - b.timeMs);
  const samples = samplesOf(all, { predictions: 12, feedback: 10 });
  const fresh = (): PerformanceState => stateOf(settings, ['country']);
  const straight = run(fresh(), samples, start, endMs);

  function restarted(cuts: readonly number[], ahead = 0): PerformanceEvaluation[] {
    const evaluations: PerformanceEvaluation[] = [];
    let state = fresh();
    let at = start;
    for (const cut of [...cuts, endMs]) {
      evaluations.push(...run(state, samples, at, cut));
      if (cut === endMs) break;
      const fact: unknown = JSON.parse(JSON.stringify(state.baselineFact()));
      const neededFromMs = Math.max(start, state.neededFromMs());
      state = fresh();
      add(state, samples, neededFromMs, cut);
      for (let pane = cut; pane < cut + ahead * hourMs; pane += hourMs) {
        for (const [version, sample] of samples.predictions.get(pane) ?? []) state.addPredictions(pane, version, sample);
      }
      state.restoreBaseline(fact);
      at = cut;
    }
    expect(JSON.stringify(state.baselineFact())).toBe(finalFact);
    return evaluations;
  }
  const finalFact = ((): string => {
    const state = fresh();
    run(state, samples, start, endMs);
    return JSON.stringify(state.baselineFact());
  })();

  it('at any points goes on with the same bits', () => {
    expect(straight.some(({ verdict, p }) => verdict === 'tested' && p! < 1e-3)).toBe(true);
    expect(new Set(straight.map(({ version }) => version))).toEqual(new Set(['v1', 'v2', 'v3']));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 22 * 24 - 1 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 5 }),
        (hours, ahead) => {
          const cuts = hours.sort((a, b) => a - b).map((hour) => start + hour * hourMs);
          expect(restarted(cuts, ahead)).toEqual(straight);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('needs only what is not too old', () => {
    const state = fresh();
    run(state, samples, start, endMs);
    expect(day(state.neededFromMs())).toBeGreaterThan(9);
  });

  it('refuses a fact that it cannot read', () => {
    const good = JSON.stringify(stateWithBaseline());
    expect(() => fresh().restoreBaseline(JSON.parse(good))).not.toThrow();
    for (const bad of [
      null,
      {},
      { decidedMs: 1 },
      { decidedMs: null, versions: [{}] },
      JSON.parse(good.replace('"count"', '"other"')),
      JSON.parse(good.replace(/"s2":[^,]+/, '"s2":"much"')),
    ]) {
      expect(() => fresh().restoreBaseline(bad)).toThrow(InputError);
    }
  });

  function stateWithBaseline(): unknown {
    const state = fresh();
    run(state, samples, start, start + 8 * dayMs);
    expect(baselineOf(state)).not.toBeNull();
    return state.baselineFact();
  }
});
