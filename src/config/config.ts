/** The configuration as the program uses it: units fixed, contradictions excluded, secrets inside. */
import { ConfigError } from '../core/errors.ts';
import type { StormLimits } from '../core/incident/storm.ts';
import type { CoreSettings } from '../core/settings.ts';

export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Empty where the worker has no name of its own. */
  readonly instance: string;
  /** Where the first start begins: an end of the log, or epoch milliseconds. */
  readonly start: 'earliest' | 'latest' | number;
  /** What to do where records were lost before they were read. */
  readonly onGap: 'continue' | 'stop';
  /** Paths of PEM files; null without TLS. Empty paths: the system's authorities, no client certificate. */
  readonly ssl: { readonly caFile: string; readonly certFile: string; readonly keyFile: string } | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
}

export interface SentrySettings {
  /** Empty where none is set: see `requireSink`. */
  readonly dsn: string;
  readonly environment: string;
  /** Cap on new issues. */
  readonly storm: StormLimits;
  readonly checkIns: { readonly enabled: boolean; readonly everyMs: number; readonly blindAfterMs: number };
  /** Whether gauges are sent. */
  readonly metrics: boolean;
  /** Errors of Tidemark itself; an empty `dsn`: to the same project. */
  readonly self: { readonly errors: boolean; readonly dsn: string };
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

/** Where events go besides Sentry. */
export interface SinkSettings {
  readonly log: boolean;
  /** Empty `url`: none. */
  readonly webhook: {
    readonly url: string;
    readonly format: 'cloudevents' | 'slack' | 'pagerduty';
    readonly secret: string;
    readonly deadlineMs: number;
  };
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
  /** The files it was read from, as they were named. */
  readonly files: readonly string[];
  readonly core: CoreSettings;
  readonly kafka: KafkaSettings;
  readonly topics: TopicSettings;
  /** `maxShare`: largest share of a topic's records that is written to the dead-letter topic. */
  readonly deadLetters: { readonly maxShare: number };
  readonly sentry: SentrySettings;
  readonly sinks: SinkSettings;
  /** `maxCategories`: a feature with more shows none of them outside of Kafka. */
  readonly privacy: { readonly maxCategories: number };
  readonly http: { readonly host: string; readonly port: number };
  readonly log: { readonly level: LogLevel };
  /** URL templates by name (`dashboard`, `runbook`). */
  readonly links: ReadonlyMap<string, string>;
  /** What is odd but stops nothing: one sentence each, for the log. */
  readonly warnings: readonly string[];
}

/** For a process that notifies. `ConfigError` where there is nowhere to deliver to: it would be silent for ever. */
export function requireSink({ sentry, sinks }: Config): void {
  if (sentry.dsn !== '' || sinks.webhook.url !== '' || sinks.log) return;
  throw new ConfigError(
    'sentry.dsn: is empty, and there is no other sink, but the notify role delivers somewhere; set sentry.dsn (SENTRY_DSN, SENTRY_DSN_FILE), sinks.webhook.url or sinks.log, or run without notify (--roles summarize,detect)',
  );
}

const hidden = '[hidden]';

/** The configuration as plain data that may be printed: secrets hidden, maps as objects. */
export function printableConfig(config: Config): unknown {
  const { core, kafka, sentry, sinks, links, ...rest } = config;
  const secret = (value: string) => (value === '' ? '' : hidden);
  return {
    core: { ...core, models: Object.fromEntries(core.models) },
    kafka: { ...kafka, sasl: kafka.sasl === null ? null : { ...kafka.sasl, password: hidden } },
    ...rest,
    sentry: {
      ...sentry,
      dsn: secret(sentry.dsn),
      self: { ...sentry.self, dsn: secret(sentry.self.dsn) },
      api: { ...sentry.api, token: secret(sentry.api.token) },
    },
    sinks: { ...sinks, webhook: { ...sinks.webhook, url: secret(sinks.webhook.url), secret: secret(sinks.webhook.secret) } },
    links: Object.fromEntries(links),
  };
}
