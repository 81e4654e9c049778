import { describe, expect, it } from 'vitest';
import { BaselineLearner } from '../../../src/core/detect/baselineLearner.ts';
import type { CellBaseline } from '../../../src/core/detect/cellFit.ts';
import { CellHistory } from '../../../src/core/detect/cellHistory.ts';
import type { Node } from '../../../src/core/detect/node.ts';
import { coreSettings } from '../../support/settings.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** Midnight, so that hours are easy to count. */
const zero = Date.UTC(2026, 2, 1);
const settings = coreSettings({ window: { hopMs: hour, scalesMs: [12 * hour, 24 * hour] } });

function pane(endMs: number, change: Partial<Node> = {}): Node {
  const unit = Math.floor((endMs - 1) / hour);
  return {
    endMs,
    stepMs: hour,
    rows: 100,
    series: new Map(),
    records: 100,
    invalid: 3,
    late: 0,
    units: [{ unit, rows: 100, numeric: [], categorical: [] }],
    sources: [],
    inexact: [],
    ...change,
  };
}

/** A cell that lives through hours; `fits` are the days (from zero) at whose end there was a fit. */
class Life {
  readonly learner: BaselineLearner;
  readonly history = new CellHistory({ version: '*', segment: null }, settings, hour);
  readonly fits: { atDay: number; fit: CellBaseline }[] = [];
  kept = 0;

  constructor(days: number) {
    this.learner = new BaselineLearner(settings, hour, days * day);
  }

  live(
    fromHour: number,
    toHour: number,
    options: { readonly hasData?: boolean; readonly isIncidentOpen?: (hour: number) => boolean } = {},
  ): this {
    for (let at = fromHour; at < toHour; at++) {
      const endMs = zero + (at + 1) * hour;
      const node = options.hasData === false ? null : pane(endMs);
      this.history.close(endMs, node);
      const fit = this.learner.close(endMs, node, this.history, options.isIncidentOpen?.(at) ?? false);
      if (fit !== null) this.fits.push({ atDay: (endMs - zero) / day, fit });
      this.history.expire(endMs, hour, (unitEndMs) => this.learner.needsUnit(unitEndMs, endMs));
      this.kept = this.history.all().filter((one) => one.stepMs === hour).length;
    }
    return this;
  }

  get days(): string[] {
    return this.fits.map(({ atDay, fit }) => `day ${atDay}: ${fit.lengthMs / day} d${fit.isFrozen ? ', frozen' : ''}`);
  }
}

