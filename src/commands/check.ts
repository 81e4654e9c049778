import { Command, InvalidArgumentError } from 'commander';
import { check } from '../check/check.ts';
import { refusalToCreate } from '../check/topicPermission.ts';
import { createLogger } from '../config/logger.ts';
import { systemClock } from '../log/systemClock.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';
import { exitCodes } from './exitCodes.ts';
import { kafkaOptionsOf, openKafka } from './openKafka.ts';

/** `tidemark check`: what Tidemark would make of a configuration and of the topics it names. */
export function checkCommand(context: CommandContext): Command {
  return withConfigOptions(new Command('check'))
    .summary('try a configuration: brokers, topics, a sample of real messages, permissions, DSN')
    .description(
      'Validates the configuration, reaches the brokers, reads the newest messages of each topic and shows what Tidemark would make of them, and what to change. Reads only: joins no group, commits, creates and sends nothing. Ends with 2 where something will not work.',
    )
    .option('-n, --sample <records>', 'about how many records of each topic to read', sampleSizeOf, 1_000)
    .addHelpText('after', '\nExample:\n  tidemark check --config config/tidemark.example.yaml')
    .action(async (options: ConfigOptions & { sample: number }) => {
      const config = configOf(options, context);
      const write = (line: string): void => context.stdout(`${line}\n`);
      write(`configuration: valid; group ${config.core.group}`);
      const logger = createLogger(config.log.level);
      const log = await openKafka(config, logger);
      try {
        write(`brokers: ${config.kafka.brokers.join(', ')} answer`);
        const { problems, advice } = await check({
          config,
          log,
          clock: systemClock,
          sampleSize: options.sample,
          mayCreate: (specs) => refusalToCreate(kafkaOptionsOf(config.kafka), logger, specs),
          write,
        });
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
