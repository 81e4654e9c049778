import { describe, expect, it } from 'vitest';
import { isAttachmentAtFault, meaningOf, type ServerAnswer } from '../../../src/sentry/acceptance.ts';

const nowMs = Date.UTC(2026, 2, 1);
const answer = (status: number, headers: Partial<ServerAnswer> = {}): ServerAnswer => ({
  status,
  retryAfter: null,
  rateLimits: null,
  ...headers,
});

describe('what an answer of Sentry means', () => {
  it.each([
    [200, 'accepted'],
    [202, 'accepted'],
    [302, 'not-ready'],
    [400, 'poison'],
    [401, 'not-ready'],
    [403, 'not-ready'],
    [404, 'not-ready'],
    [405, 'not-ready'],
    [408, 'retry'],
    [413, 'too-large'],
    [500, 'retry'],
    [503, 'retry'],
  ] as const)('HTTP %i is %s', (status, outcome) => {
    expect(meaningOf(answer(status), nowMs)).toEqual({ outcome, status });
  });

  it('no answer is a retry', () => {
    expect(meaningOf(null, nowMs)).toEqual({ outcome: 'retry' });
  });

  it.each<[string, Partial<ServerAnswer>, number]>([
    ['Retry-After in seconds', { retryAfter: '7' }, 7_000],
    ['Retry-After as a date', { retryAfter: 'Sun, 01 Mar 2026 00:00:30 GMT' }, 30_000],
    ['a date that has passed', { retryAfter: 'Sat, 28 Feb 2026 00:00:30 GMT' }, 0],
    ['nothing', {}, 60_000],
    ['nonsense', { retryAfter: 'soon', rateLimits: '' }, 60_000],
    ['a limit on everything', { rateLimits: '12::organization' }, 12_000],
    ['a limit on errors among others', { rateLimits: '2700:attachment:key, 5:transaction;error:key' }, 5_000],
    ['the longest of several', { rateLimits: '5:error:key, 9:default:key' }, 9_000],
    ['a limit without a number', { rateLimits: ':error:key' }, 60_000],
    ['limits on other categories only, and Retry-After', { rateLimits: '5:transaction:key', retryAfter: '3' }, 3_000],
    ['a year', { retryAfter: '31536000' }, 86_400_000],
  ])('429 with %s asks for a pause', (_what, headers, retryAfterMs) => {
    expect(meaningOf(answer(429, headers), nowMs)).toEqual({ outcome: 'rate-limited', status: 429, retryAfterMs });
  });

  it('503 may say when to come back', () => {
    expect(meaningOf(answer(503, { retryAfter: '4' }), nowMs)).toEqual({ outcome: 'retry', status: 503, retryAfterMs: 4_000 });
  });

  it('the attachments are at fault where the event is too large or only they are limited', () => {
    expect(isAttachmentAtFault(answer(413))).toBe(true);
    expect(isAttachmentAtFault(answer(429, { rateLimits: '60:attachment:key' }))).toBe(true);
    expect(isAttachmentAtFault(answer(429, { rateLimits: '60:attachment;error:key' }))).toBe(false);
    expect(isAttachmentAtFault(answer(429, { rateLimits: '60::key' }))).toBe(false);
    expect(isAttachmentAtFault(answer(429))).toBe(false);
    expect(isAttachmentAtFault(answer(500))).toBe(false);
  });
});
