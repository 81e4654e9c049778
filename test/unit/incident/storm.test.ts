import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CapRecord, IssueCap } from '../../../src/core/incident/storm.ts';
import { event } from '../../support/events.ts';

const hourMs = 3_600_000;
const limits = { issues: 5, segments: 2, perMs: hourMs };
const nothing = { records: new Map(), told: new Map() };

function capOf(partitions = [0], count = partitions.length): IssueCap {
  const cap = new IssueCap(limits, count);
  for (const partition of partitions) cap.takeUp(partition, nothing);
  return cap;
}

const opened = (name: string, over = {}) => event(name, 0, 'opened', over);

/** Offers openings at a time and settles them; gives how many got an issue. */
function offer(cap: IssueCap, names: readonly string[], nowMs: number, over = {}): number {
  return names.filter((name) => {
    const isAdmitted = cap.admits(0, opened(name, over), nowMs);
    cap.settled(0, opened(name, over), nowMs);
    return isAdmitted;
  }).length;
}

const names = (count: number, prefix = 'i') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe('the cap on new issues', () => {
  it('lets through as many as the period allows, and makes one summary of the others, with the worst severity', () => {
    const cap = capOf();
    expect(offer(cap, names(41), 0)).toBe(5);
    expect(offer(cap, ['worst'], 1_000, { severity: 'error', model: 'churn', owner: 'growth' })).toBe(0);
    expect(cap.owed('g')).toMatchObject({
      incidents: 37,
      severity: 'error',
      groups: [
        { owner: 'ml-risk', model: 'fraud', kind: 'drift', incidents: 36 },
        { owner: 'growth', model: 'churn', kind: 'drift', incidents: 1 },
      ],
    });
  });

  it('has room again when the period has passed', () => {
    const cap = capOf();
    expect(offer(cap, names(9), 0)).toBe(5);
    expect(offer(cap, ['late'], hourMs - 1)).toBe(0);
    expect(offer(cap, ['later'], hourMs)).toBe(1);
  });

  it('keeps the place of an issue that is not accepted yet, however long the outage', () => {
    const cap = capOf();
    for (const name of names(5)) expect(cap.admits(0, opened(name), 0)).toBe(true);
    expect(cap.admits(0, opened('other'), 50 * hourMs)).toBe(false);
    for (const name of names(5)) expect(cap.admits(0, opened(name), 50 * hourMs)).toBe(true);
  });

  it('gives segments of one model and kind only a part of it', () => {
    const cap = capOf();
    expect(offer(cap, names(10), 0, { segment: { country: 'US' } })).toBe(2);
    expect(offer(cap, names(10, 'whole'), 0)).toBe(3);
  });

  it('gives a suppressed incident its issue at the next step with room, and keeps its end quiet', () => {
    const cap = capOf();
    offer(cap, names(7), 0);
    expect(cap.admits(0, event('i5', 1, 'reminded'), 1)).toBe(false);
    expect(cap.admits(0, event('i5', 2, 'reminded'), hourMs)).toBe(true);
    expect(cap.admits(0, event('i6', 1, 'recovered'), hourMs)).toBe(false);
    expect(cap.owed('g')).toMatchObject({ incidents: 1 });
  });

  it('lets an escalation to error use a reserve of the same size', () => {
    const cap = capOf();
    offer(cap, names(20), 0);
    const isAdmitted = names(20)
      .slice(5)
      .filter((name) => cap.admits(0, event(name, 1, 'escalated', { severity: 'error' }), 1));
    expect(isAdmitted).toHaveLength(5);
  });

  it('gives what is over at most half of the places, and counts its severity for nothing', () => {
    const cap = capOf();
    const error = { severity: 'error' } as const;
    const admitted = names(10, 'over').filter((name) => cap.admits(0, opened(name, error), 0, true));
    expect(admitted).toHaveLength(3);
    expect(cap.admits(0, event('over9', 1, 'escalated', error), 1, true)).toBe(false);
    expect(cap.admits(0, event('over9', 2, 'recovered', error), 1)).toBe(false);
    expect(cap.owed('g')).toMatchObject({ incidents: 7, severity: 'info' });
    expect(offer(cap, names(10), 1)).toBe(2);
  });

  it('leaves incidents alone that had their issue before', () => {
    const cap = capOf();
    offer(cap, names(9), 0);
    expect(cap.admits(0, event('old', 3, 'escalated'), 1)).toBe(true);
  });

  it('gives a worker the share of its partitions', () => {
    expect(offer(capOf([0, 1], 4), names(9), 0)).toBe(3);
  });

  it('owes nothing once told, until more come; and the same incidents are the same summary', () => {
    const cap = capOf();
    offer(cap, names(8), 0);
    const summary = cap.owed('g');
    if (summary === null) throw new Error('a summary is owed');
    expect(cap.owed('g')?.id).toBe(summary.id);
    expect(cap.told(summary)).toEqual([{ partition: 0, periodStartMs: 0, incidents: 3 }]);
    expect(cap.owed('g')).toBeNull();
    offer(cap, ['more'], 1);
    expect(cap.owed('g')).toMatchObject({ incidents: 4, periodStartMs: 0 });
  });

  it('loses no incident and admits no more than the cap, whatever happens and wherever it is restored', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ gapMs: fc.nat(hourMs / 4), restart: fc.boolean() }), { maxLength: 80 }), (moves) => {
        let cap = capOf();
        const records = new Map<string, CapRecord>();
        const admittedMs: number[] = [];
        let nowMs = 0;
        for (const [index, { gapMs, restart }] of moves.entries()) {
          nowMs += gapMs;
          const one = opened(`i${index}`);
          if (cap.admits(0, one, nowMs)) admittedMs.push(nowMs);
          const record = cap.settled(0, one, nowMs);
          if (record !== null) records.set(one.incident, record);
          if (restart) {
            cap = new IssueCap(limits, 1);
            cap.takeUp(0, { records, told: new Map() });
          }
        }
        for (const atMs of admittedMs) {
          expect(admittedMs.filter((other) => other > atMs - hourMs && other <= atMs).length).toBeLessThanOrEqual(limits.issues);
        }
        let told = 0;
        for (let summary = cap.owed('g'); summary !== null; summary = cap.owed('g')) {
          told += summary.incidents;
          cap.told(summary);
        }
        expect(admittedMs.length + told).toBe(moves.length);
      }),
    );
  });
});
