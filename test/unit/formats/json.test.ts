import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecodedRecord, InvalidReason } from '../../../src/core/record/record.ts';
import type { TopicSource } from '../../../src/core/settings.ts';
import { jsonDecoder } from '../../../src/formats/json.ts';

const source: TopicSource = { topic: 'scored', format: 'json', model: null, feedback: null };
const decodePrediction = jsonDecoder(source, 'predictions');
const decodeFeedback = jsonDecoder(source, 'feedback');
const arrivedMs = Date.UTC(2026, 0, 1);

const good = {
  id: 'a-1',
  ts: '2026-01-01T00:00:00.250Z',
  model: 'fraud',
  version: '7',
  features: { amount: 12.5, country: 'DE', returning: true, age: null },
  prediction: 1,
  score: 0.75,
  segments: { plan: 'free' },
};

const prediction = (change: object = {}): DecodedRecord => decodePrediction(Buffer.from(JSON.stringify({ ...good, ...change })), arrivedMs);
const predictionText = (text: string): DecodedRecord => decodePrediction(Buffer.from(text), arrivedMs);
const feedback = (fields: object): DecodedRecord => decodeFeedback(Buffer.from(JSON.stringify(fields)), arrivedMs);

function refusal(record: DecodedRecord): { reason: InvalidReason; detail: string; model: string } {
  if (record.kind !== 'invalid') throw new Error(`expected an invalid record, got ${JSON.stringify(record)}`);
  return { reason: record.reason, detail: record.detail, model: record.model };
}

describe('a prediction', () => {
  it('has all the fields of the contract', () => {
    expect(prediction({ label: 'fraudulent' })).toEqual({
      kind: 'prediction',
      id: 'a-1',
      timeMs: Date.UTC(2026, 0, 1, 0, 0, 0, 250),
      model: 'fraud',
      version: '7',
      features: { amount: 12.5, country: 'DE', returning: true, age: null },
      prediction: 1,
      score: 0.75,
      segments: { plan: 'free' },
      label: 'fraudulent',
    });
  });

  it('needs no more than an id and a time', () => {
    expect(predictionText('{"id":"x","ts":1767225600}')).toEqual({
      kind: 'prediction',
      id: 'x',
      timeMs: arrivedMs,
      model: 'topic:scored',
      version: '',
      features: {},
      prediction: null,
      score: null,
      segments: {},
      label: null,
    });
  });

  it('belongs to the model of its topic where the topic entry names one, whatever it says itself', () => {
    const decode = jsonDecoder({ ...source, model: 'churn' }, 'predictions');
    expect(decode(Buffer.from(JSON.stringify(good)), arrivedMs)).toMatchObject({ kind: 'prediction', model: 'churn' });
  });

  it('keeps whole numbers as ids by their digits, and refuses those that JSON has already rounded', () => {
    expect(prediction({ id: 9_007_199_254_740_991 })).toMatchObject({ id: '9007199254740991' });
    const refused = refusal(predictionText('{"id":9007199254740993,"ts":1767225600,"model":"fraud"}'));
    expect(refused).toMatchObject({ reason: 'no-id', model: 'fraud' });
    expect(refused.detail).toContain('send ids as texts');
  });

  it('takes a score by class', () => {
    expect(prediction({ score: { yes: 0.9, no: 0.1 } })).toMatchObject({ kind: 'prediction', score: { yes: 0.9, no: 0.1 } });
  });

  it('turns numbers and booleans of segments into text, and leaves null out', () => {
    const record = predictionText('{"id":"x","ts":1767225600,"segments":{"tier":3,"vip":true,"plan":null,"__proto__":"p"}}');
    if (record.kind !== 'prediction') throw new Error(record.kind);
    expect(Object.entries(record.segments)).toEqual([
      ['tier', '3'],
      ['vip', 'true'],
      ['__proto__', 'p'],
    ]);
  });

  it('is skipped where it is a tombstone', () => {
    expect(decodePrediction(null, arrivedMs)).toEqual({ kind: 'skipped' });
  });

  it('may begin with a byte order mark', () => {
    expect(predictionText(`\uFEFF${JSON.stringify(good)}`)).toMatchObject({ kind: 'prediction', id: 'a-1' });
  });

  it('does not copy its features', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`f${index}`, index]));
    const record = prediction({ features: many });
    expect(record.kind === 'prediction' && Object.keys(record.features).length).toBe(10_000);
  });
});

