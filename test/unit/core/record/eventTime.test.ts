import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEventTime, parseIsoTime } from '../../../../src/core/record/eventTime.ts';

const moment = Date.UTC(2026, 2, 14, 15, 9, 26, 535);

describe('an event time', () => {
  it.each([
    ['epoch seconds', 1773500966.535],
    ['epoch milliseconds', 1773500966535],
    ['epoch microseconds', 1773500966535897],
    ['epoch nanoseconds', 1773500966535897900],
    ['digits as text', '1773500966535897932'],
    ['ISO 8601 with Z', '2026-03-14T15:09:26.535Z'],
    ['ISO 8601 with nanoseconds', '2026-03-14T15:09:26.535897932Z'],
    ['ISO 8601 with an offset', '2026-03-14T20:39:26.535+05:30'],
    ['ISO 8601 with an offset without a colon', '2026-03-14T07:09:26.535-0800'],
    ['ISO 8601 with an offset of hours', '2026-03-14T16:09:26,535+01'],
    ['ISO 8601 without a zone, which is UTC', '2026-03-14 15:09:26.535'],
  ])('is read from %s', (_what, value) => {
    expect(parseEventTime(value)).toBe(moment);
  });

  it.each([
    ['seconds with one decimal place of binary rounding', 1767225600.001, Date.UTC(2026, 0, 1) + 1],
    ['a date alone', '2026-01-01', Date.UTC(2026, 0, 1)],
    ['minutes alone', '2026-01-01T12:30Z', Date.UTC(2026, 0, 1, 12, 30)],
    ['a leap second', '2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
  ])('is exact for %s', (_what, value, expected) => {
    expect(parseEventTime(value)).toBe(expected);
  });

  it.each([
    null,
    undefined,
    true,
    {},
    [],
    '',
    'now',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00 Z',
    '2026-01-01T00:00:00+1',
    '2026-01-01T00:00:00Zulu',
    '01/02/2026',
    '20260101',
    Number.POSITIVE_INFINITY,
    Number.NaN,
    -1,
    0,
    631_151_999,
    7_258_118_400,
    1e30,
  ])('is not %j', (value) => {
    expect(parseEventTime(value)).toBeNaN();
  });

  it('agrees with Date for every moment of years 0 to 9999', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          expect(parseIsoTime(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });

  it('tells the unit of every moment between 1990 and 2199', () => {
    const seconds = fc.integer({ min: 631_152_000, max: 7_258_118_399 });
    fc.assert(
      fc.property(seconds, (second) => {
        for (const unit of [1, 1e3, 1e6]) expect(parseEventTime(second * unit)).toBe(second * 1_000);
        expect(parseEventTime(`${second}000000000`)).toBe(second * 1_000);
      }),
    );
  });
});
