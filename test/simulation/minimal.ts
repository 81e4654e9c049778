/** What a failing seed is told with: the smallest part of its plan that still fails, a line each, what went wrong then, and how to see it again. */
import type { Disturbance } from './plan.ts';
import { shrink } from './shrink.ts';
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.ts';

/** The run of the smallest plan that still breaks something. */
export async function minimalRun(failed: SimulationResult, options: Omit<SimulationOptions, 'plan'> = {}): Promise<SimulationResult> {
  const runOf = (plan: readonly Disturbance[]) => simulate(failed.seed, { ...options, plan });
  const plan = await shrink(failed.plan, async (some) => (await runOf(some)).problems.length > 0);
  return runOf(plan);
}

/** The run as text. */
export function describeRun({ seed, scenario, steps, problems, account, plan }: SimulationResult): string {
  const lines = [
    `seed ${seed} (${scenario}), ${steps} steps; without any of these disturbances nothing breaks:`,
    ...(plan.length === 0 ? ['  none: the schedule alone breaks it'] : account.map((line) => `  ${line}`)),
    'then:',
    ...problems.slice(0, 5).map((problem) => `  ${problem}`),
    `replay: npm run simulate -- --seeds 1 --from ${seed}`,
  ];
  return lines.join('\n');
}
