/** A share of the seeds, as tests: each file of tests takes one, so that they run beside each other and each prepares only its own variants. */
import { describe, expect, it } from 'vitest';
import { describeRun, minimalRun } from './minimal.ts';
import { variants } from './scenario.ts';
import { simulate } from './simulate.ts';

const seeds = 500;
const shares = 4;

export function describeShare(share: number): void {
  const own = Array.from({ length: variants / shares }, (_, index) => share + index * shares);
  describe(`under what seeds do to it (share ${share} of ${shares} of ${seeds} seeds)`, () => {
    it.each(own)(
      'every pane equals the fold and every event the uninterrupted one (variant %i)',
      async (variant) => {
        const totals = { disturbances: 0, crashes: 0, zombies: 0, panes: 0, events: 0 };
        for (let seed = variant; seed < seeds; seed += variants) {
          const result = await simulate(seed);
          if (result.problems.length > 0) expect.fail(describeRun(await minimalRun(result)));
          totals.disturbances += result.account.length;
          totals.crashes += result.crashes;
          totals.zombies += result.zombies;
          totals.panes += result.panesChecked;
          totals.events += result.eventsChecked;
        }
        // A run without disturbances or without anything to check would prove nothing.
        expect(totals.disturbances).toBeGreaterThan(200);
        expect(totals.crashes).toBeGreaterThan(15);
        expect(totals.zombies).toBeGreaterThan(10);
        expect(totals.panes).toBeGreaterThan(2_000);
        expect(totals.events).toBeGreaterThan(400);
      },
      600_000,
    );
  });
}
