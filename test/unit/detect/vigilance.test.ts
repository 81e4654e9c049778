import { describe, expect, it } from 'vitest';
import { Vigilance } from '../../../src/core/detect/vigilance.ts';

const minute = 60_000;
const at = (committed: number | null, high = 100) => [{ partition: 3, committed, high }];

describe('the vigilance of a group', () => {
  it('sees as long as event time and every commit move', () => {
    const vigilance = new Vigilance(10 * minute);
    for (let step = 0; step < 9; step++)
      expect(vigilance.look(step * 5 * minute, { clockMs: step, waitingFor: [], isAllNew: false, partitions: at(step) })).toBeNull();
  });

  it('is blind once event time has stood still for longer than its patience, and sees again as soon as it moves', () => {
    const vigilance = new Vigilance(10 * minute);
    const waitingFor = Array.from({ length: 7 }, (_, partition) => `predictions/${partition}`);
    const look = (nowMs: number, clockMs: number) => vigilance.look(nowMs, { clockMs, waitingFor, isAllNew: false, partitions: [] });
    expect(look(0, 7)).toBeNull();
    expect(look(10 * minute, 7)).toBeNull();
    expect(look(11 * minute, 7)).toMatch(
      /^event time stands still at 1970-01-01T00:00:00.007Z \(for 11m\). It waits for predictions\/0, .*predictions\/4, 2 more: is the summarize role/,
    );
    expect(look(12 * minute, 8)).toBeNull();
  });

  it('is blind where some source partition is never read, and not where there has never been a record', () => {
    const vigilance = new Vigilance(10 * minute);
    const look = (nowMs: number, isAllNew: boolean) =>
      vigilance.look(nowMs, { clockMs: null, waitingFor: ['predictions/1'], isAllNew, partitions: [] });
    expect(look(0, true)).toBeNull();
    expect(look(60 * minute, true)).toBeNull();
    expect(look(70 * minute, false)).toBeNull();
    expect(look(71 * minute, false)).toMatch(/has not begun: not every source partition has been read .*It waits for predictions\/1:/);
  });

  it('is blind where a partition of partials is not decided while there is something to decide', () => {
    const vigilance = new Vigilance(10 * minute);
    const look = (nowMs: number, committed: number | null, high: number) =>
      vigilance.look(nowMs, { clockMs: nowMs, waitingFor: [], isAllNew: false, partitions: at(committed, high) });
    expect(look(0, 50, 50)).toBeNull();
    expect(look(60 * minute, 50, 50)).toBeNull();
    expect(look(65 * minute, 50, 60)).toBeNull();
    expect(look(71 * minute, 50, 70)).toMatch(/^partitions 3 of partials have not been decided/);
    expect(look(72 * minute, 51, 70)).toBeNull();
  });
});
