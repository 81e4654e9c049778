import { describe, expect, it } from 'vitest';
import { Detector } from '../../../src/core/detect/detector.ts';
import { FactMap, restoreDetector } from '../../../src/core/detect/restore.ts';
import type { Step } from '../../../src/core/detect/step.ts';
import type { EvaluationRecord, EventRecord } from '../../../src/core/incident/event.ts';
import type { PredictionRecord } from '../../../src/core/record/record.ts';
import type { CoreSettings } from '../../../src/core/settings.ts';
import { anyModel, type IdleRecord, type PartialsMessage } from '../../../src/core/summarize/messages.ts';
import { command } from '../../support/commands.ts';
import { partialsOf } from '../../support/partialsOf.ts';
import { Random } from '../../support/random.ts';
import { coreSettings, modelSettings, topicSource } from '../../support/settings.ts';
import { type SourceRecord, syntheticTraffic, type Traffic, type TrafficOptions } from '../../support/syntheticTraffic.ts';

const minute = 60_000;
const hour = 3_600_000;
const day = 24 * hour;
const zero = Date.UTC(2026, 2, 1);

function settingsOf(change: Parameters<typeof coreSettings>[0] = {}, baselineDays = 2): CoreSettings {
  return coreSettings({
    feedback: [],
    defaults: modelSettings({ baseline: { kind: 'first', durationMs: baselineDays * day } }),
    ...change,
    window: { hopMs: hour, scalesMs: [12 * hour], latenessMs: 0, ...change.window },
  });
}

function trafficOf(change: Partial<TrafficOptions> = {}): Traffic {
  return syntheticTraffic({
    random: new Random(5),
    startMs: zero,
    hours: 96,
    rowsPerHour: 60,
    predictionPartitions: 2,
    feedbackPartitions: 0,
    shiftAtHour: 78,
    ...change,
  });
}

/** The same traffic at another time. */
function later(traffic: Traffic, byMs: number, change: (record: PredictionRecord) => PredictionRecord = (record) => record): Traffic {
  return {
    feedback: [],
    predictions: traffic.predictions.map((records) =>
      records.map(({ record, timestampMs }) => ({
        timestampMs: timestampMs + byMs,
        record: change({ ...record, id: `${record.id}+${byMs}`, timeMs: record.timeMs + byMs }),
      })),
    ),
  };
}

function together(...parts: readonly Traffic[]): Traffic {
  const [first] = parts;
  return { feedback: [], predictions: (first?.predictions ?? []).map((_, at) => parts.flatMap((part) => part.predictions[at] ?? [])) };
}

interface Outcome {
  readonly detector: Detector;
  readonly events: EventRecord[];
  readonly evaluations: EvaluationRecord[];
  readonly facts: FactMap;
  readonly steps: Step[];
}

function decide(settings: CoreSettings, messages: readonly PartialsMessage[]): Outcome {
  const outcome: Outcome = { detector: new Detector(settings), events: [], evaluations: [], facts: new FactMap(), steps: [] };
  for (const [offset, message] of messages.entries()) {
    const step = outcome.detector.take(message, offset);
    if (step === null) continue;
    outcome.steps.push(step);
    outcome.events.push(...step.events);
    outcome.evaluations.push(...step.evaluations);
    for (const fact of [...step.facts, step.decided, ...step.tombstones]) outcome.facts.put(fact.key, fact.value);
  }
  return outcome;
}

function decideTraffic(settings: CoreSettings, traffic: Traffic, seed = 6): Outcome {
  return decide(settings, partialsOf(settings, traffic, new Random(seed)));
}

const stepsOf = (events: readonly EventRecord[]) => events.map((event) => `${event.kind} ${event.step}`);
const idle = (partition: number, idleForMs: number): IdleRecord => ({
  type: 'idle',
  source: { role: 'predictions', topic: 'predictions', partition },
  position: 1e6,
  idleForMs,
  watermarkMs: null,
  partitions: 2,
});

describe('the end of files', () => {
  it('decides every pane up to the last event time and nothing after it', () => {
    const { detector, steps, events } = decideTraffic(settingsOf(), trafficOf());
    expect(steps.at(-1)?.dataEndMs).toBe(zero + 96 * hour);
    expect(steps.reduce((sum, step) => sum + step.dataPanes, 0)).toBe(96);
    expect(events.every((event) => event.exact)).toBe(true);
    expect(detector.openIncidents()).toEqual([{ model: 'fraud', kinds: ['quality', 'drift'] }]);
    expect(detector.commitOffset(1_000_000)).toBe(1_000_000);
  });
});

