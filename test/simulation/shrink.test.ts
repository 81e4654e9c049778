import { expect, test } from 'vitest';
import { describeRun, minimalRun } from './minimal.ts';
import { mutations } from './mutations.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

test('a list is shrunk to what is needed, whatever stands between it', async () => {
  const all = Array.from({ length: 60 }, (_, index) => index);
  const needed = [3, 31, 58];
  let tries = 0;
  const left = await shrink(all, async (some) => {
    tries++;
    return needed.every((one) => some.includes(one));
  });
  expect(left).toEqual(needed);
  // One by one it would take 60 tries for each that is left out.
  expect(tries).toBeLessThan(120);
});

test('what fails without any is shrunk to nothing', async () => {
  expect(await shrink([1, 2, 3], async () => true)).toEqual([]);
});

test('the same seed and plan give the same run', async () => {
  const seed = 14;
  const [one, other] = [await simulate(seed), await simulate(seed)];
  expect(other).toEqual(one);
  expect(one.account.length).toBeGreaterThan(3);
  const { plan } = one;
  const half = plan.slice(0, Math.floor(plan.length / 2));
  expect(await simulate(seed, { plan: half })).toEqual(await simulate(seed, { plan: half }));
});

test('a planted bug is told with the disturbances that it needs, and with how to see it again', async () => {
  const bug = mutations.find(({ name }) => name === 'the decided fact before the facts');
  if (bug?.wrap === undefined) throw new Error('the bug is planted between worker and log');
  const { wrap } = bug;
  let seed = 0;
  let failed = await simulate(seed, { wrap });
  while (failed.problems.length === 0) failed = await simulate(++seed, { wrap });
  const minimal = await minimalRun(failed, { wrap });
  expect(minimal.problems.length).toBeGreaterThan(0);
  expect(minimal.plan.length).toBeLessThan(failed.plan.length);
  // Nothing of it can be left out.
  for (const left of minimal.plan) {
    const plan = minimal.plan.filter((one) => one !== left);
    expect((await simulate(seed, { wrap, plan })).problems).toEqual([]);
  }
  // It takes somebody who dies, leaves or loses the partition between the two writes.
  expect(describeRun(minimal)).toMatch(/step +\d+: .*(crashes|frozen|refused|reported failed|killed|starts|stops)/);
  expect(describeRun(minimal)).toContain(`npm run simulate -- --seeds 1 --from ${seed}`);
}, 600_000);
