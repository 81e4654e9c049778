/** The sinks that a configuration names, each for a notify stage of its own: an outage of one holds up no other. */
import type { Config } from '../config/config.ts';
import { isEnd, type Severity } from '../core/incident/event.ts';
import type { Logger } from '../core/logger.ts';
import { sensitiveOf } from '../sentry/privacy.ts';
import { webhook } from '../sinks/webhook.ts';
import { type SentryDeliveryOptions, startSentryDelivery } from './sentryDelivery.ts';
import type { Sink } from './sink.ts';

/** Starts them. `ConfigError` where one cannot work. */
export async function startSinks(options: SentryDeliveryOptions): Promise<Sink[]> {
  const { config, clock, logger } = options;
  const sinks: Sink[] = [];
  if (config.sentry.dsn !== '') sinks.push(await startSentryDelivery(options));
  if (config.sinks.webhook.url !== '') sinks.push(webhookSink(config, () => clock.nowMs()));
  if (config.sinks.log) sinks.push(logSink(logger));
  return sinks;
}

function webhookSink(config: Config, nowMs: () => number): Sink {
  const { deliver } = webhook({
    ...config.sinks.webhook,
    group: config.core.group,
    sensitiveOf: (event) => sensitiveOf(event, config),
    nowMs,
  });
  return { name: 'webhook', deliver, close: async () => {} };
}

const levels = { info: 'info', warning: 'warn', error: 'error' } as const satisfies Readonly<Record<Severity, keyof Logger>>;

/** One line a step, with the whole event, at the level of its severity; the end of an incident is information. */
function logSink(logger: Logger): Sink {
  return {
    name: 'log',
    async deliver(event, end = null) {
      const isOver = isEnd(event.step) || end !== null;
      logger[isOver ? 'info' : levels[event.severity]](
        { incidentEvent: event },
        `incident ${event.step}: ${event.model}: ${event.summary}`,
      );
      return { outcome: 'accepted' };
    },
    close: async () => {},
  };
}
