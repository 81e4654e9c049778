import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PaneStore } from '../../../src/core/detect/paneStore.ts';
import type { PartialRecord } from '../../../src/core/summarize/messages.ts';

function partial(change: Partial<PartialRecord> = {}): PartialRecord {
  return {
    type: 'partial',
    source: { role: 'predictions', topic: 'predictions', partition: 0 },
    chunk: 0,
    paneMs: 0,
    model: 'fraud',
    from: 0,
    to: 100,
    first: 0,
    complete: true,
    configHash: 'c',
    cells: [],
    counts: null,
    ...change,
  };
}

function winner(...partials: readonly PartialRecord[]): PartialRecord | undefined {
  const store = new PaneStore();
  for (const [offset, one] of partials.entries()) store.put(0, one, offset);
  return store.take(0).get('fraud')?.[0];
}

describe('of two partials of one identity', () => {
  const short = partial({ to: 50 });
  const long = partial({ to: 80 });
  const incomplete = partial({ complete: false, from: 10, to: 200 });

  it('the larger `to` wins where both are complete', () => {
    expect(winner(short, long)).toBe(long);
    expect(winner(long, short)).toBe(long);
  });

  it('the complete one wins, however far the other goes', () => {
    expect(winner(short, incomplete)).toBe(short);
    expect(winner(incomplete, short)).toBe(short);
  });

  it('the smaller `from`, then the larger `to` wins where both are incomplete', () => {
    const earlier = partial({ complete: false, from: 5, to: 60 });
    const further = partial({ complete: false, from: 10, to: 300 });
    expect(winner(incomplete, earlier)).toBe(earlier);
    expect(winner(further, incomplete)).toBe(further);
    expect(winner(incomplete, further)).toBe(further);
  });

  it('the same wins in every order', () => {
    // A complete partial covers its chunk from the beginning.
    const any = fc
      .record({ complete: fc.boolean(), from: fc.nat(3), to: fc.integer({ min: 4, max: 8 }) })
      .map(({ complete, from, to }) => partial({ complete, to, from: complete ? 0 : from }));
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 6 }), (partials) => {
        const forwards = winner(...partials);
        const backwards = winner(...[...partials].reverse());
        expect(backwards).toEqual(forwards);
      }),
    );
  });
});

describe('a pane store', () => {
  it('adds nothing twice and keeps chunks, partitions, topics and models apart', () => {
    const store = new PaneStore();
    const source = (topic: string, partition: number) => ({ role: 'predictions', topic, partition }) as const;
    const all = [
      partial({ source: source('b', 0) }),
      partial({ source: source('a', 10) }),
      partial({ source: source('a', 2), chunk: 1 }),
      partial({ source: source('a', 2), chunk: 0 }),
      partial({ model: 'churn' }),
    ];
    for (const one of [...all, ...all]) store.put(0, one, 0);
    const taken = store.take(0);
    expect(taken.get('fraud')?.map(({ source: { topic, partition }, chunk }) => [topic, partition, chunk])).toEqual([
      ['a', 2, 0],
      ['a', 2, 1],
      ['a', 10, 0],
      ['b', 0, 0],
    ]);
    expect(taken.get('churn')).toHaveLength(1);
    expect(store.take(0).size).toBe(0);
  });

  it('knows the offset that a restart must read from: the first record of an identity, whichever wins', () => {
    const store = new PaneStore();
    expect(store.lowestOffset).toBeNull();
    store.put(0, partial({ to: 10 }), 7);
    store.put(0, partial({ to: 20 }), 9);
    store.put(1, partial(), 8);
    expect(store.lowestOffset).toBe(7);
    store.take(0);
    expect(store.lowestOffset).toBe(8);
  });

  it('knows the first and the last pane', () => {
    const store = new PaneStore();
    expect([store.earliestPaneMs, store.latestPaneMs]).toEqual([null, null]);
    for (const paneMs of [20, 10, 30]) store.put(paneMs, partial(), 0);
    expect([store.earliestPaneMs, store.latestPaneMs]).toEqual([10, 30]);
  });
});
