import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/core/errors.ts';
import { checkDsn } from '../../../src/sentry/client.ts';

describe('a DSN that the SDK would silently ignore', () => {
  it.each([
    ['', 'sentry.dsn is missing'],
    ['   ', 'sentry.dsn is missing'],
    ['sentry.io', 'it is no URL'],
    ['ftp://key@host/1', 'its protocol is ftp'],
    ['https://sentry.io/1', 'no key before the @'],
    ['https://topsecret@sentry.io/', 'the number of a project'],
    ['https://topsecret@sentry.io/project', 'the number of a project'],
  ])('is refused with what is wrong, and its key is not printed: "%s"', (dsn, message) => {
    expect(() => checkDsn(dsn)).toThrow(ConfigError);
    expect(() => checkDsn(dsn)).toThrow(message);
    expect(() => checkDsn(dsn)).not.toThrow('topsecret');
  });
});
