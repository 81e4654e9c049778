/** Values that are each allowed and cannot work together. */
import { dayMs, formatDuration, hourMs, minuteMs } from '../core/duration.ts';
import { internalTopics } from '../core/incident/topics.ts';
import { type CoreSettings, type ModelSettings, stepsPerWindow } from '../core/settings.ts';
import type { KafkaSettings, SentrySettings, SinkSettings } from './config.ts';
import type { Problem } from './problems.ts';

/** Reports a problem of a key; the caller knows where the key was written. */
type Report = (key: readonly string[], message: string) => void;

export function contradictions(
  core: CoreSettings,
  kafka: KafkaSettings,
  sentry: SentrySettings,
  sinks: SinkSettings,
  originOf: (key: readonly string[]) => string | null,
): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (key, message) => problems.push({ key: key.join('.'), message, origin: originOf(key) });
  ofWindow(core, report);
  ofTopics(core, report);
  ofKafka(kafka, report);
  ofSentry(sentry, report);
  ofSinks(sinks, report);
  ofModel([], core.defaults, core.window.hopMs, report);
  for (const [name, model] of core.models) {
    // What a model only inherits is reported once, above.
    ofModel(['models', name], model, core.window.hopMs, (key, message) => {
      if (originOf(key) !== null) report(key, message);
    });
  }
  return problems;
}

/** A token is of no use without knowing where; a schedule at Sentry has whole minutes. */
function ofSentry({ api, checkIns }: SentrySettings, report: Report): void {
  if (checkIns.everyMs < minuteMs || checkIns.everyMs % minuteMs !== 0)
    report(['sentry', 'checkIns', 'every'], `is ${formatDuration(checkIns.everyMs)}, must be whole minutes, at least one`);
  if (api.token !== '' && api.organization === '')
    report(
      ['sentry', 'api', 'organization'],
      'is empty, but sentry.api.token is set: needed is its slug, as in https://ORGANIZATION.sentry.io',
    );
}

function ofSinks({ webhook }: SinkSettings, report: Report): void {
  if (webhook.deadlineMs <= 0) report(['sinks', 'webhook', 'deadline'], 'is 0, must be longer: no answer could come in time');
  if (webhook.url !== '' && webhook.format === 'pagerduty' && webhook.secret === '')
    report(
      ['sinks', 'webhook', 'secret'],
      "is empty, but sinks.webhook.format is pagerduty: needed is the routing key of the service's integration",
    );
}

function ofWindow({ window }: CoreSettings, report: Report): void {
  const { hopMs, scalesMs, idleAfterMs, silenceAfterMs } = window;
  const isHop = hopMs > 0 && (hourMs % hopMs === 0 || (hopMs % hourMs === 0 && dayMs % hopMs === 0));
  if (!isHop) {
    report(
      ['window', 'hop'],
      `is ${formatDuration(hopMs)}, must divide an hour (1m, 5m, 10m, 15m, 1h) or be whole hours that divide a day (2h, 3h, 6h)`,
    );
    return;
  }
  ofScales(['window', 'scales'], scalesMs, hopMs, report);
  if (idleAfterMs <= 0) report(['window', 'idleAfter'], 'is 0, must be longer: every partition would be idle at once');
  if (silenceAfterMs < idleAfterMs) {
    report(
      ['window', 'silenceAfter'],
      `is ${formatDuration(silenceAfterMs)}, must be at least window.idleAfter (${formatDuration(idleAfterMs)})`,
    );
  }
}

