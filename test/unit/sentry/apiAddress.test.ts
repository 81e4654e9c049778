import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { apiAddress } from '../../../src/sentry/api/address.ts';

const addressOf = (...sets: string[]) => apiAddress(loadConfig({ files: [], env: {}, sets, assumeTopics: true }).sentry);

test.each([
  [[], 'https://sentry.io'],
  [['sentry.dsn=https://k@o1.ingest.sentry.io/1'], 'https://sentry.io'],
  [['sentry.dsn=https://k@o1.ingest.de.sentry.io/1'], 'https://de.sentry.io'],
  [['sentry.dsn=https://k@sentry.example.com/1'], 'https://sentry.example.com'],
  [['sentry.dsn=http://k@127.0.0.1:9465/base/1'], 'http://127.0.0.1:9465/base'],
  [['sentry.dsn=https://k@o1.ingest.sentry.io/1', 'sentry.api.url=https://sentry.example.com'], 'https://sentry.example.com'],
])('with %j the web API is at %s', (sets, address) => expect(addressOf(...sets)).toBe(address));
