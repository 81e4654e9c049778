import { Argument, Command, InvalidArgumentError } from 'commander';
import { createLogger } from '../config/logger.ts';
import { internalTopics } from '../core/incident/topics.ts';
import { type Audit, auditPartials, type Coverage } from '../inspect/audit.ts';
import { type InternalTopic, readableRecord } from '../inspect/readable.ts';
import { scan } from '../inspect/scan.ts';
import type { Log } from '../log/port.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';
import { exitCodes } from './exitCodes.ts';
import { openKafka } from './openKafka.ts';

const topicNames = {
  partials: 'partials',
  history: 'history',
  events: 'events',
  deliveries: 'deliveries',
  'dead-letters': 'deadLetters',
} as const;
type TopicName = keyof typeof topicNames;

interface InspectOptions extends ConfigOptions {
  readonly partition?: number;
  readonly from: number;
  readonly limit: number;
  readonly audit?: true;
}

/** `tidemark inspect`: internal records as JSON lines, and the audit of `partials`. */
export function inspectCommand(context: CommandContext): Command {
  return withConfigOptions(new Command('inspect'))
    .summary('print internal records as JSON, or audit that all source offsets are covered')
    .description(
      'Prints the records of an internal topic, one JSON object a line with partition, offset, timestamp, key and value, whatever their bytes are. With --audit it reads the partials and tells which source offsets they cover; it ends with 4 where there is a gap. Reads only.',
    )
    .addArgument(new Argument('<topic>', 'which internal topic').choices(Object.keys(topicNames)))
    .option('-p, --partition <number>', 'only this partition', wholeNumber)
    .option('--from <offset>', 'begin here', wholeNumber, 0)
    .option('-n, --limit <records>', 'print at most so many records', wholeNumber, 100)
    .option('--audit', 'of partials: tell which source offsets are covered')
    .addHelpText(
      'after',
      '\nExamples:\n  tidemark inspect events --config config/tidemark.example.yaml --limit 10\n  tidemark inspect partials --audit --config config/tidemark.example.yaml',
    )
    .action(async (name: TopicName, options: InspectOptions) => {
      if (options.audit === true && name !== 'partials') throw new InvalidArgumentError('--audit is for the topic partials.');
      const config = configOf(options, context, true);
      const log = await openKafka(config, createLogger(config.log.level));
      const kind = topicNames[name];
      const topic = internalTopics(config.core.group)[kind];
      try {
        if (options.audit === true) {
          const audit = await auditPartials(log, topic);
          context.stdout(auditText(audit));
          if (audit.coverage.some(({ gaps }) => gaps.length > 0)) context.exitWith(exitCodes.input);
        } else await printRecords(log, kind, topic, options, context);
      } finally {
        await log.close();
      }
    });
}

async function printRecords(
  log: Log,
  kind: InternalTopic,
  topic: string,
  { partition, from, limit }: InspectOptions,
  context: CommandContext,
): Promise<void> {
  const partitions = partition === undefined ? Array.from({ length: await log.partitionCount(topic) }, (_, index) => index) : [partition];
  let left = limit;
  for (const one of partitions) {
    for await (const record of scan(log, { topic, partition: one }, from)) {
      if (left === 0) return;
      left -= 1;
      const timestamp = new Date(record.timestampMs).toISOString();
      context.stdout(`${JSON.stringify({ partition: one, offset: record.offset, timestamp, ...readableRecord(kind, record) })}\n`);
    }
  }
}

function auditText({ coverage, records }: Audit): string {
  const counts = Object.entries(records).map(([name, count]) => `${count} ${name}`);
  return `${[...coverage.map(coverageText), `records: ${counts.join(', ')}`].join('\n')}\n`;
}

function coverageText({ source, from, to, gaps, watermarkMs }: Coverage): string {
  const missing = gaps.length === 0 ? 'no gap' : `GAPS ${gaps.map(([first, end]) => `[${first}, ${end})`).join(' ')}`;
  return `${source.role} ${source.topic}/${source.partition}: [${from}, ${to}) covered, ${missing}, watermark ${new Date(watermarkMs).toISOString()}`;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('must be a whole number of at least 0.');
  return value;
}
