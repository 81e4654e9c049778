import { Command, InvalidArgumentError } from 'commander';
import { printableConfig } from '../config/config.ts';
import { createLogger } from '../config/logger.ts';
import { prometheusMetrics } from '../http/registry.ts';
import { type HealthState, startHttp } from '../http/server.ts';
import { partitionKey } from '../log/partitionKey.ts';
import { systemClock } from '../log/systemClock.ts';
import { keepHeapSmall } from '../stages/heap.ts';
import { progressText } from '../stages/progress.ts';
import { type Role, roles, Worker } from '../stages/worker.ts';
import { type CommandContext, type ConfigOptions, configOf, withConfigOptions } from './context.ts';
import { exitCodes } from './exitCodes.ts';
import { openKafka } from './openKafka.ts';
import { stopOnSignals } from './signals.ts';
import { packageVersion } from './version.ts';

/** `tidemark worker`: reads topics, finds drift, files incidents, until SIGTERM or SIGINT. */
export function workerCommand(context: CommandContext): Command {
  return withConfigOptions(new Command('worker'))
    .summary('read the topics, find drift, file incidents, until it is stopped')
    .description(
      'Runs the stages of Tidemark: summarize (predictions and feedback to partials), detect (partials to incidents) and notify (incidents to Sentry). ' +
        'Start as many as you like with the same kafka.group: they share the partitions. SIGTERM flushes, commits and leaves within 10 s.',
    )
    .option('--roles <roles>', `stages to run, comma-separated: ${roles.join(', ')}`, rolesOf, [...roles])
    .addHelpText('after', '\nExample:\n  tidemark worker --config tidemark.yaml --set kafka.brokers=localhost:9092')
    .action(async (options: ConfigOptions & { roles: readonly Role[] }) => {
      keepHeapSmall();
      const config = configOf(options, context);
      const logger = createLogger(config.log.level);
      const stop = stopOnSignals();
      const metrics = prometheusMetrics();
      const log = await openKafka(config, logger, metrics);
      const release = `tidemark@${packageVersion()}`;
      const worker = new Worker({ config, log, roles: options.roles, clock: systemClock, logger, metrics, release });
      const health = { live: () => healthOf(worker, false), ready: () => healthOf(worker, true) };
      const http = await startHttp({ ...config.http, metrics, health }).catch(async (error: unknown) => {
        // Else the connections of the log keep the process alive, and the message would be all that is seen of its end.
        await log.close();
        throw error;
      });
      logger.info({ url: http.url, roles: options.roles, release, config: printableConfig(config) }, 'Tidemark started');
      try {
        await worker.run(stop);
        logger.info({}, 'Tidemark stopped');
        // Everything is written and committed; connections that end slowly are no failure.
        process.exitCode = exitCodes.done;
      } finally {
        await http.close();
        await log.close();
      }
    });
}

function rolesOf(text: string): Role[] {
  return text.split(',').map((name) => {
    const role = roles.find((one) => one === name.trim());
    if (role === undefined) throw new InvalidArgumentError(`"${name}" is no role; there are ${roles.join(', ')}.`);
    return role;
  });
}

function healthOf(worker: Worker, mustRun: boolean): HealthState {
  const stages = [...worker.stages];
  const stopped = worker.stoppedPartitions;
  const blind =
    stopped.length === 0 ? {} : { partials: `partitions ${stopped.join(', ')} are stopped, their models are not watched: see the log` };
  const sources = worker.stoppedSources.map(partitionKey);
  const held = sources.length === 0 ? {} : { sources: `${sources.join(', ')} are stopped because records were lost: see the log` };
  return {
    // A restart would stop at the same record: not ready, but alive.
    ok:
      stages.every(([, { kind }]) => kind !== 'stopped' && (kind === 'running' || !mustRun)) &&
      (!mustRun || stopped.length + sources.length === 0),
    checks: { ...Object.fromEntries(stages.map(([role, progress]) => [role, progressText(progress)])), ...blind, ...held },
  };
}
