import { describe, expect, it } from 'vitest';
import { mutations } from './mutations.ts';
import { simulate } from './simulate.ts';

/** Each deliberate bug must show within this many seeds. */
const mostSeeds = 200;

describe('the simulation catches', () => {
  it.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (_name, { plant, wrap }) => {
      const takeOut = plant?.() ?? (() => {});
      try {
        let caughtBy: number | null = null;
        for (let seed = 0; seed < mostSeeds && caughtBy === null; seed++) {
          const { problems } = await simulate(seed, wrap);
          if (problems.length > 0) caughtBy = seed;
        }
        expect(caughtBy).not.toBeNull();
      } finally {
        takeOut();
      }
    },
    600_000,
  );
});
