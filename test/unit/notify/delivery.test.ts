import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeliveryQueue, retryDelayMs } from '../../../src/core/incident/delivery.ts';
import type { IncidentStep } from '../../../src/core/incident/event.ts';
import { event, hex } from '../../support/events.ts';

const one = () => 1_000;

function queueOf(...events: ReturnType<typeof event>[]): DeliveryQueue {
  const queue = new DeliveryQueue(new Map(), 0);
  for (const [offset, each] of events.entries()) queue.add(offset, each);
  return queue;
}

/** What is delivered when everything is accepted at once. */
function drain(queue: DeliveryQueue): string[] {
  const steps: string[] = [];
  for (let taken = queue.take(0, 100); taken.length > 0; taken = queue.take(0, 100)) {
    for (const each of taken) {
      steps.push(`${each.ordinal} ${each.step}`);
      queue.settle(each);
    }
  }
  return steps;
}

describe('the delivery queue of a partition', () => {
  it('gives out one event per incident at a time, by ordinal', () => {
    const queue = queueOf(event('a', 0, 'opened'), event('a', 1, 'escalated'), event('b', 0, 'opened'));
    const first = queue.take(0, 100);
    expect(first.map(({ incident, ordinal }) => [incident, ordinal])).toEqual([
      [hex('a'), 0],
      [hex('b'), 0],
    ]);
    expect(queue.take(0, 100)).toEqual([]);
    for (const each of first) queue.settle(each);
    expect(queue.take(0, 100).map(({ ordinal }) => ordinal)).toEqual([1]);
  });

  it('orders by ordinal what a late writer appended out of order', () => {
    expect(drain(queueOf(event('a', 1, 'escalated'), event('a', 0, 'opened')))).toEqual(['0 opened', '1 escalated']);
  });

  it('never gives out an ordinal that was delivered before the restart', () => {
    const queue = new DeliveryQueue(new Map([[hex('a'), 1]]), 0);
    expect(queue.add(0, event('a', 0, 'opened'))).toHaveLength(1);
    expect(queue.add(1, event('a', 1, 'escalated'))).toHaveLength(1);
    queue.add(2, event('a', 2, 'recovered'));
    expect(drain(queue)).toEqual(['2 recovered']);
  });

  it('takes the repeated write of a zombie for nothing, before and after the delivery', () => {
    const queue = queueOf(event('a', 0, 'opened'), event('a', 0, 'opened'));
    expect(drain(queue)).toEqual(['0 opened']);
    queue.add(2, event('a', 0, 'opened'));
    expect(drain(queue)).toEqual([]);
    expect(queue.position).toBe(3);
  });

  it('lets later reminders, and the end, stand for earlier reminders', () => {
    expect(drain(queueOf(event('a', 0, 'opened'), event('a', 1, 'reminded'), event('a', 2, 'reminded')))).toEqual([
      '0 opened',
      '2 reminded',
    ]);
    expect(drain(queueOf(event('b', 0, 'opened'), event('b', 1, 'reminded'), event('b', 2, 'ended')))).toEqual(['0 opened', '2 ended']);
  });

  it('lets the last escalation stand for the earlier ones, and keeps it when the incident is over', () => {
    const steps: IncidentStep[] = ['opened', 'escalated', 'reminded', 'escalated', 'recovered'];
    expect(drain(queueOf(...steps.map((step, ordinal) => event('a', ordinal, step))))).toEqual(['0 opened', '3 escalated', '4 recovered']);
  });

  it('tells of one end where two settings of reminders gave the incident two', () => {
    expect(drain(queueOf(event('a', 0, 'opened'), event('a', 2, 'recovered'), event('a', 1, 'recovered')))).toEqual([
      '0 opened',
      '2 recovered',
    ]);
  });

  it('still sends an opening that was never delivered when the incident is over: no incident is lost', () => {
    expect(drain(queueOf(event('a', 0, 'opened'), event('a', 1, 'recovered')))).toEqual(['0 opened', '1 recovered']);
  });

  it('knows of an event in flight whether its incident has ended behind it, and of no other incident', () => {
    const again = event('again', 0, 'opened', { chain: hex('first'), start: '2026-03-01T15:00:00.000Z' });
    const queue = queueOf(event('first', 0, 'opened'), event('first', 1, 'recovered'), again, event('lasts', 0, 'opened'));
    const ends = new Map<string, string | undefined>();
    for (let taken = queue.take(0, 100); taken.length > 0; taken = queue.take(0, 100)) {
      for (const each of taken) {
        ends.set(each.id, queue.endBehind(each)?.step);
        queue.settle(each);
      }
    }
    expect(ends.get(hex('first/0'))).toBe('recovered');
    expect([hex('first/1'), hex('again/0'), hex('lasts/0')].map((id) => ends.get(id))).toEqual([undefined, undefined, undefined]);
  });

  it('can hold back what is over until what goes on has been taken', () => {
    const again = event('again', 0, 'opened', { chain: hex('back'), start: '2026-03-01T15:00:00.000Z' });
    const queue = queueOf(
      event('over', 0, 'opened'),
      event('over', 1, 'ended'),
      event('back', 0, 'opened'),
      event('back', 1, 'recovered'),
      again,
      event('lasts', 0, 'opened'),
    );
    expect(queue.take(0, 100, 'open').map(({ id }) => id)).toEqual([hex('back/0'), hex('lasts/0')]);
    expect(queue.take(0, 100).map(({ id }) => id)).toEqual([hex('over/0')]);
  });

  it('gives out at once what waits for its next attempt, when the server is back', () => {
    const queue = queueOf(event('a', 0, 'opened'));
    for (const each of queue.take(0, 1)) queue.postpone(each, 0, one);
    queue.retryNow();
    expect(queue.take(1, 1)).toHaveLength(1);
  });

  it('keeps a pause that was asked for, however short its own and whether or not the server is back', () => {
    const queue = queueOf(event('a', 0, 'opened'));
    for (const each of queue.take(0, 1)) queue.postpone(each, 0, one, 60_000);
    queue.retryNow();
    expect(queue.nextDueMs()).toBe(60_000);
    expect(queue.take(59_999, 1)).toEqual([]);
    expect(queue.take(60_000, 1)).toHaveLength(1);
  });

  it('does not touch what is in flight, and collapses it once the attempt has failed', () => {
    const queue = queueOf(event('a', 1, 'reminded'));
    const [reminded] = queue.take(0, 1);
    expect(reminded?.ordinal).toBe(1);
    expect(queue.add(1, event('a', 2, 'reminded'))).toEqual([]);
    if (reminded !== undefined) queue.postpone(reminded, 0, one);
    expect(queue.take(999, 1)).toEqual([]);
    expect(queue.take(1_000, 1).map(({ ordinal }) => ordinal)).toEqual([2]);
  });

  it('lets other incidents go on while one waits for its next attempt', () => {
    const queue = queueOf(event('a', 0, 'opened'), event('b', 0, 'opened'));
    const [first] = queue.take(0, 1);
    if (first !== undefined) expect(queue.postpone(first, 0, one)).toBe(1);
    expect(queue.take(1, 10).map(({ incident }) => incident)).toEqual([hex('b')]);
    expect(queue.nextDueMs()).toBe(1_000);
  });

  it('holds the position back at the first undelivered event, whatever was delivered after it', () => {
    const queue = queueOf(event('a', 0, 'opened'), event('b', 0, 'opened'), event('c', 0, 'opened'));
    queue.advance(10);
    const [a, b, c] = queue.take(0, 3);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three events are due');
    queue.settle(b);
    expect(queue.position).toBe(0);
    queue.settle(a);
    expect(queue.position).toBe(2);
    queue.settle(c);
    expect(queue.position).toBe(10);
  });

  it('delivers the end of an incident before the beginning of the one that reopens its issue, and nothing of both at once', () => {
    const chain = hex('first');
    const again = { chain, start: '2026-03-01T15:00:00.000Z' };
    const queue = queueOf(
      event('again', 0, 'opened', again),
      event('first', 0, 'opened'),
      event('first', 1, 'recovered'),
      event('again', 1, 'recovered', again),
    );
    const order: string[] = [];
    for (let taken = queue.take(0, 100); taken.length > 0; taken = queue.take(0, 100)) {
      expect(taken).toHaveLength(1);
      for (const each of taken) {
        order.push(each.id);
        queue.settle(each);
      }
    }
    expect(order).toEqual(['first/0', 'first/1', 'again/0', 'again/1'].map(hex));
  });

  it('drops what a zombie appends of an earlier step while a later one is in flight', () => {
    const queue = queueOf(event('a', 1, 'escalated'));
    const [escalated] = queue.take(0, 1);
    queue.add(1, event('a', 0, 'opened'));
    if (escalated !== undefined) queue.settle(escalated);
    expect([queue.take(0, 1), queue.position]).toEqual([[], 2]);
  });

  it('refuses to settle what is not in flight', () => {
    expect(() => queueOf(event('a', 0, 'opened')).settle(event('a', 0, 'opened'))).toThrow(RangeError);
  });

  it('delivers every opening and every end exactly once, in order, however attempts fail and writes repeat', () => {
    const later: IncidentStep[] = ['escalated', 'reminded'];
    const history = fc
      .array(fc.constantFrom(...later), { maxLength: 6 })
      .map((middle): IncidentStep[] => ['opened', ...middle, 'recovered']);
    fc.assert(
      fc.property(fc.array(history, { minLength: 1, maxLength: 4 }), fc.infiniteStream(fc.nat(3)), (histories, choices) => {
        const choose = () => choices.next().value ?? 0;
        // Incidents 0 and 1 are a chain, 2 and 3 another.
        const log = histories.flatMap((steps, index) =>
          steps.map((step, ordinal) =>
            event(`incident ${index}`, ordinal, step, {
              chain: hex(`incident ${index - (index % 2)}`),
              start: `2026-03-01T1${index}:00:00.000Z`,
            }),
          ),
        );
        const newestStart = new Map<string, string>();
        const queue = new DeliveryQueue(new Map(), 0);
        const seen: string[] = [];
        const lastOrdinal = new Map<string, number>();
        let offset = 0;
        let nowMs = 0;
        const step = () => {
          nowMs += 1_000;
          for (const each of queue.take(nowMs, 2)) {
            if (choose() === 0) {
              queue.postpone(each, nowMs, (attempts) => attempts * 1_500);
            } else {
              expect(each.ordinal).toBeGreaterThan(lastOrdinal.get(each.incident) ?? -1);
              lastOrdinal.set(each.incident, each.ordinal);
              expect(each.start >= (newestStart.get(each.chain) ?? '')).toBe(true);
              newestStart.set(each.chain, each.start);
              seen.push(each.id);
              queue.settle(each);
            }
          }
        };
        for (const each of log) {
          for (let copies = choose() === 0 ? 2 : 1; copies > 0; copies -= 1) queue.add(offset++, each);
          if (choose() !== 0) step();
        }
        for (let rounds = 0; queue.size > 0 && rounds < 10_000; rounds += 1) step();
        expect(new Set(seen).size).toBe(seen.length);
        const must = log.filter(({ step: of }) => of === 'opened' || of === 'recovered');
        expect(must.every(({ id }) => seen.includes(id))).toBe(true);
        expect(queue.position).toBe(offset);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the backoff schedule', () => {
  it('doubles from a second to five minutes, and spreads its upper half', () => {
    expect([1, 2, 3, 9, 10, 500].map((attempts) => retryDelayMs(attempts, 0))).toEqual([500, 1_000, 2_000, 128_000, 150_000, 150_000]);
    expect(retryDelayMs(1, 0.5)).toBe(750);
    expect(retryDelayMs(500, 1)).toBe(300_000);
  });
});
