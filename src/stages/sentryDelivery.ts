/** Between the notify stage and Sentry: an event becomes an issue of its model, and one attempt to deliver it. */
import type { Config } from '../config/config.ts';
import type { Logger } from '../core/logger.ts';
import { settingsOf } from '../core/settings.ts';
import { type SentryClient, startSentryClient } from '../sentry/client.ts';
import { issueOf } from '../sentry/issue.ts';
import { stormIssueOf } from '../sentry/stormIssue.ts';
import type { Sink } from './sink.ts';

/** Starts the client. `ConfigError` for a DSN that cannot work. */
export async function startSentryDelivery({ sentry, core, links }: Config, release: string, logger: Logger): Promise<Sink> {
  const client: SentryClient = await startSentryClient({ dsn: sentry.dsn, environment: sentry.environment, release });
  const context = { group: core.group, links: Object.fromEntries(links), environment: sentry.environment, release };
  return {
    name: 'sentry',
    async deliver(event) {
      if (event.step === 'recovered' || event.step === 'ended') {
        logger.info(
          { event: event.id, incident: event.incident, model: event.model, kind: event.kind, step: event.step },
          'The incident is over. The issue at Sentry stays as it is: a "recovered" event would reopen it',
        );
        return { outcome: 'accepted' };
      }
      return client.deliver(issueOf(event, { ...context, sensitive: new Set(settingsOf(core, event.model).sensitive) }));
    },
    deliverSummary: (summary) => client.deliver(stormIssueOf(summary, context)),
    close: () => client.close(),
  };
}
