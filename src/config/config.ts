/** The configuration as the program uses it: units fixed, contradictions excluded, secrets inside. */
import { ConfigError } from '../core/errors.ts';
import type { StormLimits } from '../core/incident/storm.ts';
import type { CoreSettings } from '../core/settings.ts';

export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Where the first start begins: an end of the log, or epoch milliseconds. */
  readonly start: 'earliest' | 'latest' | number;
  /** Paths of PEM files; null without TLS. Empty paths: the system's authorities, no client certificate. */
  readonly ssl: { readonly caFile: string; readonly certFile: string; readonly keyFile: string } | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
}

export interface SentrySettings {
  /** Empty where none is set: see `requireSentry`. */
  readonly dsn: string;
  readonly environment: string;
  /** Cap on new issues. */
  readonly storm: StormLimits;
  readonly api: { readonly token: string; readonly organization: string; readonly project: string; readonly url: string };
  /** For `tidemark sentry setup`. */
  readonly setup: SentrySetupSettings;
}

/** What Sentry should look like: teams, alerts and whom they tell. Empty texts: not used. */
interface SentrySetupSettings {
  readonly team: string;
  readonly projectName: string;
  readonly platform: string;
  readonly email: boolean;
  readonly slack: { readonly integrationId: string; readonly channel: string; readonly channelId: string };
  readonly pagerduty: { readonly integrationId: string; readonly service: string; readonly serviceId: string };
  readonly errorEveryMs: number;
  readonly warningEveryMs: number;
  readonly autoResolveHours: number;
  readonly alertApi: 'workflows' | 'rules';
}

/** Of the internal topics. */
export interface TopicSettings {
  readonly create: boolean;
  readonly partitions: number;
  /** null: the brokers' default. */
  readonly replicationFactor: number | null;
  readonly partialsRetentionMs: number;
  readonly eventsRetentionMs: number;
  readonly deadLettersRetentionMs: number;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent';

export interface Config {
  readonly core: CoreSettings;
  readonly kafka: KafkaSettings;
  readonly topics: TopicSettings;
  /** `maxShare`: largest share of a topic's records that is written to the dead-letter topic. */
  readonly deadLetters: { readonly maxShare: number };
  readonly sentry: SentrySettings;
  readonly http: { readonly host: string; readonly port: number };
  readonly log: { readonly level: LogLevel };
  /** URL templates by name (`dashboard`, `runbook`). */
  readonly links: ReadonlyMap<string, string>;
  /** What is odd but stops nothing: one sentence each, for the log. */
  readonly warnings: readonly string[];
}

/** The Sentry settings for a process that notifies. `ConfigError` without a DSN: the SDK would be silent for ever. */
export function requireSentry(config: Config): SentrySettings {
  if (config.sentry.dsn === '') {
    throw new ConfigError(
      'sentry.dsn: is empty, but the notify role delivers to Sentry; set sentry.dsn, TIDEMARK_SENTRY_DSN, SENTRY_DSN or SENTRY_DSN_FILE, or run without notify (--roles summarize,detect)',
    );
  }
  return config.sentry;
}

const hidden = '[hidden]';

/** The configuration as plain data that may be printed: secrets hidden, maps as objects. */
export function printableConfig(config: Config): unknown {
  const { core, kafka, sentry, links, ...rest } = config;
  return {
    core: { ...core, models: Object.fromEntries(core.models) },
    kafka: { ...kafka, sasl: kafka.sasl === null ? null : { ...kafka.sasl, password: hidden } },
    ...rest,
    sentry: { ...sentry, dsn: sentry.dsn === '' ? '' : hidden, api: { ...sentry.api, token: sentry.api.token === '' ? '' : hidden } },
    links: Object.fromEntries(links),
  };
}
