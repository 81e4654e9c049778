/** The deliberate bugs of a stage, as tests: each must show within the seeds that the tests run. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Mutation, mutations } from './mutations.ts';
import { variants } from './scenario.ts';
import { prepare, simulate } from './simulate.ts';

const mostSeeds = 500;

export function describeCaught(stage: Mutation['stage']): void {
  describe(`the simulation catches in ${stage}`, () => {
    beforeAll(async () => {
      // By the code as it is, without the bug.
      for (let variant = 0; variant < variants; variant++) (await prepare(variant)).expectedOfAll();
    }, 600_000);

    const own = mutations.filter((mutation) => mutation.stage === stage);
    it.each(own.map((mutation) => [mutation.name, mutation] as const))(
      '%s',
      async (_name, { plant, wrap }) => {
        const takeOut = plant?.() ?? (() => {});
        try {
          let caughtBy: number | null = null;
          for (let seed = 0; seed < mostSeeds && caughtBy === null; seed++) {
            const { problems } = await simulate(seed, wrap === undefined ? {} : { wrap });
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
}
