/**
 * The `json` preset (docs/design/design.md, section 9): one JSON object a message, as `{id, ts, model, version, features, prediction, score, segments, label}`, feedback
 * as `{id, ts, label, model?}`.
 *
 * Hot path. A record of 20 features and 700 bytes costs about 2.6 us, of which decoding UTF-8 and JSON.parse are 2.2. Nothing is copied:
 * features, scores by class and segments are the parsed object itself. Parsed objects have own keys only, `__proto__` included, and no key of a message is ever assigned to
 * an object of ours.
 */

import { parseEventTime } from '../core/record/eventTime.ts';
import type { DecodedRecord, FeedbackRecord, InvalidReason, InvalidRecord, PredictionRecord, Value } from '../core/record/record.ts';
import { pseudoModel } from '../core/record/record.ts';
import type { TopicSource } from '../core/settings.ts';
import { anyModel, type SourceRole } from '../core/summarize/messages.ts';
import type { Decoder } from './decoder.ts';
import {
  badFeatures,
  badId,
  badModel,
  badScore,
  badSegments,
  badTime,
  badValue,
  badVersion,
  notJson,
  notObject,
  tooLong,
} from './jsonProblems.ts';
import { isTooDeep, maxDepth, nameFits } from './limits.ts';
import { shown } from './shown.ts';

/** Largest message that is parsed: Kafka's default limit is 1 MiB, this leaves room for topics that raised it. */
const maxRecordBytes = 4 * 1_048_576;

type Fields = Readonly<Record<string, unknown>>;

/** What stands for fields that predictions may lack where nobody needs them: rows of a baseline file have no use for an id, and perhaps no time. */
export interface StandIns {
  readonly id: string;
  readonly timeMs: number;
  /** Model of records that name none; null: the pseudo-model of the topic, as ever. */
  readonly model: string | null;
}

/** Decoder of the `json` preset for one topic. Messages of more than `maxBytes` are refused unparsed. */
export function jsonDecoder(source: TopicSource, role: SourceRole, maxBytes = maxRecordBytes, standIns: StandIns | null = null): Decoder {
  // Fatal: broken UTF-8 is refused, not replaced by U+FFFD, which would make different ids and categories equal. Costs nothing measurable.
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const topicModel = source.model ?? pseudoModel(source.topic);
  const modelOfNone = source.model ?? standIns?.model ?? (role === 'feedback' ? anyModel : topicModel);
  const decodeFields = role === 'feedback' ? decodeFeedback : decodePrediction;

  function decode(value: Uint8Array | null): DecodedRecord {
    if (value === null) return { kind: 'skipped' };
    if (value.byteLength > maxBytes) {
      return invalid(
        'too-large',
        `the message has ${value.byteLength} bytes, at most ${maxBytes} are read: send features, not payloads`,
        topicModel,
      );
    }
    let parsed: unknown;
    try {
      parsed = JSON.parse(utf8.decode(value));
    } catch (error) {
      return invalid('not-json', notJson(value.byteLength, error), topicModel);
    }
    if (!isObject(parsed)) {
      return invalid('not-object', notObject(parsed), topicModel);
    }
    return decodeFields(parsed);
  }

  /** Model of the record: the topic's, else its own, else the one for records without; a failure where it is no usable name. */
  function modelOf(fields: Fields): string | null {
    if (source.model !== null) return source.model;
    const model = fields.model;
    if (model === undefined || model === null || model === '') return modelOfNone;
    if (typeof model !== 'string' || !nameFits(model) || (role === 'predictions' && model === anyModel)) return null;
    return model;
  }

  function decodePrediction(fields: Fields): DecodedRecord {
    const model = modelOf(fields);
    if (model === null) return invalid('bad-model', badModel(fields.model), topicModel);
    const id = idOf(standIns === null ? fields.id : (fields.id ?? standIns.id));
    if (id === null) return invalid('no-id', badId(fields.id), model);
    const isUntimed = standIns !== null && (fields.ts === undefined || fields.ts === null);
    const timeMs = isUntimed ? standIns.timeMs : parseEventTime(fields.ts);
    if (Number.isNaN(timeMs)) return timeProblem(fields.ts, model);
    const version = versionOf(fields.version);
    if (version === null) return invalid('bad-version', badVersion(fields.version), model);

    const features = fields.features ?? noFields;
    if (!isObject(features)) {
      return invalid('bad-features', badFeatures(features), model);
    }
    for (const name in features) {
      if (!nameFits(name)) return invalid('bad-features', tooLong('a feature name', name), model);
      const value = features[name];
      if (typeof value === 'object' && value !== null && isTooDeep(value)) {
        return invalid('too-deep', `feature ${shown(name)} is nested deeper than ${maxDepth} levels: send it flat, or leave it out`, model);
      }
    }

    const prediction = fields.prediction ?? null;
    if (prediction !== null && !isValue(prediction)) return invalid('bad-prediction', badValue('prediction', prediction), model);
    const score = fields.score ?? null;
    if (!isScore(score)) return invalid('bad-score', badScore(score), model);
    const segments = segmentsOf(fields.segments);
    if (segments === null) return invalid('bad-segments', badSegments(fields.segments), model);
    const label = fields.label ?? null;
    if (label !== null && !isLabel(label)) return invalid('bad-label', badValue('label', label), model);
    const record: PredictionRecord = { kind: 'prediction', id, timeMs, model, version, features, prediction, score, segments, label };
    return record;
  }

  function decodeFeedback(fields: Fields): DecodedRecord {
    const model = modelOf(fields);
    if (model === null) return invalid('bad-model', badModel(fields.model), topicModel);
    // Of records that serve every model, what is invalid counts for the topic.
    const owner = model === anyModel ? topicModel : model;
    const id = idOf(fields.id);
    if (id === null) return invalid('no-id', badId(fields.id), owner);
    const timeMs = parseEventTime(fields.ts);
    if (Number.isNaN(timeMs)) return timeProblem(fields.ts, owner);
    const label = fields.label;
    if (label === undefined || label === null) {
      return invalid('no-label', 'label is missing, expected the true class or value of the prediction with this id', owner);
    }
    if (!isLabel(label)) return invalid('bad-label', badValue('label', label), owner);
    const record: FeedbackRecord = { kind: 'feedback', id, timeMs, model, label };
    return record;
  }

  return decode;
}

