import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelJoin } from '../../../src/core/performance/labelJoin.ts';
import { hashId } from '../../../src/core/sketch/hash.ts';
import type { Case } from './stream.ts';
import { dayMs, hopMs, hourMs, paneOf, samplesOf, start } from './stream.ts';

const horizonMs = 14 * dayMs;

function joinOf(rowsPerPane = 65_536, latenessMs = hourMs): LabelJoin {
  return new LabelJoin({ hopMs, latenessMs, horizonMs, segmentNames: 1, rowsPerPane });
}

/** Adds everything: predictions and feedback of a pane in turn, or feedback in the order given. */
function fill(join: LabelJoin, cases: readonly Case[], order?: readonly number[]): LabelJoin {
  const { predictions, feedback } = samplesOf(cases);
  const panes = [...new Set([...predictions.keys(), ...feedback.keys()])].sort((a, b) => a - b);
  for (const pane of panes) {
    for (const [version, sample] of predictions.get(pane) ?? []) join.addPredictions(pane, version, sample);
    if (order === undefined && feedback.has(pane)) join.addFeedback(pane, feedback.get(pane)!);
  }
  for (const pane of order ?? []) if (feedback.has(pane)) join.addFeedback(pane, feedback.get(pane)!);
  return join;
}

/** What became of every row, in words: the observable state of the join. */
function rowsOf(join: LabelJoin, version = 'v1'): string[] {
  return (join.cohort(version)?.panes(start - 100 * dayMs, start + 100 * dayMs) ?? []).flatMap((pane) =>
    Array.from({ length: pane.length }, (_, row) =>
      [
        pane.timeMs(row) - start,
        pane.counts(row),
        pane.isCorrect(row),
        pane.absoluteError(row),
        pane.delayMs(row),
        pane.pairWeight(row),
      ].join(' '),
    ),
  );
}

const one = (overrides: Partial<Case> = {}): Case => ({ id: 'a', timeMs: start, prediction: 1, labels: [], ...overrides });
const correctness = (cases: readonly Case[]): number => fill(joinOf(), cases).cohort('v1')!.pane(paneOf(start))!.isCorrect(0);

describe('a label and a prediction', () => {
  it('are equal by canonical text', () => {
    const label = (value: number | string): Case['labels'] => [{ arrivalMs: start + hourMs, label: value }];
    expect(correctness([one({ prediction: 1, labels: label('1') })])).toBe(1);
    expect(correctness([one({ prediction: 'true', labels: label('true') })])).toBe(1);
    expect(correctness([one({ prediction: 1, labels: label('true') })])).toBe(0);
    expect(correctness([one({ prediction: 1, labels: label('1.0') })])).toBe(0);
    expect(correctness([one({ prediction: 1, labels: label('') })])).toBe(0);
    expect(correctness([one({ prediction: 'NaN', labels: label('NaN') })])).toBe(1);
  });

  it('differ as numbers by their absolute error, where both are numbers', () => {
    const errorOf = (prediction: number | string, label: number | string): number =>
      fill(joinOf(), [one({ prediction, labels: [{ arrivalMs: start + hourMs, label }] })])
        .cohort('v1')!
        .pane(start)!
        .absoluteError(0);
    expect(errorOf(10, 7.5)).toBe(2.5);
    expect(errorOf(10, '12.50')).toBe(2.5);
    expect(errorOf(10, 'late')).toBeNaN();
    expect(errorOf(10, ' ')).toBeNaN();
  });

  it('that came inline has no delay, and a later label replaces it', () => {
    expect(correctness([one({ inline: 1 })])).toBe(1);
    expect(
      fill(joinOf(), [one({ inline: 1 })])
        .cohort('v1')!
        .pane(start)!
        .delayMs(0),
    ).toBe(0);
    expect(correctness([one({ inline: 1, labels: [{ arrivalMs: start + hourMs, label: 0 }] })])).toBe(0);
  });
});