describe('a topic that falls silent', () => {
  const settings = settingsOf({ window: { silenceAfterMs: 2 * hour } });
  const messages = partialsOf(settings, trafficOf(), new Random(6), false);
  const silence = (hours: number) => [0, 1].map((partition) => idle(partition, hours * hour));

  it('stands still for silenceAfter', () => {
    const { steps } = decide(settings, [...messages, ...silence(1), ...silence(2)]);
    expect(steps.at(-1)?.dataEndMs).toBeLessThanOrEqual(zero + 96 * hour);
  });

  it('is noticed: incidents do not recover for want of data, they end after a day without', () => {
    const hours = Array.from({ length: 30 }, (_, index) => silence(2 + index)).flat();
    const { events } = decide(settings, [...messages, ...hours]);
    const after = events.filter((event) => Date.parse(event.windowEnd) > zero + 97 * hour);
    expect(stepsOf(after).filter((step) => step.endsWith('recovered'))).toEqual([]);
    expect(
      stepsOf(after)
        .filter((step) => step.endsWith('ended'))
        .sort(),
    ).toEqual(['drift ended', 'quality ended']);
    expect(after.at(-1)?.summary).toMatch(/^Ended after .*: no data for a day/);
    expect(after.every((event) => !event.exact && event.inexactReasons.includes('idle'))).toBe(true);
  });
});

describe("a year's gap", () => {
  it('is stepped over at once, and the frozen baseline serves after it', () => {
    const first = trafficOf({ hours: 72, shiftAtHour: 1_000 });
    const second = later(trafficOf({ hours: 30, shiftAtHour: 12, random: new Random(9) }), 365 * day);
    const { steps, events } = decideTraffic(settingsOf(), together(first, second));
    expect(steps.reduce((sum, step) => sum + step.dataPanes, 0)).toBeLessThan(72 + 30 + 60);
    expect(events.filter((event) => event.step === 'opened').map((event) => event.start > '2027-03-01')).toEqual([true, true]);
  });

  it('makes a baseline that was not complete start anew', () => {
    const first = trafficOf({ hours: 30, shiftAtHour: 1_000 });
    const second = later(trafficOf({ hours: 80, shiftAtHour: 1_000 }), 365 * day);
    const { evaluations } = decideTraffic(settingsOf({}, 3), together(first, second));
    const tested = evaluations.filter((one) => one.verdict === 'ok' || one.verdict === 'drift');
    const after = tested.filter((one) => one.windowEnd >= new Date(zero + 365 * day).toISOString());
    expect(after.every((one) => one.windowStart >= new Date(zero + 366 * day).toISOString())).toBe(true);
    expect(after.length).toBeGreaterThan(0);
  });
});

describe('a gap in what was summarized', () => {
  it('marks what was decided of the stretch as not exact', () => {
    const settings = settingsOf();
    const messages = partialsOf(settings, trafficOf(), new Random(6)).map((message): PartialsMessage => {
      const isGap =
        message.type === 'watermark' &&
        message.source.partition === 1 &&
        message.watermarkMs >= zero + 80 * hour &&
        message.watermarkMs < zero + 82 * hour;
      return isGap ? { ...message, previous: message.previous + 1 } : message;
    });
    const { events, detector } = decide(settings, messages);
    expect(detector.counts.gaps).toBeGreaterThan(0);
    expect(events.length).toBeGreaterThan(0);
    expect(events.every((event) => event.inexactReasons.includes('gap'))).toBe(true);
  });

  it.each(['predictions', 'feedback'] as const)('before the reading of %s began concerns what is decided of them', (role) => {
    const settings = settingsOf({ feedback: [topicSource('feedback')] });
    const messages = partialsOf(settings, trafficOf({ feedbackPartitions: 1 }), new Random(6)).map((message): PartialsMessage => {
      const isFirst = message.type === 'watermark' && message.previous === 0 && message.source.role === role;
      return isFirst ? { ...message, unknownUntilMs: zero + 96 * hour } : message;
    });
    const { events } = decide(settings, messages);
    expect(events.some(({ kind }) => kind === 'drift')).toBe(true);
    for (const { kind, inexactReasons } of events)
      expect([kind, inexactReasons]).toEqual([kind, role === 'predictions' || kind === 'performance' ? ['gap'] : []]);
  });
});