function ofScales(key: readonly string[], scalesMs: readonly number[], hopMs: number, report: Report): void {
  const unitMs = hopMs * stepsPerWindow;
  for (const [index, scaleMs] of scalesMs.entries()) {
    const before = scalesMs[index - 1] ?? 0;
    if (scaleMs <= before) {
      const found = before === 0 ? 'holds 0' : `has ${formatDuration(scaleMs)} after ${formatDuration(before)}`;
      report(key, `${found}, must be ascending lengths such as 1h, 6h, 24h`);
    }
    if (scaleMs % unitMs !== 0) {
      const nearest = Math.max(1, Math.round(scaleMs / unitMs)) * unitMs;
      const step = formatDuration(scaleMs / stepsPerWindow);
      report(
        key,
        `has ${formatDuration(scaleMs)}, whose step (a twelfth: ${step}) is no multiple of the hop (${formatDuration(hopMs)}); take a multiple of ${formatDuration(unitMs)}, the nearest is ${formatDuration(nearest)}`,
      );
    }
  }
}

function ofTopics({ predictions, feedback, group }: CoreSettings, report: Report): void {
  const own = new Set<string>(Object.values(internalTopics(group)));
  const seen = new Map<string, string>();
  for (const [role, sources] of [
    ['predictions', predictions],
    ['feedback', feedback],
  ] as const) {
    for (const { topic } of sources) {
      if (own.has(topic)) report([role], `has ${topic}, which Tidemark keeps for itself under kafka.group ${group}; choose another group`);
      const before = seen.get(topic);
      if (before !== undefined) report([role], `has ${topic}, which is under ${before} already; a topic is read once`);
      seen.set(topic, role);
    }
  }
  const labels = feedback.map((source) => source.topic);
  for (const source of predictions) {
    for (const topic of source.feedback ?? []) {
      if (!labels.includes(topic))
        report(['predictions'], `names the feedback topic ${topic}, which is not under feedback (${labels.join(', ') || 'none is'})`);
    }
  }
}

function ofKafka({ ssl, sasl }: KafkaSettings, report: Report): void {
  if (sasl !== null && sasl.username === '')
    report(['kafka', 'sasl', 'username'], `is empty, must be set with kafka.sasl.mechanism ${sasl.mechanism}`);
  if (sasl !== null && sasl.password === '')
    report(['kafka', 'sasl', 'password'], 'is empty, set TIDEMARK_KAFKA_SASL_PASSWORD or TIDEMARK_KAFKA_SASL_PASSWORD_FILE');
  if (ssl !== null && (ssl.certFile === '') !== (ssl.keyFile === '')) {
    report(
      ['kafka', 'ssl', ssl.certFile === '' ? 'certFile' : 'keyFile'],
      'is empty, a client certificate needs both certFile and keyFile',
    );
  }
}

function ofModel(prefix: readonly string[], model: ModelSettings, hopMs: number, report: Report): void {
  const { baseline, performance, alerts } = model;
  ofScales([...prefix, 'performance', 'scales'], performance.scalesMs, hopMs, report);
  if (performance.horizonMs < hopMs) {
    report(
      [...prefix, 'performance', 'horizon'],
      `is ${formatDuration(performance.horizonMs)}, must be at least the hop (${formatDuration(hopMs)})`,
    );
  }
  if (performance.absent === 'negative') {
    report(
      [...prefix, 'performance', 'absent'],
      'is negative, which this version cannot do yet: silence would be counted as nothing; leave it at unknown and have both classes reported',
    );
  }
  if (baseline.kind === 'file' && baseline.path === '')
    report([...prefix, 'baseline', 'path'], 'is empty, must name a file with baseline.kind file');
  if (baseline.durationMs <= 0 || baseline.durationMs % dayMs !== 0) {
    report([...prefix, 'baseline', 'duration'], `is ${formatDuration(baseline.durationMs)}, must be whole days such as 7d`);
  }
  if (alerts.budget.perMs <= 0) report([...prefix, 'alerts', 'budget', 'per'], 'is 0, must be a period such as 30d');
  if (alerts.remindEveryMs <= 0) report([...prefix, 'alerts', 'remindEvery'], 'is 0, must be longer, such as 24h');
  for (const name of model.important) {
    if (model.ignore.includes(name)) report([...prefix, 'ignore'], `has ${name}, which is under important too`);
  }
}
