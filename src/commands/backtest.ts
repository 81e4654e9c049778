import { Command } from 'commander';
import { fileSources } from '../backtest/fileSources.ts';
import { type BacktestResult, runBacktest } from '../backtest/run.ts';
import { topicSources } from '../backtest/topicSources.ts';
import { loadBaselines } from '../baseline/loadBaselines.ts';
import type { Config } from '../config/config.ts';
import { createLogger } from '../config/logger.ts';
import { ConfigError, InputError } from '../core/errors.ts';
import { systemClock } from '../log/systemClock.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';
import { exitCodes } from './exitCodes.ts';
import { openKafka } from './openKafka.ts';
import { recordCounter } from './progress.ts';

interface BacktestArguments extends ConfigOptions {
  readonly predictions?: readonly string[];
  readonly feedback?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly out: string;
  readonly failOnDrift?: true;
}

/** `tidemark backtest`: what would have been filed, had Tidemark run then. */
export function backtestCommand(context: CommandContext): Command {
  return withConfigOptions(new Command('backtest'))
    .summary('replay files or a stretch of the topics, and see what would have been filed')
    .description(
      'Replays records through the same core as the worker and writes events.ndjson, evaluations.ndjson, summary.json and report.html. ' +
        'Files need neither Kafka nor Sentry: NDJSON, CSV (each also .gz) or Parquet, told apart by their names, each a partition; - is NDJSON on standard input.',
    )
    .option('-p, --predictions <files...>', 'files of predictions')
    .option('-f, --feedback <files...>', 'files of feedback')
    .option('--from <time>', 'ISO time: replay the Kafka topics of the configuration from here, by Kafka timestamp')
    .option('--to <time>', 'ISO time up to which the topics are replayed (default: now)')
    .requiredOption('-o, --out <folder>', 'folder for the results')
    .option('--fail-on-drift', `exit with ${exitCodes.drift} where an incident was found`)
    .addHelpText(
      'after',
      '\nExample:\n  tidemark traffic --out flights\n  tidemark backtest --predictions flights/predictions.ndjson.gz --feedback flights/feedback.ndjson.gz --config flights/tidemark.yaml --out result',
    )
    .action(async (options: BacktestArguments) => {
      const isOnTopics = options.from !== undefined || options.to !== undefined;
      if (isOnTopics === (options.predictions !== undefined)) {
        throw new ConfigError('backtest: give either --predictions with files, or --from (and --to) for the topics of the configuration');
      }
      const config = configOf(options, context, !isOnTopics);
      const result = isOnTopics ? await ofTopics(config, options, context) : await ofFiles(config, options, context);
      // "No incident" would be true, and the opposite of what was found out.
      if (result.predictions === 0) throw new InputError(nothingSeen(result, options));
      context.stdout(outcome(result, options.out));
      if (options.failOnDrift === true && result.events.some((event) => event.step === 'opened')) context.exitWith(exitCodes.drift);
    });
}

async function ofFiles(config: Config, options: BacktestArguments, context: CommandContext): Promise<BacktestResult> {
  const { core } = config;
  const predictions = options.predictions ?? [];
  const feedback = options.feedback ?? [];
  // Without files of feedback there is no label clock to wait for.
  const settings = feedback.length === 0 ? { ...core, feedback: [] } : core;
  const sources = [...fileSources('predictions', predictions, core.predictions), ...fileSources('feedback', feedback, core.feedback)];
  const files = [...predictions.flatMap((path) => ['--predictions', path]), ...feedback.flatMap((path) => ['--feedback', path])];
  return run({ ...options, sources, settings, command: commandLine(options, files) }, context);
}