describe('labels of a feedback topic', () => {
  const labelled = (feedback: readonly string[] | null): CoreSettings =>
    settingsOf({
      predictions: [{ topic: 'predictions', format: 'json', model: null, feedback }],
      feedback: [topicSource('feedback')],
      defaults: modelSettings({
        baseline: { kind: 'first', durationMs: 2 * day },
        performance: { scalesMs: [12 * hour], minLabels: 50, minDrop: 0.02, horizonMs: day, absent: 'unknown' },
      }),
    });
  const metricsUnder = (settings: CoreSettings): Set<string> => {
    const traffic = trafficOf({ feedbackPartitions: 1 });
    const { evaluations } = decide(settings, partialsOf(settings, traffic, new Random(3)));
    return new Set(evaluations.filter((one) => one.kind === 'performance' && one.verdict !== 'learning').map((one) => one.series));
  };

  it('are joined with the predictions that name the topic, or none, and with no others', () => {
    expect(metricsUnder(labelled(null))).toEqual(new Set(['accuracy']));
    expect(metricsUnder(labelled(['feedback']))).toEqual(new Set(['accuracy']));
    expect(metricsUnder(labelled(['another']))).toEqual(new Set());
  });
});

describe('a change of what cells mean, or of the partitions', () => {
  it('marks the windows that hold panes of both meanings', () => {
    const changedAtMs = zero + 76 * hour;
    const messages = partialsOf(settingsOf(), trafficOf(), new Random(3)).map((message) =>
      message.type === 'partial' && message.paneMs !== null && message.paneMs >= changedAtMs
        ? { ...message, configHash: 'another' }
        : message,
    );
    const { events } = decide(settingsOf(), messages);
    const touched = events.filter((event) => Date.parse(event.windowStart) <= changedAtMs && Date.parse(event.windowEnd) > changedAtMs);
    expect(touched.length).toBeGreaterThan(0);
    expect(touched.every((event) => !event.exact && event.inexactReasons.includes('config-change'))).toBe(true);
    const others = events.filter((event) => !touched.includes(event));
    expect(others.every((event) => event.exact)).toBe(true);
  });

  it('opens nothing for a feature that is ignored from now on, although the baseline has it', () => {
    const traffic = trafficOf({ shiftAtHour: 1_000 });
    const before = settingsOf();
    const after = settingsOf({ defaults: { ...before.defaults, ignore: ['age', 'country'] } });
    const old = partialsOf(before, traffic, new Random(3));
    const changed = partialsOf(after, traffic, new Random(3));
    const at = Math.floor(old.length * 0.8);
    const { facts } = decide(before, old.slice(0, at));
    const { detector } = restoreDetector(after, facts);
    const steps = [...old.slice(0, at), ...changed.slice(at)].map((message, offset) => detector.take(message, offset));
    const evaluations = steps.flatMap((step) => step?.evaluations ?? []);
    expect(steps.flatMap((step) => step?.events ?? [])).toEqual([]);
    expect(detector.counts.changedPanes).toBeGreaterThan(0);
    const tested = evaluations.filter(({ verdict }) => verdict !== 'insufficient' && verdict !== 'learning');
    expect(new Set(tested.map(({ series }) => series))).toEqual(new Set(['amount', 'invalid', 'late', 'prediction', 'score']));
  });

  it('takes no partial whose panes have another length, and no facts of such panes', () => {
    const messages = partialsOf(settingsOf(), trafficOf({ hours: 3 }), new Random(3));
    const other = settingsOf({ window: { hopMs: hour / 2 } });
    expect(() => decide(other, messages)).toThrow(/a partial of predictions\/[01] has panes of 1h, window\.hop is 30m here/);
    const { facts } = decide(settingsOf(), messages);
    expect(() => restoreDetector(other, facts)).toThrow(/^window\.hop: is 30m, but the panes of group "tidemark" are 1h long/);
  });

  it('marks the windows in which a partition became known', () => {
    const addedAtMs = zero + 76 * hour;
    const traffic = trafficOf();
    const [first = [], second = []] = traffic.predictions;
    const grown: Traffic = { feedback: [], predictions: [first, second.filter(({ record }) => record.timeMs >= addedAtMs)] };
    const messages = partialsOf(settingsOf(), grown, new Random(3));
    const isEarly = (message: PartialsMessage): boolean =>
      message.type !== 'command' &&
      message.source.partition === 0 &&
      (message.type === 'partial' ? message.paneMs !== null && message.paneMs < addedAtMs : (message.watermarkMs ?? 0) <= addedAtMs);
    const early = messages
      .filter(isEarly)
      .map((message) => (message.type === 'partial' || message.type === 'command' ? message : { ...message, partitions: 1 }));
    const { events } = decide(settingsOf(), [...early, ...messages.filter((message) => !isEarly(message))]);
    const touched = events.filter((event) => Date.parse(event.windowStart) < addedAtMs && Date.parse(event.windowEnd) > addedAtMs + hour);
    expect(touched.length).toBeGreaterThan(0);
    expect(touched.every((event) => event.inexactReasons.includes('new-partition'))).toBe(true);
  });
});

