import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/core/errors.ts';
import { parseEvent } from '../../../src/core/incident/parseEvent.ts';
import { event, series } from '../../support/events.ts';

describe('an event of the events topic', () => {
  const opened = event('a', 0, 'opened', { segment: { country: 'DE' }, series: [series('amount'), series('age', { scale: '6h' })] });

  it('is the same record after the round trip, from text or bytes', () => {
    expect(parseEvent(JSON.stringify(opened))).toEqual(opened);
    expect(parseEvent(new TextEncoder().encode(JSON.stringify(opened)))).toEqual(opened);
  });

  it('leaves out members that this release does not know', () => {
    expect(parseEvent(JSON.stringify({ ...opened, weather: 'fine' }))).toEqual(opened);
  });

  it.each([
    ['no value', null, 'no value'],
    ['no JSON', '{', 'not JSON'],
    ['a list', '[]', 'event is not an object'],
    ['an id of another shape', JSON.stringify({ ...opened, id: 'x' }), 'id is not 32 lower-case hex digits'],
    ['an unknown step', JSON.stringify({ ...opened, step: 'closed' }), 'step is not one of opened'],
    [
      'a negative offset',
      JSON.stringify({ ...opened, source: [{ topic: 't', partition: 0, from: -1, to: 2 }] }),
      'source[0].from is not a whole number',
    ],
    [
      'an effect that is no number',
      JSON.stringify({ ...opened, series: [{ ...opened.series[0], effects: { psi: null } }] }),
      'series[0].effects.psi is not a number',
    ],
    ['a time that is none', JSON.stringify({ ...opened, windowEnd: 'soon' }), 'windowEnd is not an ISO 8601 time'],
  ])('is refused with the field and what was expected: %s', (_what, value, message) => {
    expect(() => parseEvent(value)).toThrow(InputError);
    expect(() => parseEvent(value)).toThrow(message);
  });

  it('is refused where its bytes are no UTF-8', () => {
    expect(() => parseEvent(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(InputError);
  });
});
