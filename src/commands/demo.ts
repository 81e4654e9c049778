import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { runDemo } from '../demo/demo.ts';
import { Screen } from '../demo/demoScreen.ts';
import { fullScenario, quickScenario } from '../demo/flightsScenario.ts';
import { systemClock } from '../log/systemClock.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exitCodes.ts';
import { stopOnSignals } from './signals.ts';
import { packageVersion } from './version.ts';

interface DemoArguments {
  readonly quick?: true;
  readonly keep?: boolean;
  readonly kafka?: 'memory';
  readonly json?: string;
  readonly out: string;
}

/** Simulated hours per second: the whole run takes about 70 s of traffic, the quick one 20 s. */
const speeds = { full: 6, quick: 12 };

/** `tidemark demo`: real traffic drifts, and the incident arrives in a Sentry inbox. */
export function demoCommand(context: CommandContext): Command {
  return new Command('demo')
    .summary('watch real traffic drift, and the incident arrive in a Sentry inbox')
    .description(
      'Starts a Kafka (KAFKA_BROKERS, else Docker, else Java and Maven, else a log in memory), a local Sentry inbox and a worker, and replays flights of 2001 through them (docs/flights.md): ' +
        'quiet days, what really happened, and one injected fault. Ends with 0 only if the incident of the fault is in the inbox. On a terminal everything stays up until Ctrl-C.',
    )
    .option('--quick', 'the short run, under a minute')
    .option('--keep', 'stay up until Ctrl-C (the default on a terminal)')
    .option('--no-keep', 'end after the last line (the default elsewhere)')
    .addOption(new Option('--kafka <which>', 'take the log in memory without looking for a Kafka').choices(['memory']))
    .option('--json <file>', 'write what came of it to this file, for scripts')
    .option('-o, --out <folder>', 'folder for the configuration, the log and the events of the inbox', join('out', 'demo'))
    .addHelpText('after', '\nExample:\n  tidemark demo --quick')
    .action(async (options: DemoArguments) => {
      const isTerminal = process.stdout.isTTY === true;
      const screen = new Screen({
        write: context.stdout,
        isTerminal,
        hasColours: isTerminal && (context.env.NO_COLOR ?? '') === '',
        columns: () => process.stdout.columns ?? 80,
        nowMs: systemClock.nowMs,
      });
      const isFound = await runDemo({
        scenario: options.quick === true ? quickScenario : fullScenario,
        hoursPerSecond: options.quick === true ? speeds.quick : speeds.full,
        kafka: options.kafka ?? 'ladder',
        isKept: options.keep ?? isTerminal,
        jsonFile: options.json ?? null,
        folder: options.out,
        cacheDir: cacheDir(),
        release: `tidemark@${packageVersion()}`,
        program: isCheckout ? 'npm run -s tidemark --' : 'tidemark',
        screen,
        clock: systemClock,
        signal: stopOnSignals(),
      });
      if (!isFound) context.exitWith(exitCodes.failure);
    });
}

/** Whether this runs from source. */
const isCheckout = import.meta.url.endsWith('.ts');

/** Where downloads are kept: in the checkout, or with what else is temporary. */
function cacheDir(): string {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  return isCheckout && existsSync(join(root, 'package.json')) ? join(root, '.cache') : join(tmpdir(), 'tidemark-cache');
}
