/** `npm run chaos -- --minutes 60 --seed 1`: see chaos.ts. Exit code 0 only where every promise held. */
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';
import { describeChaos } from './describeChaos.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string', default: '1' } } });
const result = await runChaos({
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  report: (line) => process.stdout.write(`${line}\n`),
});
process.stdout.write(describeChaos(result));
process.exitCode = result.problems.length === 0 ? 0 : 1;
