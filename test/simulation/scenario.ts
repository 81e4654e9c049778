/** What a simulated run is about: settings small enough for a day's baseline and a drift that comes and goes, and source topics of traffic in them. */
import { hourMs, minuteMs } from '../../src/core/duration.ts';
import type { FeedbackRecord, PredictionRecord } from '../../src/core/record/record.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import { chunkSize, type SourceRole } from '../../src/core/summarize/messages.ts';
import { Random } from '../support/random.ts';
import { coreSettings, modelSettings } from '../support/settings.ts';
import { type SourceRecord, syntheticTraffic, type Traffic } from '../support/syntheticTraffic.ts';

/** A record of a source topic at the offset that it has in every run. */
export interface PlacedRecord {
  readonly record: PredictionRecord | FeedbackRecord;
  readonly timestampMs: number;
  readonly offset: number;
  readonly value: Uint8Array;
}

/** One partition of a source topic; offsets between records hold none, as control records and compaction leave them. */
export interface SourceTraffic {
  readonly role: SourceRole;
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly PlacedRecord[];
  /** Whether the partition is added to its topic while workers run. */
  readonly isAdded: boolean;
}

/** Settings and traffic in them, and what must be decided of it. */
export interface Scenario {
  readonly name: string;
  readonly settings: CoreSettings;
  readonly traffic: Traffic;
  /** Everything up to here must be decided in the end. */
  readonly targetMs: number;
  /** Offsets without records before the first one of each partition. */
  readonly leadingGap: number;
}

/** A scenario of the simulation. */
export interface SimulatedScenario extends Omit<Scenario, 'leadingGap'> {
  readonly sources: readonly SourceTraffic[];
  /** What came before was summarized, decided and delivered without a disturbance; null: the run begins with empty topics. */
  readonly preludeMs: number | null;
  /** Whether partitions that are silent for a while are not waited for. */
  readonly isIdle: boolean;
  /** Partitions of each internal topic: no model comes to some of them where they are many. */
  readonly internalPartitions: number;
}

const startMs = Date.UTC(2026, 2, 1);
const partitions = 2;
export const variants = 12;

/** One of a few fixed traffics. Half of them have idle partitions; two begin with empty topics and wider panes, the others after a day. A third has
 * partitions of partials that no model comes to. */
export function scenarioOf(variant: number): SimulatedScenario {
  const isWhole = variant === 5 || variant === 10;
  const isIdle = (variant % 2 === 1) !== isWhole;
  const hasSegments = variant % 4 >= 2;
  const hasHoles = variant % 3 === 1;
  const isWide = variant % 3 === 2;
  const growsAtHour = variant % 12 === 3 || variant % 12 === 8 ? 28 : null;
  const random = new Random(1_000 + variant);
  const hopMs = (isWhole ? 30 : 20) * minuteMs;
  const settings = coreSettings({
    window: {
      hopMs,
      scalesMs: [12 * hopMs],
      latenessMs: 5 * minuteMs,
      idleAfterMs: isIdle ? 3 * minuteMs : 1_000 * hourMs,
      silenceAfterMs: 2 * hourMs,
    },
    defaults: modelSettings({
      baseline: { kind: 'first', durationMs: 24 * hourMs },
      performance: { scalesMs: [12 * hopMs], minLabels: 30, minDrop: 0.02, horizonMs: 3 * hourMs, absent: 'unknown' },
      alerts: {
        ...modelSettings().alerts,
        budget: { incidents: 3, perMs: 30 * 24 * hourMs },
        remindEveryMs: hourMs,
        cooldownMs: hopMs,
      },
      segments: hasSegments ? ['plan'] : [],
    }),
  });
  const hours = isWhole ? 36 : 32.5;
  const traffic = syntheticTraffic({
    random,
    startMs,
    hours,
    rowsPerHour: 60,
    predictionPartitions: partitions,
    feedbackPartitions: 1,
    shiftedHours: [isWhole ? [27, 31] : [25, 28]],
    models: ['fraud', 'churn'],
  });
  const targetMs = startMs + hours * hourMs;
  const whole = closed(grown(traffic, growsAtHour === null ? null : startMs + growsAtHour * hourMs), targetMs + hourMs);
  // A chunk of 65,536 offsets ends in the middle of what is simulated.
  const chunkEndMs = startMs + (isWhole ? 16 : 27) * hourMs;
  const sources = (['predictions', 'feedback'] as const).flatMap((role) =>
    whole[role].map((records, partition) => placed(role, partition, records, chunkEndMs, hasHoles ? random : null)),
  );
  const words = [isWhole ? 'from the beginning' : 'after a day', isIdle ? 'idle' : '', hasSegments ? 'segments' : ''];
  if (hasHoles) words.push('holes');
  if (growsAtHour !== null) words.push('a partition more');
  if (isWide) words.push('five partitions of partials');
  return {
    name: `variant ${variant}: ${words.filter((word) => word !== '').join(', ')}`,
    settings,
    traffic: whole,
    sources,
    preludeMs: isWhole ? null : startMs + 24 * hourMs,
    targetMs,
    isIdle,
    internalPartitions: isWide ? 5 : 2,
  };
}