describe('a feature named __proto__', () => {
  it('is a feature like any other and changes no prototype', () => {
    const record = predictionText('{"id":"x","ts":1767225600,"features":{"__proto__":{"id":"evil"},"constructor":1}}');
    if (record.kind !== 'prediction') throw new Error(record.kind);
    expect(Object.keys(record.features)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(record.features)).toBe(Object.prototype);
    expect(Object.hasOwn(Object.prototype, 'id')).toBe(false);
  });

  it('cannot stand in for the fields of the record', () => {
    expect(refusal(predictionText('{"__proto__":{"id":"x","ts":1767225600}}')).reason).toBe('no-id');
  });
});

describe('feedback', () => {
  it('without a model serves every model of its topic', () => {
    expect(feedback({ id: 'a-1', ts: 1767225600000, label: false })).toEqual({
      kind: 'feedback',
      id: 'a-1',
      timeMs: arrivedMs,
      model: '*',
      label: false,
    });
  });

  it('keeps its model', () => {
    expect(feedback({ id: 'a-1', ts: 1767225600000, label: 3, model: 'fraud' })).toMatchObject({
      kind: 'feedback',
      model: 'fraud',
      label: 3,
    });
  });
});

const long = 'n'.repeat(257);
const refused: [InvalidReason, string, DecodedRecord, RegExp][] = [
  ['not-json', 'text that is no JSON', predictionText('hello'), /not JSON/],
  ['not-json', 'an empty message', predictionText(''), /0 bytes/],
  ['not-json', 'trailing garbage', predictionText(`${JSON.stringify(good)}]`), /not JSON/],
  ['not-json', 'a NaN literal', predictionText('{"id":"x","ts":1767225600,"score":NaN}'), /send null/],
  ['not-json', 'invalid UTF-8', decodePrediction(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), arrivedMs), /UTF-8/],
  ['not-object', 'an array', predictionText('[1]'), /an array/],
  ['not-object', 'a bare number', predictionText('1'), /a number/],
  ['not-object', 'a bare null', predictionText('null'), /null/],
  ['no-id', 'no id', prediction({ id: undefined }), /missing/],
  ['no-id', 'an empty id', prediction({ id: '' }), /empty/],
  ['no-id', 'an object as id', prediction({ id: {} }), /an object/],
  ['no-time', 'no time', prediction({ ts: undefined }), /missing/],
  ['bad-time', 'a time that is no time', prediction({ ts: 'yesterday' }), /"yesterday"/],
  ['bad-time', 'a time before 1990', prediction({ ts: '1989-12-31T23:59:59Z' }), /1990/],
  ['bad-time', 'a time of zero', prediction({ ts: 0 }), /1990/],
  ['bad-time', 'a time after 2199', prediction({ ts: '2200-01-01T00:00:00Z' }), /2200/],
  ['bad-model', 'a number as model', prediction({ model: 3 }), /model is 3/],
  ['bad-model', 'a model name over 256 bytes', prediction({ model: long }), /257 bytes/],
  ['bad-model', 'the reserved name', prediction({ model: '*' }), /every model/],
  ['bad-version', 'a decimal version', prediction({ version: 1.1 }), /1\.10 is 1\.1/],
  ['bad-version', 'a version over 256 bytes', prediction({ version: long }), /257 bytes/],
  ['bad-features', 'features as a list', prediction({ features: [1, 2] }), /an array/],
  ['bad-features', 'a feature name over 256 bytes', prediction({ features: { [long]: 1 } }), /257 bytes/],
  ['bad-features', 'a feature name of 100 KB', prediction({ features: { ['é'.repeat(50_000)]: 1 } }), /100000 bytes/],
  ['bad-prediction', 'an object as prediction', prediction({ prediction: {} }), /prediction is an object/],
  ['bad-prediction', 'a text that is no name', prediction({ prediction: long }), /257 bytes/],
  ['bad-score', 'text as score', prediction({ score: '0.5' }), /score is "0.5"/],
  ['bad-score', 'an infinite score', predictionText('{"id":"x","ts":1767225600,"score":1e999}'), /Infinity/],
  ['bad-score', 'text as the score of a class', prediction({ score: { yes: 'high' } }), /class "yes"/],
  ['bad-score', 'a list of scores', prediction({ score: [0.1, 0.9] }), /an array/],
  ['bad-segments', 'segments as text', prediction({ segments: 'DE' }), /a text/],
  ['bad-segments', 'an object as segment', prediction({ segments: { country: {} } }), /segment "country" is an object/],
  ['bad-segments', 'a segment value over 256 bytes', prediction({ segments: { country: long } }), /257 bytes/],
  ['bad-label', 'an object as inline label', prediction({ label: {} }), /label is an object/],
  ['no-label', 'feedback without a label', feedback({ id: 'x', ts: 1767225600 }), /missing/],
  ['no-label', 'feedback with a null label', feedback({ id: 'x', ts: 1767225600, label: null }), /missing/],
  ['bad-label', 'feedback with a list as label', feedback({ id: 'x', ts: 1767225600, label: [] }), /an array/],
  ['too-deep', 'nesting beyond 32 levels', prediction({ features: { tree: nested(40) } }), /32 levels/],
  ['too-large', 'more bytes than allowed', jsonDecoder(source, 'predictions', 100)(Buffer.alloc(101, 32), arrivedMs), /101 bytes/],
];

