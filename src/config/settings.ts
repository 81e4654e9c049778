/** From texts to units: the values of valid sections become the settings of the core. What contradicts itself is found by `contradictions.ts`. */
import { parseDuration } from '../core/duration.ts';
import { InvariantError } from '../core/errors.ts';
import type {
  AlertSettings,
  BaselineSettings,
  LimitSettings,
  ModelSettings,
  PerformanceSettings,
  WindowSettings,
} from '../core/settings.ts';
import type { KafkaSettings, SentrySettings, SinkSettings, TopicSettings } from './config.ts';
import type { modelKeys, perModel, rootKeys, ValuesOf } from './schema.ts';
import { parseBytes, parseStart } from './valueFormats.ts';

export type RootValues = ValuesOf<typeof rootKeys>;
type PerModelValues = ValuesOf<typeof perModel>;
export type ModelValues = ValuesOf<typeof modelKeys> & PerModelValues;

export function windowSettings(values: RootValues['window']): WindowSettings {
  return {
    hopMs: milliseconds(values.hop),
    scalesMs: values.scales.map(milliseconds),
    latenessMs: milliseconds(values.lateness),
    maxAheadMs: milliseconds(values.maxAhead),
    idleAfterMs: milliseconds(values.idleAfter),
    silenceAfterMs: milliseconds(values.silenceAfter),
  };
}

export function modelSettings(values: ModelValues): ModelSettings {
  return {
    task: values.task === '' ? null : values.task,
    owner: values.owner === '' ? null : values.owner,
    important: values.important,
    sensitive: values.sensitive,
    ignore: values.ignore,
    baseline: baselineSettings(values.baseline),
    performance: performanceSettings(values.performance),
    alerts: alertSettings(values.alerts),
    segments: values.segments,
  };
}

function baselineSettings(values: PerModelValues['baseline']): BaselineSettings {
  const durationMs = milliseconds(values.duration);
  return values.kind === 'file' ? { kind: 'file', path: values.path, durationMs } : { kind: 'first', durationMs };
}

function performanceSettings(values: PerModelValues['performance']): PerformanceSettings {
  return {
    scalesMs: values.scales.map(milliseconds),
    minLabels: values.minLabels,
    minDrop: values.minDrop,
    horizonMs: milliseconds(values.horizon),
    absent: values.absent,
  };
}

function alertSettings(values: PerModelValues['alerts']): AlertSettings {
  return {
    budget: { incidents: values.budget.incidents, perMs: milliseconds(values.budget.per) },
    minimumEffect: values.minimumEffect,
    openAfter: values.openAfter,
    recoverAfter: values.recoverAfter,
    remindEveryMs: milliseconds(values.remindEvery),
    cooldownMs: milliseconds(values.cooldown),
    reopenWithinMs: milliseconds(values.reopenWithin),
  };
}

export function limitSettings(values: RootValues['limits']): LimitSettings {
  return { ...values, bytesPerModel: valid(parseBytes(values.bytesPerModel)) };
}

export function kafkaSettings(values: RootValues['kafka']): KafkaSettings {
  const { mechanism, username, password } = values.sasl;
  const { enabled, ...files } = values.ssl;
  return {
    brokers: values.brokers,
    clientId: values.clientId,
    instance: values.instance,
    start: valid(parseStart(values.start)),
    onGap: values.onGap,
    ssl: enabled ? files : null,
    sasl: mechanism === '' ? null : { mechanism, username, password },
  };
}

export function topicSettings(values: RootValues['topics']): TopicSettings {
  return {
    create: values.create,
    partitions: values.partitions,
    replicationFactor: values.replicationFactor === 0 ? null : values.replicationFactor,
    partialsRetentionMs: milliseconds(values.partialsRetention),
    eventsRetentionMs: milliseconds(values.eventsRetention),
    deadLettersRetentionMs: milliseconds(values.deadLettersRetention),
  };
}

export function sentrySettings({ storm, checkIns, setup, ...values }: RootValues['sentry']): SentrySettings {
  const { errorEvery, warningEvery, ...wanted } = setup;
  return {
    ...values,
    checkIns: { enabled: checkIns.enabled, everyMs: milliseconds(checkIns.every), blindAfterMs: milliseconds(checkIns.blindAfter) },
    storm: { issues: storm.issues, segments: storm.segments, perMs: milliseconds(storm.per) },
    setup: { ...wanted, errorEveryMs: milliseconds(errorEvery), warningEveryMs: milliseconds(warningEvery) },
  };
}

export function sinkSettings({ log, webhook: { deadline, ...webhook } }: RootValues['sinks']): SinkSettings {
  return { log, webhook: { ...webhook, deadlineMs: milliseconds(deadline) } };
}

function milliseconds(text: string): number {
  return valid(parseDuration(text));
}

/** The schema has refused what cannot be parsed. */
function valid<T>(parsed: T | null): T {
  if (parsed === null) throw new InvariantError('a value passed the schema and cannot be parsed');
  return parsed;
}