/** From a time on a third partition takes a third of the predictions. */
function grown(traffic: Traffic, fromMs: number | null): Traffic {
  if (fromMs === null) return traffic;
  const added: SourceRecord<PredictionRecord>[] = [];
  const predictions = traffic.predictions.map((records) =>
    records.filter((one, index) => {
      const isMoved = one.timestampMs >= fromMs && index % 3 === 0;
      if (isMoved) added.push(one);
      return !isMoved;
    }),
  );
  return { ...traffic, predictions: [...predictions, added.sort((left, right) => left.timestampMs - right.timestampMs)] };
}

function placed(
  role: SourceRole,
  partition: number,
  records: readonly SourceRecord<PredictionRecord | FeedbackRecord>[],
  chunkEndMs: number,
  holes: Random | null,
): SourceTraffic {
  const sizes = records.map(() => (holes === null || holes.next() >= 0.06 ? 0 : 1 + holes.int(holes.next() < 0.2 ? 400 : 3)));
  const isAdded = partition >= partitions;
  let before = 0;
  for (const [index, { timestampMs }] of records.entries()) if (timestampMs < chunkEndMs) before += 1 + (sizes[index] ?? 0);
  let offset = isAdded ? 0 : Math.max(0, chunkSize - before);
  const inOrder = records.map((one, index): PlacedRecord => {
    offset += 1 + (sizes[index] ?? 0);
    return { ...one, offset: offset - 1, value: text.encode(one.raw ?? bytesOf(one.record)) };
  });
  return { role, topic: role, partition, records: inOrder, isAdded };
}

const text = new TextEncoder();

/** The source topics of a scenario whose records stand one after the other. */
export function sourcesOf({ settings, traffic, leadingGap }: Pick<Scenario, 'settings' | 'traffic' | 'leadingGap'>): SourceTraffic[] {
  return (['predictions', 'feedback'] as const).flatMap((role) =>
    traffic[role].map((records, partition) => ({
      role,
      topic: settings[role][0]?.topic ?? role,
      partition,
      records: records.map((one, index) => ({ ...one, offset: leadingGap + index, value: text.encode(one.raw ?? bytesOf(one.record)) })),
      isAdded: false,
    })),
  );
}

/** One record more in every partition, late enough that all panes before are closed. */
export function closed(traffic: Traffic, timeMs: number): Traffic {
  const prediction = (partition: number): SourceRecord<PredictionRecord> => ({
    timestampMs: timeMs,
    record: {
      kind: 'prediction',
      id: `closing-${partition}`,
      timeMs,
      model: 'closing',
      version: '',
      features: {},
      prediction: 'ok',
      score: null,
      segments: {},
      label: null,
    },
  });
  const feedback = (partition: number): SourceRecord<FeedbackRecord> => ({
    timestampMs: timeMs,
    record: { kind: 'feedback', id: `closing-${partition}`, timeMs, model: 'closing', label: 'ok' },
  });
  return {
    predictions: traffic.predictions.map((records, partition) => [...records, prediction(partition)]),
    feedback: traffic.feedback.map((records, partition) => [...records, feedback(partition)]),
  };
}

/** A record as its producer writes it. */
export function bytesOf(record: PredictionRecord | FeedbackRecord): string {
  const { kind: _, timeMs, model, ...rest } = record;
  return JSON.stringify({ ...rest, ts: timeMs, ...(model === '*' ? {} : { model }) });
}
