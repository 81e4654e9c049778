/** `npm run chaos -- --minutes 60 --seed 1 --json FILE`: see chaos.ts. Exit code 0 only where every promise held. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';
import { describeChaos, summarizeChaos } from './describeChaos.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string', default: '1' }, json: { type: 'string' } },
});
const result = await runChaos({
  seed: Number(values.seed),
  minutes: Number(values.minutes),
  report: (line) => process.stdout.write(`${new Date().toISOString()} ${line}\n`),
});
process.stdout.write(describeChaos(result));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(summarizeChaos(result), null, 2)}\n`);
process.exitCode = result.verdict.problems.length === 0 ? 0 : 1;
