import type { SentrySettings } from '../../config/config.ts';

/**
 * Address of Sentry's web API, as `sentryApi` takes it: as set, else where the DSN points, else the hosted service. That one takes events under hosts of
 * their own (`o1.ingest.de.sentry.io`); everywhere else events and API have one host, and one path before them.
 */
export function apiAddress({ dsn, api }: Pick<SentrySettings, 'dsn' | 'api'>): string {
  if (api.url !== '') return api.url;
  if (!URL.canParse(dsn)) return 'https://sentry.io';
  const { protocol, host, pathname } = new URL(dsn);
  const hosted = /(?:^|\.)ingest\.(?:(\w+)\.)?sentry\.io$/.exec(host);
  if (hosted !== null) return hosted[1] === undefined ? 'https://sentry.io' : `https://${hosted[1]}.sentry.io`;
  return `${protocol}//${host}${pathname.replace(/\/\d+$/, '')}`;
}