describe('of several labels of an id', () => {
  it('the last by (label time, partition, offset) wins, in whatever order they arrive', () => {
    const arrivalMs = start + 5 * hourMs;
    const stale = { arrivalMs: arrivalMs + 9 * hourMs, timeMs: start + hourMs, label: 0 };
    expect(correctness([one({ labels: [{ arrivalMs, timeMs: start + 2 * hourMs, label: 1 }, stale] })])).toBe(1);
    const same = { timeMs: start + hourMs, label: 0 };
    expect(
      correctness([
        one({
          labels: [
            { ...same, arrivalMs, partition: 2, label: 1 },
            { ...same, arrivalMs: arrivalMs + hourMs, partition: 1 },
          ],
        }),
      ]),
    ).toBe(1);
    expect(
      correctness([
        one({
          labels: [
            { ...same, arrivalMs, label: 0 },
            { ...same, arrivalMs: arrivalMs + hourMs, label: 1 },
          ],
        }),
      ]),
    ).toBe(1);
  });
});

describe('of several predictions of an id', () => {
  const label = { arrivalMs: start + 2 * dayMs, label: 1 };

  it('the first counts, over panes too', () => {
    const join = fill(joinOf(), [one({ labels: [label] }), one({ timeMs: start + 9 * hourMs, prediction: 0 })]);
    expect(join.cohort('v1')!.pane(start)!.counts(0)).toBe(true);
    expect(
      join
        .cohort('v1')!
        .pane(start + 9 * hourMs)!
        .counts(0),
    ).toBe(false);
  });

  it('those of two versions count each', () => {
    const join = fill(joinOf(), [one({ labels: [label] }), one({ version: 'v2', prediction: 0 })]);
    expect(join.cohort('v1')!.pane(start)!.isCorrect(0)).toBe(1);
    expect(join.cohort('v2')!.pane(start)!.isCorrect(0)).toBe(0);
  });

  it('an id that comes again after the horizon is a new one', () => {
    const again = start + horizonMs + hopMs;
    expect(
      fill(joinOf(), [one(), one({ timeMs: again })])
        .cohort('v1')!
        .pane(again)!
        .counts(0),
    ).toBe(true);
  });
});

describe('a label without a prediction', () => {
  it('is tried again for the lateness, and then counted', () => {
    const early = [{ arrivalMs: start, label: 1 }];
    expect(correctness([one({ labels: early })])).toBe(1);
    const inTime = fill(joinOf(), [one({ timeMs: start + hourMs, labels: early }), one({ id: 'b', timeMs: start + 5 * hourMs })]);
    expect(
      inTime
        .cohort('v1')!
        .pane(start + hourMs)!
        .isCorrect(0),
    ).toBe(1);
    expect(inTime.counts).toMatchObject({ joined: 1, unmatched: 0 });
    const tooLate = fill(joinOf(), [one({ timeMs: start + 2 * hourMs, labels: early }), one({ id: 'b', timeMs: start + 5 * hourMs })]);
    expect(
      tooLate
        .cohort('v1')!
        .pane(start + 2 * hourMs)!
        .isCorrect(0),
    ).toBeNaN();
    expect(tooLate.counts).toMatchObject({ joined: 0, unmatched: 1 });
  });

  it('is ignored and counted after the horizon', () => {
    const at = (arrivalMs: number): LabelJoin => {
      const join = fill(joinOf(), [one({ labels: [{ arrivalMs, label: 1 }] })]);
      join.settleBefore(arrivalMs + dayMs);
      return join;
    };
    expect(at(start + horizonMs).counts).toMatchObject({ joined: 1, unmatched: 0 });
    expect(at(start + horizonMs + hopMs).counts).toMatchObject({ joined: 0, unmatched: 1 });
    expect(rowsOf(at(start + horizonMs + hopMs))[0]).toContain('NaN');
  });
});

