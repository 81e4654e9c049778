/** What a person should change, from what a sample of a topic shows. */
import { modelsPerPartition } from '../core/detect/modelPlaces.ts';
import { dayMs, formatDuration, hourMs, minuteMs } from '../core/duration.ts';
import { type CoreSettings, settingsOf, type TopicSource } from '../core/settings.ts';
import type { SourceRole } from '../core/summarize/messages.ts';
import { seriesOfFeature } from '../core/summarize/seriesNames.ts';
import type { TopicProfile } from './topicProfile.ts';

/** `problem`: it will not work like this. `advice`: it works, and could be better or is worth a look. */
export interface Finding {
  readonly kind: 'problem' | 'advice';
  readonly text: string;
}

/** A finding as a line below what it is about. */
export function findingLine({ kind, text }: Finding): string {
  return `  ${kind === 'problem' ? 'PROBLEM' : 'note'}: ${text}`;
}

/** Share of a sample above which something is said. */
const noticeable = 0.01;
/** More names of models than this share of the records are ids. */
const idShare = 0.2;

export function findingsOf(profile: TopicProfile, source: TopicSource, role: SourceRole, core: CoreSettings, nowMs: number): Finding[] {
  return [...ofRecords(profile, role), ...ofTimes(profile, role, core, nowMs), ...ofModels(profile, source, role, core)];
}

function ofRecords(profile: TopicProfile, role: SourceRole): Finding[] {
  const findings: Finding[] = [];
  const usable = profile.predictions + profile.feedback;
  const invalid = [...profile.invalid.values()].reduce((sum, { count }) => sum + count, 0);
  if (usable === 0 && invalid === 0) return [advice('there is no record to look at: is this the topic that your models write to?')];
  for (const [reason, { count, partition, offset, detail }] of profile.invalid) {
    const share = `${count} of ${usable + invalid} records`;
    findings.push({
      kind: usable === 0 ? 'problem' : 'advice',
      text: `${share} cannot be used (${reason}), for example partition ${partition} offset ${offset}: ${detail}`,
    });
  }
  if (role === 'predictions' && (profile.invalid.get('no-label')?.count ?? 0) > 0) findings.push(advice('is this a feedback topic?'));
  return findings;
}

function ofTimes({ times, predictions }: TopicProfile, role: SourceRole, { window }: CoreSettings, nowMs: number): Finding[] {
  const findings: Finding[] = [];
  const [earliestDelay = 0] = times.delaysMs;
  const aheadMs = -earliestDelay;
  if (role === 'predictions' && aheadMs > window.maxAheadMs) {
    findings.push({
      kind: 'problem',
      text: `event times are up to ${about(aheadMs)} ahead of their Kafka timestamps: beyond window.maxAhead (${formatDuration(window.maxAheadMs)}) records are invalid; correct the producer's clock or its zone`,
    });
  } else if (aheadMs > 1_000) {
    findings.push(advice(`event times are up to ${about(aheadMs)} ahead of their Kafka timestamps: a producer's clock is wrong`));
  }
  const late = times.disorderMs.filter((behind) => behind > window.latenessMs + window.hopMs).length;
  if (role === 'predictions' && predictions > 0 && late / predictions > noticeable / 10) {
    const enough = atQuantile(times.disorderMs, 0.999);
    findings.push(
      advice(
        `${late} of ${predictions} records came later than window.lateness (${formatDuration(window.latenessMs)}) allows and would not be counted; ${about(enough)} would cover 99.9%`,
      ),
    );
  }
  if (times.newestMs !== null && times.newestMs - nowMs > minuteMs) {
    findings.push(advice(`the newest Kafka timestamp is ${about(times.newestMs - nowMs)} ahead of the clock of this machine`));
  }
  return findings;
}

function ofModels(profile: TopicProfile, source: TopicSource, role: SourceRole, core: CoreSettings): Finding[] {
  const findings: Finding[] = [];
  if (role === 'feedback') return findings;
  const names = profile.models.size + profile.otherModels.size;
  if (profile.otherModels.size > 0 && names > profile.predictions * idShare) {
    const [example = ''] = profile.models.keys();
    return [
      advice(
        `${names} different model names in ${profile.predictions} records, for example ${example}: are ids in the place of model names? Nothing can be learned of a model with a record or two, and a partition of partials watches at most ${modelsPerPartition}`,
      ),
    ];
  }
  for (const [model, { series, segments, scoresOutside, rows }] of profile.models) {
    const settings = settingsOf(core, model);
    if (source.model === null && model === `topic:${source.topic}`) {
      findings.push(
        advice(
          `${rows} records name no model and are filed under ${model}: send "model", or set the model of the topic (predictions.model)`,
        ),
      );
    }
    for (const [list, names] of [
      ['important', settings.important],
      ['sensitive', settings.sensitive],
    ] as const) {
      const absent = names.filter((name) => !series.has(seriesOfFeature(name)));
      if (absent.length > 0) findings.push(advice(`model ${model}: ${list} names ${absent.join(', ')}, which no record of the sample has`));
    }
    const unseen = settings.segments.filter((name) => !segments.has(name));
    if (unseen.length > 0) findings.push(advice(`model ${model}: segments names ${unseen.join(', ')}, which no record of the sample has`));
    if (!series.has('prediction')) findings.push(advice(`model ${model}: no record has a prediction: only its features can be watched`));
    if (scoresOutside > noticeable) {
      findings.push(
        advice(
          `model ${model}: ${percent(scoresOutside)} of the scores lie outside 0 to 1: a score should be the probability of the positive class`,
        ),
      );
    }
    for (const [name, { unsupported }] of series) {
      if (unsupported / rows > noticeable)
        findings.push(
          advice(
            `model ${model}: ${name} is a list or an object in ${percent(unsupported / rows)} of the records: it is counted, not watched; send it flat`,
          ),
        );
    }
  }
  const idle = [...core.models.keys()].filter((model) => !profile.models.has(model) && core.predictions.length === 1);
  if (profile.predictions > 0 && idle.length > 0) {
    const seen = [...profile.models.keys()].join(', ');
    findings.push(advice(`models names ${idle.join(', ')}, which no record of the sample names; seen: ${seen}`));
  }
  return findings;
}

function advice(text: string): Finding {
  return { kind: 'advice', text };
}

/** A value of an ascending list by rank; 0 of none. */
export function atQuantile(ascending: readonly number[], q: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(q * ascending.length))] ?? 0;
}

/** A length of time in the unit that suits it: `2.4s`, `3.5h`. */
export function about(milliseconds: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', dayMs],
    ['h', hourMs],
    ['m', minuteMs],
    ['s', 1_000],
  ];
  for (const [unit, length] of units)
    if (Math.abs(milliseconds) >= length) return `${Number((milliseconds / length).toPrecision(2))}${unit}`;
  return `${Math.round(milliseconds)}ms`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))}%`;
}
