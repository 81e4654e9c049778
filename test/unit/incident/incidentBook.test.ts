import { describe, expect, it } from 'vitest';
import { dayMs, hourMs } from '../../../src/core/duration.ts';
import type { IncidentKind, Severity } from '../../../src/core/incident/event.ts';
import { IncidentBook } from '../../../src/core/incident/incidentBook.ts';
import type { Signal } from '../../../src/core/incident/signal.ts';
import type { AlertSettings } from '../../../src/core/settings.ts';
import type { SegmentKey } from '../../../src/core/summarize/messages.ts';
import { command } from '../../support/commands.ts';
import { series } from '../../support/events.ts';
import { modelSettings } from '../../support/settings.ts';

const hour = hourMs;
const day = dayMs;

interface Change {
  readonly name?: string;
  readonly version?: string | null;
  readonly segment?: SegmentKey;
  readonly kind?: IncidentKind;
  readonly severity?: Severity;
  readonly scaleMs?: number;
  readonly windowEndMs?: number;
  readonly p?: number;
  readonly newest?: Signal['newest'];
  readonly isBelowMinimum?: boolean;
  readonly isShownByWhole?: boolean;
  readonly describe?: Signal['describe'];
}

const alpha = 1e-4;

/** A comparison that breaches unless `p` says otherwise. */
function signal(change: Change = {}): Signal {
  const { name = 'amount', version = null, segment = null, p = 1e-9, ...rest } = change;
  return {
    key: JSON.stringify([name, version, segment]),
    name,
    version,
    segment,
    kind: 'drift',
    severity: 'info',
    scaleMs: hour,
    windowEndMs: hour,
    p,
    alpha,
    isBreach: p <= alpha,
    isBelowMinimum: false,
    newest: p <= 10 * alpha ? 'shows' : 'unknown',
    isShownByWhole: false,
    describe: () => series(name, { p }),
    ...rest,
  };
}

const breach = signal();
const quiet = (change: Change = {}) => signal({ ...change, p: 0.5 });

function newBook(change: Partial<AlertSettings> = {}): IncidentBook {
  return new IncidentBook('g', 'fraud', { ...modelSettings().alerts, ...change });
}

/** What a book says to signals that come at the given times. */
function play(book: IncidentBook, moments: readonly (readonly [timeMs: number, signals: readonly Signal[]])[]): string[] {
  return moments.flatMap(([timeMs, signals]) => book.advance(timeMs, signals).map((step) => `${timeMs / hour}h ${step.kind} ${step.step}`));
}

/** A book whose incident opened at one hour. */
function opened(cause: Signal = breach, change: Partial<AlertSettings> = {}): IncidentBook {
  const book = newBook({ openAfter: 1, ...change });
  book.advance(hour, [cause]);
  expect(book.openCount).toBe(1);
  return book;
}

