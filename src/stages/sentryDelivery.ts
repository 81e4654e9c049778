/** Between the notify stage and Sentry: an event becomes an issue of its model, and one attempt to deliver it. */
import type { Config } from '../config/config.ts';
import type { DeliveryAnswer } from '../core/incident/delivery.ts';
import type { EventRecord } from '../core/incident/event.ts';
import { settingsOf } from '../core/settings.ts';
import { type SentryClient, startSentryClient } from '../sentry/client.ts';
import { issueOf } from '../sentry/issue.ts';

export interface SentryDelivery {
  deliver(event: EventRecord): Promise<DeliveryAnswer>;
  close(): Promise<void>;
}

/** Starts the client. `ConfigError` for a DSN that cannot work. */
export async function startSentryDelivery({ sentry, core, links }: Config, release: string): Promise<SentryDelivery> {
  const client: SentryClient = await startSentryClient({ dsn: sentry.dsn, environment: sentry.environment, release });
  const context = { group: core.group, links: Object.fromEntries(links), environment: sentry.environment, release };
  return {
    deliver: (event) => client.deliver(issueOf(event, { ...context, sensitive: new Set(settingsOf(core, event.model).sensitive) })),
    close: () => client.close(),
  };
}