describe('partials of a decided pane', () => {
  it('are counted and change nothing', () => {
    const settings = settingsOf();
    const messages = partialsOf(settings, trafficOf(), new Random(6));
    const late = messages.filter((message) => message.type === 'partial').slice(0, 5);
    const { detector, steps } = decide(settings, messages);
    const before = detector.counts.latePartials;
    for (const message of late) expect(detector.take(message, 1e6)).toBeNull();
    expect(detector.counts.latePartials).toBe(before + late.filter((message) => message.paneMs !== null).length);
    expect(steps.length).toBeGreaterThan(0);
  });
});

describe('the source log, split over more partitions', () => {
  const settings = settingsOf();
  const whole = trafficOf({ predictionPartitions: 1 });
  const split: Traffic = {
    feedback: [],
    predictions: [0, 1, 2, 3, 4].map((partition) => (whole.predictions[0] ?? []).filter((_, row) => (row * 7) % 5 === partition)),
  };
  it('gives the same decided rows and nearly the same p', () => {
    const relaxed = { ...settings, window: { ...settings.window, latenessMs: hour } };
    const one = decideTraffic(relaxed, whole).evaluations;
    const many = decideTraffic(relaxed, split).evaluations;
    const keyOf = (each: EvaluationRecord) =>
      JSON.stringify([each.model, each.version, each.segment, each.series, each.scale, each.windowEnd]);
    const others = new Map(many.map((each) => [keyOf(each), each]));
    expect(others.size).toBe(one.length);
    let compared = 0;
    for (const each of one) {
      const other = others.get(keyOf(each));
      expect([other?.verdict, other?.n]).toEqual([each.verdict, each.n]);
      if (each.p === null || other?.p === undefined || other.p === null) continue;
      compared++;
      // Digests of few rows are exact: what differs is the order in which sums are added.
      expect(Math.abs(Math.log(Math.max(other.p, 1e-300) / Math.max(each.p, 1e-300)))).toBeLessThan(0.7);
    }
    expect(compared).toBeGreaterThan(100);
  });
});

describe('any hop and any list of scales', () => {
  it.each([
    ['one scale, hop = unit', { hopMs: hour, scalesMs: [12 * hour] }, {}],
    ['hop of one minute', { hopMs: minute, scalesMs: [12 * minute] }, { hours: 54, rowsPerHour: 400, shiftAtHour: 50 }],
    ['hop of a day', { hopMs: 6 * hour, scalesMs: [72 * hour] }, { hours: 20 * 24, rowsPerHour: 8, shiftAtHour: 16 * 24 }],
  ])('%s finds the shift and nothing before it', (_name, window, traffic) => {
    const settings = settingsOf({ window }, window.scalesMs[0] === 72 * hour ? 10 : 2);
    const { events } = decideTraffic(settings, trafficOf({ ...traffic, models: ['fraud'] }));
    const opened = events.filter((event) => event.step === 'opened');
    const shiftMs = zero + ((traffic as Partial<TrafficOptions>).shiftAtHour ?? 78) * hour;
    expect(opened.length).toBeGreaterThan(0);
    for (const event of opened) {
      expect(Date.parse(event.start)).toBeGreaterThan(shiftMs);
      expect(Date.parse(event.start)).toBeLessThan(shiftMs + 2 * (window.scalesMs[0] ?? 0));
    }
  });
});