function nested(levels: number): unknown {
  return levels === 0 ? 1 : { inner: nested(levels - 1) };
}

describe('a record that cannot be used is refused with its reason and a sentence', () => {
  it.each(refused)('%s: %s', (reason, _what, record, detail) => {
    const found = refusal(record);
    expect(found.reason).toBe(reason);
    expect(found.detail).toMatch(detail);
  });

  it('says the model that it names, else that of the topic', () => {
    expect(refusal(prediction({ score: 'x' })).model).toBe('fraud');
    expect(refusal(prediction({ model: 3 })).model).toBe('topic:scored');
    expect(refusal(predictionText('hello')).model).toBe('topic:scored');
    expect(refusal(feedback({ id: 'x', ts: 1767225600 })).model).toBe('topic:scored');
  });

  it('never shows more than 80 characters of the record', () => {
    const secret = 's'.repeat(5_000);
    for (const record of [
      prediction({ ts: secret }),
      prediction({ model: secret }),
      prediction({ score: secret }),
      predictionText(secret),
    ]) {
      expect(refusal(record).detail.split('s'.repeat(80)).length).toBe(1);
    }
  });
});

describe('nesting', () => {
  it('of a million levels neither crashes nor is kept', () => {
    const levels = 500_000;
    expect(refusal(predictionText(`{"id":"x","ts":1767225600,"features":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`)).reason).toBe(
      'too-deep',
    );
    expect(predictionText(`{"id":"x","ts":1767225600,"unread":${'['.repeat(levels)}${']'.repeat(levels)}}`).kind).toBe('prediction');
  });
});

describe('whatever the bytes are', () => {
  const kinds = ['prediction', 'feedback', 'invalid', 'skipped'];
  const names = fc.constantFrom(
    'id',
    'ts',
    'model',
    'version',
    'features',
    'prediction',
    'score',
    'segments',
    'label',
    '__proto__',
    'constructor',
  );
  const values = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('a', '*', '', 1767225600, '2026-01-01T00:00:00Z', -1, 1e300, null, true),
    fc.dictionary(names, fc.jsonValue()),
  );

  it('a record comes out and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(kinds).toContain(decodePrediction(bytes, arrivedMs).kind);
        expect(kinds).toContain(decodeFeedback(bytes, arrivedMs).kind);
      }),
    );
  });

  it('objects with the names of the contract and any values give a record that keeps its types', () => {
    fc.assert(
      fc.property(fc.dictionary(names, values), (fields) => {
        const bytes = Buffer.from(JSON.stringify(fields));
        for (const record of [decodePrediction(bytes, arrivedMs), decodeFeedback(bytes, arrivedMs)]) {
          if (record.kind === 'invalid') expect(record.detail.length).toBeLessThan(300);
          else if (record.kind === 'prediction') {
            expect(record.id).not.toBe('');
            expect(Number.isSafeInteger(record.timeMs)).toBe(true);
            for (const value of Object.values(record.segments)) expect(typeof value).toBe('string');
          } else expect(record.kind).toBe('feedback');
        }
      }),
    );
  });
});