function invalid(reason: InvalidReason, detail: string, model: string): InvalidRecord {
  return { kind: 'invalid', reason, detail, model };
}

function timeProblem(time: unknown, model: string): InvalidRecord {
  if (time !== undefined && time !== null) return invalid('bad-time', badTime(time), model);
  return invalid('no-time', 'ts is missing, expected the event time as ISO 8601 text or epoch s, ms, us or ns', model);
}

const noFields: Fields = Object.freeze({});
const noSegments: Readonly<Record<string, string>> = Object.freeze({});

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text as it is; a safe integer as its digits: beyond 2^53 JSON.parse has rounded it already, and two ids could have become one. */
function idOf(id: unknown): string | null {
  if (typeof id === 'string') return id === '' ? null : id;
  return typeof id === 'number' && Number.isSafeInteger(id) ? String(id) : null;
}

/** Missing is the empty version; integers are as good as their digits, decimals are not (1.10 would be 1.1). */
function versionOf(version: unknown): string | null {
  if (typeof version === 'string') return nameFits(version) ? version : null;
  if (version === undefined || version === null) return '';
  return typeof version === 'number' && Number.isSafeInteger(version) ? String(version) : null;
}

function isValue(value: unknown): value is Value {
  return typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && nameFits(value));
}

/** JSON.parse reads 1e999 as Infinity: as a prediction that is counted as non-finite, as a label it says nothing. */
function isLabel(value: unknown): value is Value {
  return isValue(value) && value !== Number.POSITIVE_INFINITY && value !== Number.NEGATIVE_INFINITY;
}

function isScore(score: unknown): score is number | Readonly<Record<string, number>> | null {
  if (typeof score === 'number') return Number.isFinite(score);
  if (score === null) return true;
  if (!isObject(score)) return false;
  for (const name in score) {
    const share = score[name];
    if (typeof share !== 'number' || !Number.isFinite(share) || !nameFits(name)) return false;
  }
  return true;
}

/** The object itself where all values are texts (the rule); numbers, true and false become their text, null is left out. */
function segmentsOf(segments: unknown): Readonly<Record<string, string>> | null {
  if (segments === undefined || segments === null) return noSegments;
  if (!isObject(segments)) return null;
  for (const name in segments) {
    const value = segments[name];
    if (typeof value !== 'string') return convertedSegments(segments);
    if (!nameFits(value) || !nameFits(name)) return null;
  }
  // Every own value was just seen to be a text.
  return segments as Readonly<Record<string, string>>;
}

function convertedSegments(segments: Fields): Readonly<Record<string, string>> | null {
  const entries: [string, string][] = [];
  for (const [name, value] of Object.entries(segments)) {
    if (value === null) continue;
    if (!isLabel(value) || !nameFits(name)) return null;
    entries.push([name, String(value)]);
  }
  // fromEntries defines own properties: a segment named __proto__ stays a segment.
  return Object.fromEntries(entries);
}