describe('an incident opens', () => {
  it('after k breaches of a scale in a row', () => {
    const moments = [
      [hour, [breach]],
      [2 * hour, [quiet()]],
      [3 * hour, [breach]],
      [4 * hour, [breach]],
    ] as const;
    expect(play(newBook(), moments)).toEqual(['4h drift opened']);
  });

  it('not from breaches of different scales', () => {
    const other = signal({ scaleMs: 6 * hour });
    expect(
      play(newBook(), [
        [hour, [breach, other]],
        [2 * hour, [quiet(), other]],
      ]),
    ).toEqual(['2h drift opened']);
    expect(
      play(newBook(), [
        [hour, [breach]],
        [2 * hour, [quiet(), other]],
      ]),
    ).toEqual([]);
  });

  it('also where windows with too little data lie between: they neither count nor break', () => {
    expect(
      play(newBook(), [
        [hour, [breach]],
        [2 * hour, []],
        [3 * hour, [breach]],
      ]),
    ).toEqual(['3h drift opened']);
  });

  it('not from breaches more than a day apart', () => {
    expect(
      play(newBook(), [
        [hour, [breach]],
        [12 * hour, []],
        [26 * hour, []],
        [27 * hour, [breach]],
      ]),
    ).toEqual([]);
  });

  it('not for what is over, however often it breaches', () => {
    const over = signal({ newest: 'over' });
    expect(
      play(newBook(), [
        [hour, [over]],
        [2 * hour, [over]],
        [3 * hour, [over]],
        [4 * hour, [breach]],
      ]),
    ).toEqual(['4h drift opened']);
  });

  it('once per kind and segment, with all the series that breach', () => {
    const book = newBook({ openAfter: 1 });
    const steps = book.advance(hour, [
      breach,
      signal({ name: 'age' }),
      signal({ name: 'country', kind: 'quality', severity: 'error' }),
      signal({ name: 'plan', segment: ['plan', 'free'] }),
    ]);
    expect(steps.map((step) => [step.kind, step.segment?.[1] ?? null, step.series.map((one) => one.name)])).toEqual([
      ['quality', null, ['country']],
      ['drift', null, ['age', 'amount']],
      ['drift', 'free', ['plan']],
    ]);
    expect(new Set(steps.map((step) => step.incident)).size).toBe(3);
  });

  it('not for a segment whose deviation the whole model shows', () => {
    const book = newBook({ openAfter: 1 });
    expect(book.advance(hour, [signal({ segment: ['plan', 'free'], isShownByWhole: true })])).toEqual([]);
  });

  it('and names the series that are moving too, at whichever scale', () => {
    const book = newBook({ openAfter: 1 });
    const [step] = book.advance(hour, [breach, signal({ name: 'weak', p: 0.009 }), signal({ name: 'still', p: 0.02 })], () => [
      signal({ name: 'slow', p: 0.001, scaleMs: 24 * hour }),
      signal({ name: 'elsewhere', segment: ['plan', 'free'] }),
    ]);
    expect(step?.series.map(({ name, joined }) => [name, joined])).toEqual([
      ['amount', true],
      ['slow', false],
      ['weak', false],
    ]);
  });

  it('under an id that names group, model, kind, segment and start, and nothing else', () => {
    const ids = [signal(), signal({ name: 'age', p: 1e-6 }), signal({ kind: 'quality' }), signal({ segment: ['plan', 'free'] })].map(
      (cause) => newBook({ openAfter: 1 }).advance(hour, [cause])[0]?.incident,
    );
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('an open incident', () => {
  it('is escalated by a series that joins, at most once per cooldown', () => {
    const book = opened(breach, { cooldownMs: hour });
    const joining = (name: string) => [breach, signal({ name })];
    const moments = [
      [1.5 * hour, joining('age')],
      [1.75 * hour, joining('country')],
      [2 * hour, [breach]],
      [2.5 * hour, joining('plan')],
      [3 * hour, [breach]],
    ] as const;
    expect(play(book, moments)).toEqual(['2h drift escalated', '3h drift escalated']);
  });

  it('lets a series join only after its own k breaches in a row', () => {
    const book = newBook({ cooldownMs: 0 });
    const age = signal({ name: 'age' });
    expect(
      play(book, [
        [hour, [breach]],
        [2 * hour, [breach, age]],
        [3 * hour, [breach, age]],
      ]),
    ).toEqual(['2h drift opened', '3h drift escalated']);
  });

  it('is escalated when a series that was moving too breaches', () => {
    const book = newBook({ openAfter: 1, cooldownMs: 0 });
    book.advance(hour, [breach, signal({ name: 'age', p: 0.005 })]);
    const [step] = book.advance(2 * hour, [breach, signal({ name: 'age' })]);
    expect(step?.step).toBe('escalated');
    expect(step?.series.map(({ name, joined }) => [name, joined])).toEqual([
      ['age', true],
      ['amount', true],
    ]);
  });

  it('takes the worst severity of what joined it', () => {
    const book = opened(breach, { cooldownMs: 0 });
    const [step] = book.advance(2 * hour, [breach, signal({ name: 'score', severity: 'warning' })]);
    expect([step?.step, step?.severity]).toEqual(['escalated', 'warning']);
  });

  it('is reminded of once per `remindEvery` without news', () => {
    const book = opened();
    const moments = Array.from({ length: 60 }, (_, index) => [(index + 2) * hour, [breach]] as const);
    expect(play(book, moments)).toEqual(['25h drift reminded', '49h drift reminded']);
  });

  it('numbers its steps without a hole', () => {
    const book = opened(breach, { cooldownMs: 0 });
    const ordinals = [
      book.advance(2 * hour, [breach, signal({ name: 'age' })]),
      book.advance(27 * hour, [breach, signal({ name: 'age' })]),
      book.advance(28 * hour, [quiet(), quiet({ name: 'age' })]),
      book.advance(29 * hour, [quiet(), quiet({ name: 'age' })]),
    ].flatMap((steps) => steps.map((step) => `${step.ordinal} ${step.step}`));
    expect(ordinals).toEqual(['1 escalated', '2 reminded', '3 recovered']);
  });
});

describe('what a step tells of a series', () => {
  const at = (scaleMs: number, name: string, n: number, change: Change = {}) =>
    signal({ name, scaleMs, describe: () => series(name, { n, p: change.p ?? 1e-9 }), ...change });

  it('is how the shortest scale that shows it sees it, at that scale; a longer one takes over where that no longer does', () => {
    const book = newBook({ openAfter: 1, remindEveryMs: hour });
    const told = (timeMs: number, signals: Signal[]) =>
      book.advance(timeMs, signals).map(({ scaleMs, series: [first] }) => [scaleMs / hour, first?.n]);
    expect(told(hour, [at(hour, 'amount', 10)])).toEqual([[1, 10]]);
    expect(told(2 * hour, [at(hour, 'amount', 11), at(6 * hour, 'amount', 60)])).toEqual([[1, 11]]);
    expect(told(3 * hour, [at(hour, 'amount', 12, { p: 0.5 }), at(6 * hour, 'amount', 61)])).toEqual([[6, 61]]);
    expect(told(4 * hour, [at(hour, 'amount', 13)])).toEqual([[1, 13]]);
  });

  it('names the scale of a series that is seen at another one than the first', () => {
    const book = newBook({ openAfter: 1 });
    const [step] = book.advance(hour, [at(hour, 'amount', 10, { p: 1e-12 }), at(6 * hour, 'age', 60)]);
    expect(step).toMatchObject({ scaleMs: hour, leading: { scaleMs: hour } });
    expect(step?.series.map(({ name, scale }) => [name, scale])).toEqual([
      ['amount', undefined],
      ['age', '6h'],
    ]);
  });

  it('begins with the end of the first window that showed it, which may lie before the moment when that was known', () => {
    const book = newBook({ openAfter: 1 });
    const [step] = book.advance(day, [signal({ kind: 'performance', windowEndMs: day - 2 * hour })]);
    expect(step).toMatchObject({ startMs: day, sinceMs: day - 2 * hour });
    expect(step?.series[0]?.since).toBe(new Date(day - 2 * hour).toISOString());
  });
});

describe('an incident recovers', () => {
  it('after `recoverAfter` quiet evaluations in a row', () => {
    const moments = [
      [2 * hour, [quiet()]],
      [3 * hour, [breach]],
      [4 * hour, [quiet()]],
      [5 * hour, [quiet()]],
    ] as const;
    expect(play(opened(), moments)).toEqual(['5h drift recovered']);
  });

  it('not while p is at most ten times alpha, unless the effect is below the minimum', () => {
    const near = signal({ p: 5 * alpha });
    expect(
      play(opened(), [
        [2 * hour, [near]],
        [3 * hour, [near]],
        [4 * hour, [near]],
      ]),
    ).toEqual([]);
    const small = signal({ p: 5 * alpha, isBelowMinimum: true });
    expect(
      play(opened(), [
        [2 * hour, [small]],
        [3 * hour, [small]],
      ]),
    ).toEqual(['3h drift recovered']);
  });

  it('when the newest third no longer shows it, although the window breaches still', () => {
    const over = signal({ newest: 'over' });
    expect(
      play(opened(), [
        [2 * hour, [over]],
        [3 * hour, [over]],
      ]),
    ).toEqual(['3h drift recovered']);
  });

  it('not because there is too little data to show anything', () => {
    const unknown = signal({ p: 5 * alpha, newest: 'unknown' });
    expect(
      play(opened(), [
        [2 * hour, []],
        [3 * hour, [unknown]],
        [4 * hour, [unknown]],
        [5 * hour, []],
      ]),
    ).toEqual([]);
  });

  it('only when no scale that saw it shows it any more', () => {
    const book = newBook({ openAfter: 1 });
    const long = { scaleMs: 24 * hour };
    book.advance(2 * hour, [breach, signal(long)]);
    // A night of quiet short windows, while the long one sees the fault at each of its steps.
    const night = Array.from(
      { length: 12 },
      (_, index) => [(3 + index) * hour, index % 2 === 1 ? [quiet(), signal(long)] : [quiet()]] as const,
    );
    expect(play(book, night)).toEqual([]);
    expect(
      play(book, [
        [15 * hour, [quiet(), quiet(long)]],
        [17 * hour, [quiet(), quiet(long)]],
      ]),
    ).toEqual(['17h drift recovered']);
  });

  it('only when no longer scale is near it, although that one never breached', () => {
    const near = signal({ scaleMs: 24 * hour, p: 5 * alpha });
    const moments = [
      [2 * hour, [quiet(), near]],
      [3 * hour, [quiet()]],
      [4 * hour, [quiet(), quiet({ scaleMs: 24 * hour })]],
      [6 * hour, [quiet(), quiet({ scaleMs: 24 * hour })]],
    ] as const;
    expect(play(opened(), moments)).toEqual(['6h drift recovered']);
  });

  it('without asking scales that never saw it', () => {
    const far = signal({ scaleMs: 24 * hour, p: 0.005 });
    expect(
      play(opened(), [
        [2 * hour, [quiet(), far]],
        [3 * hour, [quiet()]],
      ]),
    ).toEqual(['3h drift recovered']);
  });

  it('when every series that joined has, and not for those that were only moving too', () => {
    const book = newBook({ openAfter: 1 });
    const moving = signal({ name: 'moving', p: 0.005 });
    book.advance(hour, [breach, signal({ name: 'age' }), moving]);
    const moments = [
      [2 * hour, [quiet(), signal({ name: 'age' }), moving]],
      [3 * hour, [quiet(), quiet({ name: 'age' }), moving]],
      [4 * hour, [quiet({ name: 'age' }), moving]],
    ] as const;
    expect(play(book, moments)).toEqual(['4h drift recovered']);
  });

  it('a day after its last breach, even where nothing can be tested any more', () => {
    expect(
      play(opened(), [
        [24 * hour, []],
        [25 * hour, []],
      ]),
    ).toEqual(['25h drift recovered']);
  });

  it('a step after its last breach where the steps of its scale are longer than a day', () => {
    const monthly = signal({ scaleMs: 30 * day });
    const book = opened(monthly, { remindEveryMs: 30 * day });
    expect(
      play(book, [
        [hour + 2 * day, []],
        [hour + 2.5 * day, [monthly]],
        [hour + 4.5 * day, []],
      ]),
    ).toEqual([]);
    expect(play(book, [[hour + 5 * day, []]])).toEqual(['121h drift recovered']);
  });

  it('and does not come back by one breach: a series that recovered needs k in a row again', () => {
    const book = newBook();
    const age = { name: 'age' };
    play(book, [
      [hour, [breach, signal(age)]],
      [2 * hour, [breach, signal(age)]],
      [3 * hour, [quiet(), signal(age)]],
      [4 * hour, [quiet(), signal(age)]],
    ]);
    expect(book.names(breach.key)).toBe(false);
    book.advance(5 * hour, [breach, signal(age)]);
    expect(book.names(breach.key)).toBe(false);
    book.advance(6 * hour, [breach, signal(age)]);
    expect(book.names(breach.key)).toBe(true);
  });
});

describe('a series whose deciding statistic changes', () => {
  const missing = signal({ kind: 'quality', severity: 'error' });

  it('keeps its incident open, whichever statistic wins', () => {
    const book = opened(missing);
    const moments = Array.from({ length: 30 }, (_, index) => [(2 + index) * hour, [index % 2 === 0 ? breach : missing]] as const);
    expect(play(book, moments)).toEqual(['25h quality reminded']);
  });

  it('opens no drift incident while an incident of broken data names it', () => {
    expect(
      play(opened(missing), [
        [2 * hour, [breach]],
        [3 * hour, [breach]],
        [4 * hour, [breach]],
      ]),
    ).toEqual([]);
  });

  it('opens an incident of broken data although a drift incident names it', () => {
    expect(play(opened(), [[2 * hour, [missing]]])).toEqual(['2h quality opened']);
  });

  it('opens one of broken data alone where two scales disagree', () => {
    expect(play(newBook({ openAfter: 1 }), [[hour, [breach, signal({ kind: 'quality', scaleMs: 6 * hour })]]])).toEqual([
      '1h quality opened',
    ]);
  });
});

describe('incidents that follow each other', () => {
  const recovered = () => {
    const book = opened();
    book.advance(2 * hour, [quiet()]);
    book.advance(3 * hour, [quiet()]);
    expect(book.openCount).toBe(0);
    return book;
  };
  const first = newBook({ openAfter: 1 }).advance(hour, [breach])[0]?.incident;

  it('are one chain within `reopenWithin`, under new ids', () => {
    const [step] = recovered().advance(27 * hour, [breach]);
    expect(step?.chain).toBe(first);
    expect(step?.incident).not.toBe(first);
    expect(step?.ordinal).toBe(0);
  });

  it('begin a new chain later, or at another place', () => {
    const [late] = recovered().advance(27 * hour + 1, [breach]);
    expect(late?.chain).toBe(late?.incident);
    const [elsewhere] = recovered().advance(4 * hour, [signal({ segment: ['plan', 'free'] })]);
    expect(elsewhere?.chain).toBe(elsewhere?.incident);
  });
});

describe('an incident ends', () => {
  it('when all its series belong to what has had no data for a day', () => {
    const book = newBook({ openAfter: 1 });
    book.advance(hour, [signal({ name: 'score', version: '7' }), signal({ name: 'prediction', version: '8' })]);
    expect(book.end(2 * hour, (version) => version === '7')).toEqual([]);
    expect(book.end(3 * hour, () => true).map((step) => step.step)).toEqual(['ended']);
    expect(book.openCount).toBe(0);
  });
});

describe('a book that is restored from its snapshot', () => {
  it('goes on as the one that never stopped', () => {
    const moments = Array.from({ length: 80 }, (_, index): [number, Signal[]] => [
      index * hour,
      [
        index % 23 < 9 ? breach : quiet(),
        signal({ name: 'age', p: index % 17 < 4 ? 1e-8 : 0.2, scaleMs: 6 * hour }),
        index % 31 < 6 ? signal({ kind: 'quality', name: 'country' }) : quiet({ name: 'country' }),
      ],
    ]);
    const whole = newBook({ remindEveryMs: 3 * hour });
    const expected = moments.map(([timeMs, signals]) => whole.advance(timeMs, signals));
    let broken = newBook({ remindEveryMs: 3 * hour });
    const actual = moments.map(([timeMs, signals]) => {
      const snapshot = JSON.parse(JSON.stringify(broken.snapshot()));
      broken = newBook({ remindEveryMs: 3 * hour });
      broken.restore(snapshot);
      return broken.advance(timeMs, signals);
    });
    expect(actual).toEqual(expected);
    expect(new Set(expected.flat().map((step) => step.step))).toEqual(new Set(['opened', 'escalated', 'reminded', 'recovered']));
  });
});

describe('a mute', () => {
  const every = (hours: readonly number[], signals: readonly Signal[]) => hours.map((at) => [at * hour, signals] as const);

  it('lets nothing open until its time, and then what still lasts', () => {
    const book = newBook();
    book.command(0, command('mute', { untilMs: 5 * hour }));
    expect(play(book, every([1, 2, 3, 4, 5, 6, 7], [breach]))).toEqual(['6h drift opened']);
  });

  it('tells nothing of what is open but its recovery', () => {
    const muted = newBook({ remindEveryMs: 2 * hour });
    expect(play(muted, every([1, 2], [breach]))).toEqual(['2h drift opened']);
    muted.command(2 * hour, command('mute', { untilMs: 100 * hour }));
    expect(play(muted, every([3, 4, 5, 6, 7], [breach, signal({ name: 'age', severity: 'error' })]))).toEqual([]);
    expect(play(muted, every([8, 9, 10], [quiet()]))).toEqual(['9h drift recovered']);
  });

  it('may be of a kind, a segment or a series; the others go on', () => {
    const of = (over: Parameters<typeof command>[1]) => {
      const book = newBook();
      book.command(0, command('mute', over));
      const signals = [breach, signal({ name: 'age', kind: 'quality' }), signal({ segment: ['plan', 'free'] })];
      return book.advance(hour, signals).length + book.advance(2 * hour, signals).length;
    };
    expect(of({ kind: 'estimate' })).toBe(3);
    expect(of({ kind: 'quality' })).toBe(2);
    expect(of({ segment: ['plan', 'free'] })).toBe(2);
    expect(of({ series: ['amount'] })).toBe(1);
    expect(of({})).toBe(0);
  });

  it('ends with unmute, for what that names', () => {
    const book = newBook();
    book.command(0, command('mute', { series: ['amount'] }));
    book.command(0, command('unmute', { kind: 'quality' }));
    expect(play(book, every([1, 2], [breach]))).toEqual([]);
    book.command(0, command('unmute', { series: ['amount', 'age'] }));
    expect(play(book, every([3], [breach]))).toEqual(['3h drift opened']);
  });
});

describe('an accepted change', () => {
  it('ends what is open in its segment and begins a new chain', () => {
    const book = newBook();
    const signals = [breach, signal({ segment: ['plan', 'free'] })];
    book.advance(hour, signals);
    const [whole, part] = book.advance(2 * hour, signals);
    const [end, ...others] = book.command(3 * hour, command('accept', { segment: ['plan', 'free'] }));
    expect(end).toMatchObject({ step: 'ended', incident: part?.incident, closing: { action: 'accepted', by: 'ada' } });
    expect(others).toEqual([]);
    expect(book.openCount).toBe(1);
    expect(book.command(3 * hour, command('accept'))).toMatchObject([{ incident: whole?.incident }]);
    book.advance(4 * hour, [breach]);
    const [again] = book.advance(5 * hour, [breach]);
    expect(again?.step).toBe('opened');
    expect(again?.chain).not.toBe(whole?.chain);
  });
});

describe('the end of an incident', () => {
  it('says when each series was furthest off', () => {
    const book = newBook();
    const at = (effect: number) => signal({ describe: () => series('amount', { effects: { effect }, current: { observed: effect } }) });
    const moments = [0.2, 0.3, -0.9, 0.4].map((effect, index) => [(index + 1) * hour, [at(effect)]] as const);
    for (const [timeMs, signals] of moments)
      book.advance(
        timeMs,
        signals.map((one) => ({ ...one, windowEndMs: timeMs })),
      );
    book.advance(5 * hour, [quiet()]);
    const [end] = book.advance(6 * hour, [quiet()]);
    expect(end?.series[0]?.worst).toEqual({
      at: new Date(3 * hour).toISOString(),
      statistic: 'loc',
      effect: -0.9,
      observed: -0.9,
      expected: 0,
    });
    expect(book.snapshot().open).toEqual([]);
  });
});
