/** `npm run simulate -- --seeds 2000 --from 0`: more seeds than the tests run; a failing one is told with what went wrong and replays from its number. */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '200' }, from: { type: 'string', default: '0' } } });
const from = Number(values.from);
const seeds = Number(values.seeds);
let failed = 0;
const totals = { steps: 0, crashes: 0, zombies: 0, panes: 0, events: 0 };
for (let seed = from; seed < from + seeds; seed++) {
  const result = await simulate(seed);
  totals.steps += result.steps;
  totals.crashes += result.crashes;
  totals.zombies += result.zombies;
  totals.panes += result.panesChecked;
  totals.events += result.eventsChecked;
  if (result.problems.length === 0) continue;
  failed++;
  process.stdout.write(`seed ${seed} (${result.scenario}), ${result.steps} steps, ${result.crashes} crashes, ${result.zombies} zombies:\n`);
  for (const problem of result.problems.slice(0, 10)) process.stdout.write(`  ${problem}\n`);
  process.stdout.write(`  replay: npm run simulate -- --seeds 1 --from ${seed}\n`);
}
process.stdout.write(
  `${seeds} seeds: ${failed} broken; ${totals.steps} steps, ${totals.crashes} crashes, ${totals.zombies} zombies, ${totals.panes} panes and ${totals.events} events checked\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