describe('the baseline `first`', () => {
  it('is refitted at the end of every whole day until it is complete, then frozen', () => {
    expect(new Life(3).live(0, 120).days).toEqual(['day 1: 1 d', 'day 2: 2 d', 'day 3: 3 d, frozen']);
  });

  it('begins with the first complete unit: not with one that its reader came into the middle of', () => {
    const life = new Life(1);
    const cut = pane(zero + hour, { inexact: ['gap'] });
    life.history.close(cut.endMs, cut);
    life.learner.close(cut.endMs, cut, life.history, false);
    expect(life.live(1, 24).days).toEqual([]);
    expect(life.live(24, 25).fits[0]?.fit).toMatchObject({ startMs: zero + hour, endMs: zero + 25 * hour });
  });

  it('leaves out a day in which an incident was open, and ends a day later', () => {
    const life = new Life(3).live(0, 120, { isIncidentOpen: (at) => at === 30 });
    expect(life.days).toEqual(['day 1: 1 d', 'day 3: 2 d', 'day 4: 3 d, frozen']);
  });

  it('leaves out both days of an incident that is open over midnight', () => {
    const life = new Life(3).live(0, 144, { isIncidentOpen: (at) => at >= 40 && at < 50 });
    expect(life.days).toEqual(['day 1: 1 d', 'day 4: 2 d', 'day 5: 3 d, frozen']);
  });

  it('counts hours without rows as such, and starts anew after more than a day without data', () => {
    expect(new Life(2).live(0, 10).live(10, 34, { hasData: false }).live(34, 58).days).toEqual(['day 1: 1 d', 'day 2: 2 d, frozen']);
    const anew = new Life(3).live(0, 30).live(30, 55, { hasData: false }).live(55, 130);
    // The second day had six hours of data; then everything begins again at the 56th hour.
    expect(anew.fits.map(({ fit }) => [fit.number, (fit.startMs - zero) / hour, fit.lengthMs / day])).toEqual([
      [1, 0, 1],
      [2, 0, 2],
      // A number is used up: facts of what was given up may outlive it by a crash.
      [4, 55, 1],
      [5, 55, 2],
      [6, 55, 3],
    ]);
  });

  it('does not start anew once it is frozen', () => {
    const life = new Life(1).live(0, 24).live(24, 100, { hasData: false });
    expect(life.learner.current?.isFrozen).toBe(true);
  });

  it('keeps the units of its days while it learns, and none afterwards', () => {
    const life = new Life(3).live(0, 60);
    expect(life.kept).toBe(60);
    life.live(60, 73);
    expect(life.kept).toBeLessThan(26);
  });

  it('does not keep the units of days that it leaves out, however long the incident lasts', () => {
    const life = new Life(3).live(0, 24).live(24, 40 * 24, { isIncidentOpen: () => true });
    expect(life.fits).toHaveLength(1);
    expect(life.kept).toBeLessThan(24 + 26);
    expect(life.live(40 * 24, 43 * 24).days.slice(1)).toEqual(['day 42: 2 d', 'day 43: 3 d, frozen']);
  });

  it('goes on after a restore as if it had never stopped', () => {
    const whole = new Life(3).live(0, 120, { isIncidentOpen: (at) => at === 30 });
    const broken = new Life(3);
    for (let at = 0; at < 120; at++) {
      broken.live(at, at + 1, { isIncidentOpen: (hourOf) => hourOf === 30 });
      broken.learner.restore(JSON.parse(JSON.stringify(broken.learner.snapshot())), broken.learner.current);
    }
    expect(broken.fits).toEqual(whole.fits);
  });

  it('says which scales have enough rows in their usual window', () => {
    const sparse = new Life(1);
    for (let at = 0; at < 24; at++) {
      const node = pane(zero + (at + 1) * hour, { rows: 3, records: 3, invalid: 0 });
      sparse.history.close(node.endMs, node);
      sparse.learner.close(node.endMs, node, sparse.history, false);
    }
    expect(sparse.learner.current?.usableScalesMs).toEqual([24 * hour]);
  });
});

describe('the nodes of a cell', () => {
  it('are merged at the end of each step of a scale, and kept until no window can need them', () => {
    const history = new CellHistory({ version: '*', segment: null }, settings, hour);
    const steps: string[] = [];
    for (let at = 0; at < 60; at++) {
      const endMs = zero + (at + 1) * hour;
      for (const node of history.close(endMs, pane(endMs))) if (at < 4) steps.push(`${at + 1}h: ${node.stepMs / hour}h, ${node.rows} rows`);
      history.expire(endMs, hour, () => false);
    }
    expect(steps).toEqual([
      '1h: 1h, 100 rows',
      '2h: 1h, 100 rows',
      '2h: 2h, 200 rows',
      '3h: 1h, 100 rows',
      '4h: 1h, 100 rows',
      '4h: 2h, 200 rows',
    ]);
    const endMs = zero + 60 * hour;
    expect(history.nodes(hour, endMs - 12 * hour, endMs)).toHaveLength(12);
    expect(history.nodes(2 * hour, endMs - 24 * hour, endMs)).toHaveLength(12);
    expect(history.all()).toHaveLength(24);
  });

  it('leave nothing behind in a cell without data', () => {
    const history = new CellHistory({ version: '*', segment: null }, settings, hour);
    history.close(zero + hour, pane(zero + hour));
    for (let at = 1; at < 30; at++) {
      history.close(zero + (at + 1) * hour, null);
      history.expire(zero + (at + 1) * hour, hour, () => false);
    }
    expect(history.isEmpty).toBe(true);
  });
});
