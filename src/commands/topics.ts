import { Command } from 'commander';
import { createLogger } from '../config/logger.ts';
import { formatDuration } from '../core/duration.ts';
import { ensureInternalTopics, internalTopicSpecs, kafkaTopicsCommands } from '../log/internalTopics.ts';
import type { TopicSpec } from '../log/port.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';
import { openKafka } from './openKafka.ts';

/** `tidemark topics`: creates the internal topics, or prints how to. */
export function topicsCommand(context: CommandContext): Command {
  return withConfigOptions(new Command('topics'))
    .summary('create the internal topics, or print the commands that do')
    .description(
      'Creates the topics that Tidemark keeps for itself, with the right cleanup, retention, partitions and replication, and checks those that exist. The worker does the same at its start unless topics.create is false.',
    )
    .option('--print', 'print kafka-topics.sh commands and connect to nothing: for clusters where only administrators create topics')
    .addHelpText('after', '\nExample:\n  tidemark topics --print --config config/tidemark.example.yaml')
    .action(async (options: ConfigOptions & { print?: true }) => {
      const config = configOf(options, context, true);
      const { core, topics } = config;
      const specs = internalTopicSpecs(core.group, topics);
      if (options.print === true) {
        context.stdout(kafkaTopicsCommands(specs, config.kafka.brokers));
        return;
      }
      const log = await openKafka(config, createLogger(config.log.level));
      try {
        await ensureInternalTopics(log, core.group, { ...topics, create: true });
      } finally {
        await log.close();
      }
      context.stdout(`${specs.map(lineOf).join('\n')}\n`);
    });
}

function lineOf({ topic, partitions, configs }: TopicSpec): string {
  const retention = configs['retention.ms'];
  const kept = retention === undefined ? 'compacted' : `kept ${formatDuration(Number(retention))}`;
  return `${topic}: ready, ${partitions} partitions, ${kept}`;
}
