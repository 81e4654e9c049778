import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.ts';

const seeds = 200;
const perTest = 25;

describe('under crashes, zombies, rebalances, repeated writes and fetches of any size', () => {
  it.each(Array.from({ length: seeds / perTest }, (_, index) => index * perTest))(
    `every pane equals the fold and every event the uninterrupted run's (${perTest} seeds from %i)`,
    async (from) => {
      const totals = { crashes: 0, zombies: 0, panes: 0, events: 0 };
      for (let seed = from; seed < from + perTest; seed++) {
        const result = await simulate(seed);
        expect(result.problems, `npm run simulate -- --seeds 1 --from ${seed} (${result.scenario})`).toEqual([]);
        totals.crashes += result.crashes;
        totals.zombies += result.zombies;
        totals.panes += result.panesChecked;
        totals.events += result.eventsChecked;
      }
      // A run without disturbances or without anything to check would prove nothing.
      expect(totals.crashes).toBeGreaterThan(5);
      expect(totals.zombies).toBeGreaterThan(2);
      expect(totals.panes).toBeGreaterThan(10_000);
      expect(totals.events).toBeGreaterThan(20);
    },
    600_000,
  );
});
