import fc from 'fast-check';
import { expect, test } from 'vitest';
import { differences } from '../../../../src/sentry/provision/difference.ts';

test('nothing differs from itself, nor from itself with more fields', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (value, more) => {
      expect(differences(value, value)).toEqual([]);
      expect(differences({ value }, { [`${more}!`]: 1, value })).toEqual([]);
    }),
  );
});

test('another way of writing the same value is no difference', () => {
  expect(differences({ a: 40, b: null, c: '', d: '7' }, { a: '40', b: '', d: 7 })).toEqual([]);
});

test('a change is named by its place', () => {
  expect(differences({ config: { frequency: 60 }, enabled: true }, { config: { frequency: 5 }, enabled: false })).toEqual([
    { path: 'config.frequency', wanted: 60, found: 5 },
    { path: 'enabled', wanted: true, found: false },
  ]);
});

test('elements of a list are compared by what they are, in whatever order the server gives them', () => {
  const wanted = [
    { type: 'email', on: 1 },
    { type: 'slack', on: 1 },
  ];
  expect(
    differences(wanted, [
      { type: 'slack', on: 1, id: '3' },
      { type: 'email', on: 1, id: '4' },
    ]),
  ).toEqual([]);
  expect(differences(wanted, [{ type: 'slack', on: 2 }])).toEqual([
    { path: '0', wanted: wanted[0], found: null },
    { path: '1.on', wanted: 1, found: 2 },
  ]);
});

test('an element that nobody wants is a difference', () => {
  const extra = { type: 'pagerduty' };
  expect(differences({ actions: [{ type: 'email' }] }, { actions: [{ type: 'email' }, extra] })).toEqual([
    { path: 'actions.1', wanted: null, found: extra },
  ]);
});