describe('what went away', () => {
  const kindsOf = (facts: FactMap, model: string) =>
    Object.entries(facts.byKind()).flatMap(([kind, list]) =>
      (list as readonly { subject: object }[]).filter(({ subject }) => 'model' in subject && subject.model === model).map(() => kind),
    );

  it('a model that was there for an hour leaves nothing behind', () => {
    const settings = settingsOf({
      defaults: modelSettings({ performance: { scalesMs: [day], minLabels: 50, minDrop: 0.02, horizonMs: day, absent: 'unknown' } }),
    });
    const junk = later(trafficOf({ hours: 1, shiftAtHour: 1_000, random: new Random(3) }), 10 * hour, (record) => ({
      ...record,
      model: 'junk',
    }));
    const long = trafficOf({ hours: 12 * 24, rowsPerHour: 4, shiftAtHour: 10_000 });
    const merged: Traffic = {
      feedback: [],
      predictions: long.predictions.map((records, at) =>
        [...records, ...(junk.predictions[at] ?? [])].sort((a, b) => a.timestampMs - b.timestampMs),
      ),
    };
    const { facts } = decideTraffic(settings, merged);
    expect(kindsOf(facts, 'fraud').length).toBeGreaterThan(0);
    expect(kindsOf(facts, 'junk')).toEqual([]);
  });

  it('of more versions than the limit, those without data go first, with their facts', () => {
    const settings = settingsOf({ limits: { versionsPerModel: 3 } }, 1);
    const daily = Array.from({ length: 8 }, (_, at) =>
      later(trafficOf({ hours: 24, rowsPerHour: 10, shiftAtHour: 1_000 }), at * day, (record) => ({ ...record, version: `v${at}` })),
    );
    const { facts } = decideTraffic(settings, together(...daily));
    const versions = new Set(
      [...facts.byKind().baseline, ...facts.byKind().node].map(({ subject }) => subject.cell.version).filter((version) => version !== '*'),
    );
    expect([...versions].sort()).toEqual(['v5', 'v6', 'v7']);
  });

  it('values of a segment over the limit keep no facts', () => {
    const settings = settingsOf({
      limits: { valuesPerSegment: 2 },
      defaults: modelSettings({ segments: ['plan'], baseline: { kind: 'first', durationMs: day } }),
    });
    let row = 0;
    const traffic = later(trafficOf({ hours: 40, shiftAtHour: 1_000 }), 0, (record) => ({
      ...record,
      segments: { plan: `p${row++ % 6}` },
    }));
    const { facts } = decideTraffic(settings, traffic);
    const values = new Set(
      [...facts.byKind().node, ...facts.byKind().reference].flatMap(({ subject: { cell } }) =>
        cell.segment === null ? [] : [cell.segment[1]],
      ),
    );
    expect(values.size).toBe(2);
  });

  it('facts do not grow with time', () => {
    const performance = { scalesMs: [day], minLabels: 50, minDrop: 0.02, horizonMs: day, absent: 'unknown' } as const;
    const settings = settingsOf({ defaults: modelSettings({ performance, baseline: { kind: 'first', durationMs: day } }) });
    const sizes = [6, 12].map(
      (days) =>
        decideTraffic(settings, trafficOf({ hours: days * 24, rowsPerHour: 10, shiftAtHour: 10_000, models: ['fraud'] })).facts.size,
    );
    // The second half of the traffic is version 8: both have the same versions, nodes and baselines at their ends.
    expect(Math.abs((sizes[1] ?? 0) - (sizes[0] ?? 0))).toBeLessThan(10);
  });
});

describe('a series with too few values in a window', () => {
  it('is insufficient, unless it went missing', () => {
    const settings = settingsOf();
    const sparse = (share: number, fromHour: number) => {
      let row = 0;
      return later(trafficOf({ shiftAtHour: 1_000 }), 0, (record) => {
        const isMissing = record.timeMs >= zero + fromHour * hour && row++ % 100 >= share;
        return { ...record, features: { ...record.features, amount: isMissing ? null : (record.features.amount ?? null) } };
      });
    };
    const always = decideTraffic(settings, sparse(3, 0)).evaluations.filter(
      (one) => one.series === 'amount' && one.windowStart > new Date(zero + 50 * hour).toISOString(),
    );
    expect(new Set(always.map((one) => one.verdict))).toEqual(new Set(['insufficient']));
    const suddenly = decideTraffic(settings, sparse(3, 70));
    expect(suddenly.events.map((event) => `${event.kind} ${event.step} ${event.series[0]?.statistic}`)).toContain('quality opened miss');
  });
});

