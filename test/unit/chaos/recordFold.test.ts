import { beforeAll, describe, expect, it } from 'vitest';
import { type FactSubject, factKey, parseFactKey } from '../../../src/core/detect/fact.ts';
import { hourMs, minuteMs } from '../../../src/core/duration.ts';
import { type ChaosPlan, type ChaosTraffic, planTraffic } from '../../chaos/chaosTraffic.ts';
import type { TappedFact } from '../../chaos/historyTap.ts';
import { sumTallies, tallyRecords } from '../../chaos/recordFold.ts';
import { referenceOf } from '../../simulation/reference.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings } from '../../support/settings.ts';

const settings = coreSettings({
  window: { hopMs: 10 * minuteMs, scalesMs: [2 * hourMs], idleAfterMs: 1_000 * hourMs },
  defaults: modelSettings({
    baseline: { kind: 'first', durationMs: 24 * hourMs },
    performance: { scalesMs: [4 * hourMs], minLabels: 50, minDrop: 0.02, horizonMs: 3 * hourMs, absent: 'unknown' },
  }),
});

let plan: ChaosPlan;
let decided: TappedFact[];

/** All facts that one pass over this traffic writes. */
function factsOf(traffic: ChaosTraffic): TappedFact[] {
  const { facts } = referenceOf({ settings, traffic, leadingGap: plan.leadingGap });
  return [...facts].flatMap(([key, value]) => {
    const subject = parseFactKey(key);
    return subject === null ? [] : [{ key, subject, values: [Buffer.from(value)] }];
  });
}

function tally(traffic: ChaosTraffic, facts: readonly TappedFact[]) {
  const { leadingGap, settledMs } = plan;
  return tallyRecords({ settings, traffic, leadingGap, topic: 'predictions', models: ['fraud', 'churn'], untilMs: settledMs }, facts);
}

function without<R>(partitions: readonly (readonly R[])[], isGone: (record: R) => boolean): R[][] {
  return partitions.map((records) => records.filter((record) => !isGone(record)));
}

beforeAll(() => {
  plan = planTraffic(new Random(3), 1);
  decided = factsOf(plan.traffic);
});

describe('The three figures of a chaos run', () => {
  it('are 0 for what one pass decides, over records of every kind', () => {
    const tallies = tally(plan.traffic, decided);
    expect(sumTallies(tallies)).toMatchObject({ missing: 0, extra: 0, doubled: 0 });
    expect(tallies.predictions.expected).toBeGreaterThan(9_000);
    expect(Math.min(tallies.late.expected, tallies.invalid.expected, tallies.labels.expected)).toBeGreaterThan(30);
  });

  it('count a record that was not summarized as missing, and one that is not in the topic as extra', () => {
    const victim = plan.traffic.predictions[4]?.find(({ invalid }, index) => index > 200 && invalid === null);
    const fewer = { ...plan.traffic, predictions: without(plan.traffic.predictions, (one) => one.record.id === victim?.record.id) };
    expect(tally(plan.traffic, factsOf(fewer)).predictions).toMatchObject({ missing: 1, extra: 0, doubled: 0 });
    expect(tally(fewer, decided).predictions).toMatchObject({ missing: 0, extra: 1, doubled: 0 });
  });

  it('count a record that was summarized twice as doubled', () => {
    const predictions = plan.traffic.predictions.map((records, partition) =>
      records.flatMap((one, index) => (partition === 7 && index === 300 ? [one, one] : [one])),
    );
    const twice = factsOf({ ...plan.traffic, predictions });
    const { predictions: valid, late, invalid } = tally(plan.traffic, twice);
    expect([valid, late, invalid].map(({ doubled }) => doubled).reduce((sum, doubled) => sum + doubled)).toBe(1);
    expect([valid, late, invalid].every(({ missing, extra }) => missing === 0 && extra === 0)).toBe(true);
  });

  it('count a lost pane as missing with every record in it', () => {
    const lost: FactSubject = {
      fact: 'node',
      model: 'fraud',
      cell: { version: '7', segment: null },
      stepMs: 600_000,
      endMs: decidedEnd(),
      part: 0,
    };
    const samples = (fact: TappedFact) =>
      fact.subject.fact === 'predictions' && fact.subject.model === 'fraud' && fact.subject.endMs === decidedEnd();
    const rest = decided.filter((fact) => fact.key !== factKey(lost) && !samples(fact));
    expect(tally(plan.traffic, rest).predictions.missing).toBeGreaterThan(5);
  });

  it('count an invalid record and a label that are gone, each as that', () => {
    const isBroken = ({ invalid }: { readonly invalid: string | null }) => invalid === 'not-json';
    const broken = plan.traffic.predictions.flat().filter(isBroken).length;
    const tidy = { ...plan.traffic, predictions: without(plan.traffic.predictions, isBroken) };
    expect(tally(plan.traffic, factsOf(tidy)).invalid).toMatchObject({ missing: broken, extra: 0, doubled: 0 });

    const label = plan.traffic.feedback[2]?.find(({ invalid, record }, index) => index > 100 && invalid === null && record.model === '*');
    // In its place something else, so that the offsets of the others stay.
    const feedback = plan.traffic.feedback.map((records) => records.map((one) => (one === label ? { ...one, raw: '{}' } : one)));
    // It serves two models.
    expect(tally(plan.traffic, factsOf({ ...plan.traffic, feedback })).labels.missing).toBe(2);
  });
});

/** End of some pane in the middle of the first version. */
function decidedEnd(): number {
  const node = decided.find(({ subject }) => subject.fact === 'node' && subject.endMs > Date.UTC(2026, 2, 1, 10));
  return node !== undefined && 'endMs' in node.subject ? node.subject.endMs : 0;
}
