import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createLogger } from '../config/logger.ts';
import { hourMs } from '../core/duration.ts';
import { ConfigError } from '../core/errors.ts';
import { demoConfig } from '../demo/demoConfig.ts';
import { openSourceTopics, replay } from '../demo/demoReplay.ts';
import {
  distanceInKilometres,
  type Fault,
  type FlightTrafficOptions,
  flightTraffic,
  missingFeature,
  swappedClasses,
} from '../demo/flights.ts';
import { writeFlightsFiles } from '../demo/flightsFiles.ts';
import { type FlightsScenario, fullScenario, quickScenario } from '../demo/flightsScenario.ts';
import { systemClock } from '../log/systemClock.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';
import { openKafka } from './openKafka.ts';
import { timeBar } from './progress.ts';
import { stopOnSignals } from './signals.ts';

/** Faults by name; each begins at `--fault-at`. */
const faults: Readonly<Record<string, (sinceMs: number) => Fault>> = {
  kilometres: (sinceMs) => distanceInKilometres({ sinceMs }),
  missing: (sinceMs) => missingFeature({ sinceMs, feature: 'origin', share: 0.1 }),
  swapped: (sinceMs) => swappedClasses({ sinceMs }),
  none: () => ({}),
};

interface TrafficArguments extends ConfigOptions {
  readonly quick?: true;
  readonly share?: number;
  readonly from?: number;
  readonly to?: number;
  readonly fault: string;
  readonly faultAt?: number;
  readonly speed: number;
  readonly fast?: true;
  readonly partitions: number;
  readonly data?: string;
  readonly out?: string;
}

/** `tidemark traffic`: the flights of the demo as traffic on topics, or as files. */
export function trafficCommand(context: CommandContext): Command {
  return withConfigOptions(new Command('traffic'))
    .summary('replay real flights of 2001 into the topics, or write them as files for a backtest')
    .description(
      'A model predicts for each flight whether it will be late, and the label follows when it has landed (docs/flights.md). Writes to the topics of the configuration, which are created where they are missing, ' +
        'in simulated time: 22 January to 8 February 2001, with distances in kilometres instead of miles from 7 February, 06:00 on. With --out it writes files and a configuration instead, and needs no Kafka.',
    )
    .option('--quick', 'the short run: to 31 January, half the flights, the fault from 31 January, 06:00 on')
    .option('--share <share>', 'share of the flights, over 0 to 1 (default: 0.2; 0.1 with --quick)', shareOf)
    .option('--from <time>', 'begin with the flights of this ISO time', timeOf)
    .option('--to <time>', 'end with the flights before this ISO time, at the latest 2001-07-01', timeOf)
    .addOption(new Option('--fault <name>', 'what goes wrong').choices(Object.keys(faults)).default('kilometres'))
    .option('--fault-at <time>', 'ISO time at which it begins', timeOf)
    .option('--speed <hours>', 'simulated hours per second', speedOf, 6)
    .option('--fast', 'as fast as the brokers take it')
    .option('--partitions <number>', 'partitions of topics that are created', partitionsOf, 3)
    .option('--data <file>', 'flights-3m.parquet of vega-datasets, for more than the sample that comes with Tidemark')
    .option('-o, --out <folder>', 'write predictions.ndjson.gz, feedback.ndjson.gz and tidemark.yaml here')
    .addHelpText(
      'after',
      '\nExamples:\n  tidemark traffic --out flights\n  tidemark backtest --predictions flights/predictions.ndjson.gz --feedback flights/feedback.ndjson.gz --config flights/tidemark.yaml --out result\n  tidemark traffic --set kafka.brokers=localhost:9092 --speed 12',
    )
    .action(async (options: TrafficArguments) => {
      const scenario = options.quick === true ? quickScenario : fullScenario;
      const traffic = selectionOf(options, scenario);
      if (options.out === undefined) await toTopics(options, traffic, context);
      else await toFiles(options.out, scenario, traffic, context);
    });
}

function selectionOf(options: TrafficArguments, scenario: FlightsScenario): FlightTrafficOptions {
  const { sample, fromMs, toMs } = scenario.traffic;
  const from = options.from ?? fromMs;
  const to = options.to ?? toMs;
  if (from >= to) throw new ConfigError(`--from ${iso(from)}: must be before --to ${iso(to)}`);
  return {
    sample: options.share ?? sample,
    fromMs: from,
    toMs: to,
    fault: faults[options.fault]?.(options.faultAt ?? scenario.faultSinceMs) ?? {},
    ...(options.data === undefined ? {} : { file: options.data }),
  };
}

async function toTopics(options: TrafficArguments, traffic: FlightTrafficOptions, context: CommandContext): Promise<void> {
  const config = configOf(options, context, true);
  const [predictions] = config.core.predictions;
  const [feedback] = config.core.feedback;
  if (predictions === undefined || feedback === undefined) throw new ConfigError('feedback.topic: is missing, but the flights have labels');
  const names = { predictions: predictions.topic, feedback: feedback.topic };
  const stop = stopOnSignals();
  const log = await openKafka(config, createLogger(config.log.level));
  try {
    const { topics, heldBefore } = await openSourceTopics(log, names, options.partitions);
    if (heldBefore > 0) {
      context.stderr(
        `tidemark: ${names.predictions} and ${names.feedback} hold ${heldBefore.toLocaleString('en')} records already; a worker counts flights as late that are older than those it has read\n`,
      );
    }
    const bar = timeBar('Flights', traffic.fromMs, traffic.toMs);
    const written = await replay({
      log,
      topics,
      traffic: flightTraffic(traffic),
      fromMs: traffic.fromMs,
      speed: options.fast === true ? null : (options.speed * hourMs) / 1_000,
      clock: systemClock,
      signal: stop,
      onProgress: bar.show,
    }).finally(bar.done);
    const ending = stop.aborted ? ', stopped before the end' : '';
    context.stdout(`${written.toLocaleString('en')} records written to ${names.predictions} and ${names.feedback}${ending}\n`);
  } finally {
    await log.close();
  }
}

async function toFiles(folder: string, scenario: FlightsScenario, traffic: FlightTrafficOptions, context: CommandContext): Promise<void> {
  const bar = timeBar('Flights', traffic.fromMs, traffic.toMs);
  const { predictions, feedback, counts } = await writeFlightsFiles(folder, traffic, bar.show).finally(bar.done);
  const config = join(folder, 'tidemark.yaml');
  const place = { brokers: ['localhost:9092'], group: 'flights', topics: { predictions: 'predictions', feedback: 'feedback' } };
  writeFileSync(config, demoConfig(scenario, place));
  context.stdout(
    `${counts.predictions.toLocaleString('en')} predictions: ${predictions}\n${counts.feedback.toLocaleString('en')} labels:      ${feedback}\nsettings:           ${config}\n`,
  );
}

function shareOf(text: string): number {
  const share = Number(text);
  if (!(share > 0 && share <= 1)) throw new InvalidArgumentError('must be a number over 0 and up to 1.');
  return share;
}

function speedOf(text: string): number {
  const speed = Number(text);
  if (!(speed > 0 && speed <= 10_000)) throw new InvalidArgumentError('must be a number over 0 and up to 10000; or use --fast.');
  return speed;
}

function partitionsOf(text: string): number {
  const partitions = Number(text);
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1_000)
    throw new InvalidArgumentError('must be a whole number from 1 to 1000.');
  return partitions;
}

function timeOf(text: string): number {
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) throw new InvalidArgumentError('must be an ISO 8601 time, such as 2001-02-07T06:00:00Z.');
  return timeMs;
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