describe('a change that a person accepts', () => {
  // Ten days after the shift, so that a baseline of two days is learned anew and the shift back is found again.
  const settings = settingsOf();
  const shifted = trafficOf({ hours: 10 * 24 });
  const messages = partialsOf(settings, shifted, new Random(6));
  /** Behind the first message after which an incident of drift is open. */
  const acceptedAt = (() => {
    const detector = new Detector(settings);
    return (
      1 +
      messages.findIndex((message, offset) =>
        detector.take(message, offset)?.events.some(({ kind, step }) => kind === 'drift' && step === 'opened'),
      )
    );
  })();
  const said = [...messages.slice(0, acceptedAt), command('accept'), ...messages.slice(acceptedAt)];

  it('ends its incidents with the reason and who gave it, and opens none of it again', () => {
    const before = decide(settings, messages.slice(0, acceptedAt)).events;
    const { events, detector } = decide(settings, said);
    const open = new Set(before.filter(({ step }) => step === 'opened').map(({ incident }) => incident));
    const after = events.slice(before.length);
    expect(open.size).toBeGreaterThan(0);
    const ends = after.slice(0, open.size);
    for (const end of ends) {
      expect(end).toMatchObject({
        step: 'ended',
        exact: false,
        inexactReasons: ['command'],
        closing: { action: 'accepted', by: 'ada', reason: 'new pricing since Monday' },
      });
      expect(end.summary).toContain('accepted as the new normal by ada: new pricing since Monday');
      expect(open.has(end.incident)).toBe(true);
    }
    expect(after.slice(open.size)).toEqual([]);
    expect(detector.openIncidents()).toEqual([]);
    // Without it the incident lasts.
    expect(decide(settings, messages).detector.openIncidents()).not.toEqual([]);
  });

  it('is learned anew: first nothing is compared, then the new normal is as expected, and leaving it is found', () => {
    const back = later(trafficOf({ random: new Random(9), hours: 24, shiftAtHour: 1_000 }), 10 * day);
    const all = partialsOf(settings, together(shifted, back), new Random(6));
    const { events, evaluations } = decide(settings, [...all.slice(0, acceptedAt), command('accept'), ...all.slice(acceptedAt)]);
    const acceptedMs = Date.parse(events.find(({ closing }) => closing !== undefined)?.windowEnd ?? '');
    const verdicts = (fromMs: number, toMs: number) =>
      new Set(
        evaluations
          .filter(({ model, version }) => model === 'fraud' && version === null)
          .filter(({ windowEnd }) => Date.parse(windowEnd) > fromMs && Date.parse(windowEnd) <= toMs)
          .map(({ verdict }) => verdict),
      );
    expect(verdicts(acceptedMs, acceptedMs + day - hour)).toEqual(new Set(['learning']));
    expect(verdicts(acceptedMs + 4 * day, zero + 10 * day)).toEqual(new Set(['ok']));
    const last = events.at(-1);
    expect(Date.parse(last?.windowEnd ?? '')).toBeGreaterThan(zero + 10 * day);
    expect(last?.chain).not.toBe(events[0]?.chain);
  });

  it('may be performance or drift alone', () => {
    const { events } = decide(settings, [
      ...messages.slice(0, acceptedAt),
      command('accept', { kind: 'performance' }),
      ...messages.slice(acceptedAt),
    ]);
    expect(events.some(({ closing }) => closing !== undefined)).toBe(false);
  });

  it('holds for a model that is there, and for no other', () => {
    const untouched = decide(settings, messages).events;
    expect(
      decide(settings, [...messages.slice(0, acceptedAt), command('accept', { model: 'churn' }), ...messages.slice(acceptedAt)]).events,
    ).toEqual(untouched);
    expect(decide(settings, [command('accept'), ...messages]).events).toEqual(untouched);
  });
});

