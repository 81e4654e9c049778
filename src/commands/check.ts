import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { findingLine } from '../check/advice.ts';
import { check } from '../check/check.ts';
import { checkSentryDelivery } from '../check/sentryCheck.ts';
import { refusalToCreate } from '../check/topicPermission.ts';
import { createLogger } from '../config/logger.ts';
import { systemClock } from '../log/systemClock.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';
import { exitCodes } from './exitCodes.ts';
import { kafkaOptionsOf, openKafka } from './openKafka.ts';
import { packageVersion } from './version.ts';

/** `tidemark check`: what Tidemark would make of a configuration and of the topics it names. */
export function checkCommand(context: CommandContext): Command {
  return withConfigOptions(new Command('check'))
    .summary('try a configuration: brokers, topics, a sample of real messages, permissions, DSN')
    .description(
      'Validates the configuration, reaches the brokers, reads the newest messages of each topic and shows what Tidemark would make of them, and what to change. Reads only: joins no group, commits, creates and sends nothing, but for --sentry. Ends with 2 where something will not work.',
    )
    .option('-n, --sample <records>', 'about how many records of each topic to read', sampleSizeOf, 1_000)
    .option('--sentry', 'send a test incident and follow it to its issue at Sentry: accepted, shown, grouped, with a picture, resolved')
    .addHelpText('after', '\nExample:\n  tidemark check --config config/tidemark.example.yaml')
    .action(async (options: ConfigOptions & { sample: number; sentry?: true }) => {
      const config = configOf(options, context);
      const write = (line: string): void => context.stdout(`${line}\n`);
      write(`configuration: valid; group ${config.core.group}`);
      const isSentryTried = options.sentry === true;
      // Before Kafka is asked: it has nothing to do with it.
      const tried = isSentryTried
        ? await checkSentryDelivery({
            config,
            release: `tidemark@${packageVersion()}`,
            clock: systemClock,
            incident: randomUUID().replaceAll('-', ''),
            write,
          })
        : [];
      for (const finding of tried) write(findingLine(finding));
      const logger = createLogger(config.log.level);
      const log = await openKafka(config, logger);
      try {
        write(`brokers: ${config.kafka.brokers.join(', ')} answer`);
        const rest = await check({
          config,
          log,
          clock: systemClock,
          sampleSize: options.sample,
          mayCreate: (specs) => refusalToCreate(kafkaOptionsOf(config.kafka), logger, specs),
          isSentryTried,
          write,
        });
        const problems = rest.problems + tried.filter(({ kind }) => kind === 'problem').length;
        const advice = rest.advice + tried.filter(({ kind }) => kind === 'advice').length;
        write(`${problems === 0 ? 'no problem found' : counted(problems, 'problem')}, ${counted(advice, 'note')}`);
        if (problems > 0) context.exitWith(exitCodes.usage);
      } finally {
        await log.close();
      }
    });
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function sampleSizeOf(text: string): number {
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1 || size > 1_000_000) throw new InvalidArgumentError('must be a whole number from 1 to 1000000.');
  return size;
}