describe('the join', () => {
  const caseOf = fc.record({
    id: fc.integer({ min: 0, max: 25 }),
    at: fc.integer({ min: 0, max: 40 }),
    prediction: fc.integer({ min: 0, max: 2 }),
  });
  const labelOf = fc.record({
    arrival: fc.integer({ min: 0, max: 60 }),
    time: fc.integer({ min: 0, max: 5 }),
    partition: fc.integer({ min: 0, max: 2 }),
    label: fc.integer({ min: 0, max: 2 }),
    id: fc.integer({ min: 0, max: 25 }),
  });

  it('is the same whatever the order in which the panes of arrival are added', () => {
    fc.assert(
      fc.property(
        fc.array(caseOf, { maxLength: 40 }),
        fc.array(labelOf, { maxLength: 40 }),
        fc.infiniteStream(fc.nat()),
        (predictions, labels, shuffle) => {
          const cases: Case[] = [
            ...predictions.map(({ id, at, prediction }) => one({ id: `${id}`, timeMs: start + at * hourMs, prediction })),
          ];
          // Labels belong to ids, not to records: hang each on a record of its own that has no prediction pane of its own.
          const labelled = labels.map(({ id, arrival, time, partition, label }) => ({
            id,
            arrivalMs: start + arrival * hourMs,
            timeMs: start + time,
            partition,
            label,
          }));
          const withLabels = cases.map((each, at) => ({
            ...each,
            labels: at === cases.findIndex(({ id }) => id === each.id) ? labelled.filter(({ id }) => `${id}` === each.id) : [],
          }));
          const panes = [...new Set(labelled.map(({ arrivalMs }) => arrivalMs))];
          const order = panes.map((pane) => ({ pane, key: shuffle.next().value })).sort((a, b) => a.key - b.key);
          const inTurn = rowsOf(fill(joinOf(), withLabels));
          expect(
            rowsOf(
              fill(
                joinOf(),
                withLabels,
                order.map(({ pane }) => pane),
              ),
            ),
          ).toEqual(inTurn);
        },
      ),
    );
  });

  it('keeps the hashes of stripped panes, so that a later record of the id is still none', () => {
    const join = fill(joinOf(), [one()]);
    join.expire('v1', start + hopMs, start);
    fill(join, [one({ timeMs: start + 3 * dayMs })]);
    expect(
      join
        .cohort('v1')!
        .pane(start + 3 * dayMs)!
        .counts(0),
    ).toBe(false);
    join.expire('v1', start + 4 * dayMs, start + 4 * dayMs);
    expect(join.cohort('v1')).toBeUndefined();
  });
});

describe('the byte budget', () => {
  const cases = (version: string, rows: number): Case[] =>
    Array.from({ length: rows }, (_, id) => one({ id: `${version}-${id}`, version }));
  const lengths = (join: LabelJoin): number[] => ['v1', 'v2', 'v3'].flatMap((version) => join.cohort(version)?.pane(start)?.length ?? []);

  it('leaves what fits as it is, with the weight 1', () => {
    const join = fill(joinOf(100), [...cases('v1', 60), ...cases('v2', 40)]);
    expect(lengths(join)).toEqual([60, 40]);
    expect(join.cohort('v1')!.pane(start)!.share).toBe(1);
  });

  it('is shared fairly by the versions of a pane, whichever comes first', () => {
    const versions = [cases('v1', 200), cases('v2', 10), cases('v3', 90)];
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const join = fill(
        joinOf(100),
        order.flatMap((at) => versions[at]!),
      );
      expect(lengths(join)).toEqual([45, 10, 45]);
      expect(join.counts.cut).toBe(200);
    }
  });

  it('keeps the smallest hashes, and the first that was cut is the threshold', () => {
    const pane = fill(joinOf(50), cases('v1', 400)).cohort('v1')!.pane(start)!;
    const hashes = cases('v1', 400)
      .map(({ id }) => hashId(id))
      .map(({ high }) => high)
      .sort((a, b) => a - b);
    expect([...pane.high]).toEqual(hashes.slice(0, 50));
    expect(pane.share).toBeCloseTo(hashes[50]! / 2 ** 32, 8);
  });
});
