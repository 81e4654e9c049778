/**
 * `npm run simulate -- --seeds 2000 --from 0 --jobs 2`: more seeds than the tests run. A failing one is told with the smallest plan that still fails, and replays from its
 * number. Exits with 1 where a seed is broken.
 */
import { parseArgs } from 'node:util';
import { defaultJobs, simulateMany } from './jobs.ts';
import { describeRun, minimalRun } from './minimal.ts';
import type { SimulationResult } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: String(defaultJobs) },
  },
});
const from = Number(values.from);
const seeds = Number(values.seeds);
const broken: SimulationResult[] = [];
const totals = { steps: 0, disturbances: 0, crashes: 0, zombies: 0, panesChecked: 0, inexactPanes: 0, eventsChecked: 0 };
let done = 0;
await simulateMany(from, from + seeds, seeds === 1 ? 1 : Number(values.jobs), (result) => {
  done++;
  totals.disturbances += result.account.length;
  for (const name of ['steps', 'crashes', 'zombies', 'panesChecked', 'inexactPanes', 'eventsChecked'] as const)
    totals[name] += result[name];
  if (result.problems.length > 0) {
    broken.push(result);
    process.stdout.write(`seed ${result.seed} is broken: ${result.problems[0]}\n`);
  }
  if (done % 1_000 === 0) process.stdout.write(`${done} of ${seeds} seeds, ${broken.length} broken\n`);
});
/** Each is run some dozen times. */
const mostShrunk = 5;
for (const result of broken.slice(0, mostShrunk)) process.stdout.write(`\n${describeRun(await minimalRun(result))}\n`);
process.stdout.write(
  `${seeds} seeds from ${from}: ${broken.length} broken; ${totals.steps} steps, ${totals.disturbances} disturbances (${totals.crashes} crashes, ${totals.zombies} zombies), ` +
    `${totals.panesChecked} panes equal the fold, ${totals.inexactPanes} marked inexact, ${totals.eventsChecked} events checked\n`,
);
process.exitCode = broken.length === 0 ? 0 : 1;