async function ofTopics(config: Config, options: BacktestArguments, context: CommandContext): Promise<BacktestResult> {
  const fromMs = timeOf('--from', options.from ?? '1970-01-01T00:00:00Z');
  const toMs = options.to === undefined ? systemClock.nowMs() : timeOf('--to', options.to);
  if (fromMs >= toMs) throw new ConfigError(`--from ${options.from}: must be before --to ${options.to ?? '(now)'}`);
  const log = await openKafka(config, createLogger(config.log.level));
  try {
    const sources = await topicSources(log, config.core, fromMs, toMs);
    if (sources.every((source) => source.isEmpty === true)) {
      throw new InputError(
        `backtest: the topics hold no record with a Kafka timestamp from ${new Date(fromMs).toISOString()} up to ${new Date(toMs).toISOString()}; choose another stretch (retention may have deleted it)`,
      );
    }
    const times = ['--from', new Date(fromMs).toISOString(), '--to', new Date(toMs).toISOString()];
    return await run({ ...options, sources, settings: config.core, command: commandLine(options, times) }, context);
  } finally {
    await log.close();
  }
}

type Run = Pick<Parameters<typeof runBacktest>[0], 'sources' | 'settings' | 'command' | 'out'>;

async function run({ sources, settings, command, out }: Run, context: CommandContext): Promise<BacktestResult> {
  const { baselines, notes } = await loadBaselines(settings);
  for (const note of notes) context.stderr(`tidemark: ${note}\n`);
  const counter = recordCounter(context);
  try {
    return await runBacktest({
      settings,
      sources,
      fileBaselines: baselines,
      out,
      command,
      clock: systemClock,
      onProgress: (records) => counter.show(records),
    });
  } finally {
    counter.done();
  }
}

function timeOf(option: string, text: string): number {
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) throw new ConfigError(`${option} ${text}: is no time; expected ISO 8601, such as 2026-03-01T09:40:00Z`);
  return timeMs;
}

function commandLine(options: BacktestArguments, input: readonly string[]): string {
  const configs = (options.config ?? []).flatMap((file) => ['--config', file]);
  const sets = (options.set ?? []).flatMap((one) => ['--set', one]);
  return ['tidemark', 'backtest', ...configs, ...sets, ...input, '--out', options.out].join(' ');
}

function outcome({ summary, events, tested }: BacktestResult, out: string): string {
  const lines = events
    .filter((event) => event.step === 'opened')
    .map((event) => `  ${event.windowEnd}  ${event.kind.padEnd(11)} ${event.model}: ${event.summary}`);
  const invalid = Object.values(summary.invalid).reduce((a, b) => a + b, 0);
  const reasons = invalid === 0 ? '' : ` (${reasonsOf(summary.invalid)})`;
  const answered = tested > 0 ? '' : ' without an answer (all are learning, or have too little data)';
  const found =
    lines.length === 0
      ? 'No incident would have been filed.'
      : `${lines.length} incident${lines.length === 1 ? '' : 's'} would have been filed:\n${lines.join('\n')}`;
  return `${found}\n${summary.evaluations.toLocaleString('en')} evaluations${answered}, ${summary.late.toLocaleString('en')} late and ${invalid.toLocaleString('en')} invalid records${reasons}, ${summary.recordsPerSecond.toLocaleString('en')} records/s\nReport: ${out}/report.html\n`;
}

/** Why there is no answer, for a person, who had a name or a format wrong. */
function nothingSeen({ summary, firstInvalid }: BacktestResult, options: BacktestArguments): string {
  const start = 'backtest: no record is a prediction, so nothing was compared';
  if (firstInvalid === null) {
    const where = options.predictions?.join(', ') ?? 'the topics between --from and --to';
    return `${start}: ${where} held no record that is one`;
  }
  const { source, offset, detail } = firstInvalid;
  const files = options[source.role];
  const place =
    files === undefined ? `${source.topic} partition ${source.partition} offset ${offset}` : `${files[source.partition]} row ${offset + 1}`;
  return `${start}: ${reasonsOf(summary.invalid)}; first ${place}: ${detail}`;
}

function reasonsOf(invalid: BacktestResult['summary']['invalid']): string {
  return Object.entries(invalid)
    .map(([reason, count]) => `${reason} ${count.toLocaleString('en')}`)
    .join(', ');
}