describe('a step so large that the window which holds both sides of it is first of all too wide', () => {
  it.each([1, 2, 3])('is one incident, which lasts as long as the step (seed %i)', (seed) => {
    const random = new Random(seed);
    const settings = settingsOf({ window: { hopMs: hour / 12, scalesMs: [hour] } });
    const row = (index: number): SourceRecord<PredictionRecord> => {
      const timeMs = zero + Math.floor((index * hour) / 300);
      const hours = (timeMs - zero) / hour;
      const features = { amount: 100 + 10 * random.normal() + (hours >= 60 && hours < 66 ? 70 : 0) };
      const ids = { kind: 'prediction', id: `${index}`, model: 'fraud', version: '7' } as const;
      return { timestampMs: timeMs, record: { ...ids, timeMs, features, prediction: null, score: null, segments: {}, label: null } };
    };
    const records = Array.from({ length: 70 * 300 }, (_, index) => row(index));
    const { events } = decideTraffic(settings, { predictions: [records], feedback: [] });
    expect(stepsOf(events)).toEqual(['drift opened', 'drift recovered']);
    expect(Date.parse(events[1]?.windowEnd ?? '')).toBeGreaterThan(zero + 66 * hour);
    expect(Date.parse(events[1]?.windowEnd ?? '')).toBeLessThanOrEqual(zero + 67 * hour + 10 * minute);
  });
});

describe('a commit', () => {
  it('does not pass what moved a clock before a fact holds it: else a restart would take the next watermark record for a gap', () => {
    const settings = settingsOf();
    const messages = partialsOf(settings, trafficOf({ hours: 30, shiftAtHour: 99 }), new Random(6), false);
    const { detector, facts } = decide(settings, messages);
    const decided = newestPosition(messages, 0);
    const watermark = (previous: number, hours: number): PartialsMessage => ({
      type: 'watermark',
      source: { role: 'predictions', topic: 'predictions', partition: 0 },
      position: previous + 10,
      previous,
      watermarkMs: zero + hours * hour,
      partitions: 2,
    });
    // Two panes without rows of this partition: nothing that would hold the commit by itself.
    const offset = messages.length;
    expect(detector.take(watermark(decided, 31), offset)).toBeNull();
    const commit = detector.commitOffset(offset + 1);
    expect(commit).toBeLessThanOrEqual(offset);
    const { detector: restored } = restoreDetector(settings, facts);
    for (const [at, message] of [...messages, watermark(decided, 31), watermark(decided + 10, 32)].entries())
      if (at >= commit) restored.take(message, at);
    expect(restored.counts.gaps).toBe(0);
  });
});

describe('a partition of partials that no model has come to', () => {
  it('keeps no labels for one, commits what it has read, and decides a model that comes later as any other', () => {
    const settings = settingsOf({ feedback: [topicSource('feedback')] });
    const all = partialsOf(settings, trafficOf({ hours: 90, shiftAtHour: 99, feedbackPartitions: 1 }), new Random(6), false);
    const comesAtMs = zero + 84 * hour;
    const isThere = (one: PartialsMessage) => one.type !== 'partial' || one.model === anyModel || (one.paneMs ?? 0) >= comesAtMs;
    const messages = all.filter(isThere);
    const before = messages.slice(
      0,
      messages.findIndex((one) => one.type === 'partial' && one.model !== anyModel),
    );
    expect(before.filter((one) => one.type === 'partial').length).toBeGreaterThan(60);
    const { detector } = decide(settings, before);
    // As far as one source partition is ahead of another.
    expect(detector.undecidedPanes).toBeLessThanOrEqual(20);
    expect(detector.commitOffset(before.length)).toBeGreaterThan(before.length - 60);
    const ends = decide(settings, messages)
      .facts.byKind()
      .node.filter(({ subject: { model, stepMs, cell } }) => model === 'fraud' && stepMs === hour && cell.version === '*')
      .map(({ subject }) => (subject.endMs - zero) / hour);
    expect(ends.sort((left, right) => left - right)).toEqual([85, 86, 87, 88, 89]);
  });
});

/** Position of the newest watermark record of a prediction partition. */
function newestPosition(messages: readonly PartialsMessage[], partition: number): number {
  const positions = messages.flatMap((one) => (one.type === 'watermark' && one.source.partition === partition ? [one.position] : []));
  return Math.max(...positions);
}
