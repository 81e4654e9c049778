import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FactSubject, factKey, parseFactKey } from '../../../src/core/detect/fact.ts';
import { InputError } from '../../../src/core/errors.ts';

const cell = { version: '*', segment: ['plan', 'free'] as const };
const subjects: readonly FactSubject[] = [
  { fact: 'node', model: 'fraud', cell, stepMs: 300_000, endMs: 600_000, part: 1 },
  { fact: 'baseline', model: 'fraud', cell: { version: '7', segment: null }, number: 2 },
  { fact: 'reference', model: 'fraud', cell, number: 2, series: 'amount' },
  { fact: 'predictions', model: 'fraud', version: '7', endMs: 600_000, part: 0 },
  { fact: 'feedback', model: 'fraud', endMs: 600_000, part: 0 },
  { fact: 'state', model: 'fraud', clock: 'label', endMs: 600_000, part: 0 },
  { fact: 'state', model: 'fraud', clock: 'data', endMs: 600_000, part: 3 },
  { fact: 'decided', dataEndMs: 600_000, labelEndMs: null },
];

describe('the key of a fact', () => {
  it.each(subjects)('says what a $fact is about', (subject) => {
    expect(parseFactKey(factKey(subject))).toEqual(subject);
  });

  it('is none for a barrier', () => {
    expect(parseFactKey('["barrier"]')).toBeNull();
  });

  it.each(['', 'null', '{}', '[]', '["node"]', '["node","fraud","*",["plan"],1,2,0]', '["state","fraud","noon",1]', '["tomorrow",1]'])(
    'that is %j is an error that says so',
    (key) => {
      expect(() => parseFactKey(key)).toThrow(InputError);
    },
  );

  it('is a fact, a barrier or an InputError, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (key) => {
        try {
          parseFactKey(key);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
    );
  });
});
