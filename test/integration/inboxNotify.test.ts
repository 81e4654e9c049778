import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IncidentStep } from '../../src/core/incident/event.ts';
import type { StormLimits } from '../../src/core/incident/storm.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import type { Logger } from '../../src/core/logger.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import type { Clock } from '../../src/log/port.ts';
import { type SentryClient, startSentryClient } from '../../src/sentry/client.ts';
import type { InboxFailure } from '../../src/sentry/inbox/failure.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { issueOf } from '../../src/sentry/issue.ts';
import { stormIssueOf } from '../../src/sentry/stormIssue.ts';
import { NotifyStage } from '../../src/stages/notify.ts';
import type { Sink } from '../../src/stages/sink.ts';
import { event, hex } from '../support/events.ts';

const topics = internalTopics('g');
const context = { group: 'g', links: {}, configFiles: [], sensitive: new Set<string>(), environment: 'test', release: 'r' };
const quiet: Logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
/** A second of the stage passes in two milliseconds; the request's deadline is real. */
const fastClock: Clock = {
  nowMs: () => performance.now() * 500,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 500)),
};

describe('from the events topic to the issue', () => {
  let inbox: Inbox;
  let client: SentryClient;
  let log: MemoryLog;
  let stop: () => Promise<void>;
  beforeEach(async () => {
    inbox = await startInbox({ host: '127.0.0.1', port: 0 });
    log = new MemoryLog({ clock: fastClock });
    await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions: 1, configs: {} })));
  });
  afterEach(async () => {
    await stop();
    await client.close();
    await inbox.close();
  });

  async function start(deadlineMs = 10_000, more: { readonly storm?: StormLimits } = {}): Promise<void> {
    client = await startSentryClient({ dsn: inbox.dsn, environment: 'test', release: 'r', deadlineMs });
    const controller = new AbortController();
    const sink: Sink = {
      name: 'sentry',
      deliver: async (one) => (one.step === 'recovered' ? { outcome: 'accepted' } : client.deliver(issueOf(one, context))),
      deliverSummary: (summary) => client.deliver(stormIssueOf(summary, context)),
      close: () => client.close(),
    };
    const ended = new NotifyStage({ log, group: 'g', clock: fastClock, logger: quiet, metrics: noMetrics, sink, ...more }).run(
      controller.signal,
    );
    stop = async () => {
      controller.abort();
      await ended;
    };
  }

  async function write(name: string, ...steps: IncidentStep[]): Promise<void> {
    const events = steps.map((step, ordinal) => event(name, ordinal, step));
    await log.produce(events.map((one) => ({ topic: topics.events, partition: 0, key: one.incident, value: JSON.stringify(one) })));
  }

  const arrived = (name: string) =>
    inbox.issues().flatMap(({ fingerprint, events }) => (fingerprint[2] === hex(name) ? events.map(({ tags }) => tags.step) : []));
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it.each<[string, InboxFailure]>([
    ['500', { kind: 'status', status: 500 }],
    ['503 with Retry-After', { kind: 'status', status: 503, retryAfter: '30' }],
    ['429', { kind: 'status', status: 429 }],
    ['429 on errors', { kind: 'status', status: 429, rateLimits: '20:error:key' }],
    ['401', { kind: 'status', status: 401 }],
    ['a hang', { kind: 'hang' }],
    ['a reset before the body', { kind: 'reset-before-body' }],
    ['a reset after the body', { kind: 'reset-after-body' }],
  ])('loses nothing and doubles nothing through %s', async (_what, failure) => {
    inbox.fail({ ...failure, times: 3 });
    await write('a', 'opened', 'escalated', 'recovered');
    await write('b', 'opened');
    await start(failure.kind === 'hang' ? 500 : undefined);
    await until(() => arrived('a').length >= 2 && arrived('b').length >= 1);
    expect(arrived('a')).toEqual(['opened', 'escalated']);
    expect(arrived('b')).toEqual(['opened']);
    expect(
      inbox
        .issues()
        .map(({ count }) => count)
        .sort(),
    ).toEqual([1, 2]);
  });

  it.each([400, 413] as const)('parks the one event that is refused with %i and delivers the others', async (status) => {
    inbox.fail({ kind: 'status', status, times: 1 });
    await write('a', 'opened', 'escalated');
    await start();
    await until(() => arrived('a').length >= 1);
    expect(arrived('a')).toEqual(['escalated']);
    expect((await log.offsets({ topic: topics.deadLetters, partition: 0 })).high).toBe(1);
  });

  it('collapses what piled up while Sentry was away', async () => {
    inbox.fail({ kind: 'status', status: 503 });
    await start();
    await write('a', 'opened', 'reminded', 'escalated', 'reminded', 'escalated', 'reminded', 'reminded', 'recovered');
    inbox.fail(null);
    await until(() => arrived('a').length >= 2);
    expect(arrived('a')).toEqual(['opened', 'escalated']);
  });

  it('makes of 1,000 incidents of a broken feed a handful of issues, and a restart adds none', async () => {
    const storm = { issues: 20, segments: 3, perMs: 30 * 86_400_000 };
    await log.produce(
      Array.from({ length: 1_000 }, (_, index) => event(`storm ${index}`, 0, 'opened', { model: `model ${index % 50}` })).map((one) => ({
        topic: topics.events,
        partition: 0,
        key: one.chain,
        value: JSON.stringify(one),
      })),
    );
    await start(undefined, { storm });
    const summary = () => inbox.issues().find(({ title }) => title.includes('more incidents suppressed'));
    await until(() => summary()?.title.startsWith('980 more incidents suppressed') === true);
    expect(inbox.issues()).toHaveLength(21);
    await stop();
    await client.close();
    await start(undefined, { storm });
    await write('later', 'opened');
    await until(() => summary()?.title.startsWith('981 more incidents suppressed') === true);
    expect(inbox.issues()).toHaveLength(21);
  });

  it.each([403, 404] as const)('keeps everything while Sentry answers %i, and delivers in order when that is put right', async (status) => {
    inbox.fail({ kind: 'status', status, times: 2 });
    await write('a', 'opened', 'escalated');
    await start();
    await until(() => arrived('a').length >= 2);
    expect(arrived('a')).toEqual(['opened', 'escalated']);
    expect((await log.offsets({ topic: topics.deadLetters, partition: 0 })).high).toBe(0);
  });

  it.each<[string, InboxFailure]>([
    ['503', { kind: 'status', status: 503 }],
    ['401', { kind: 'status', status: 401 }],
    ['429 on errors', { kind: 'status', status: 429, rateLimits: '20:error:key' }],
    ['a reset after the body', { kind: 'reset-after-body' }],
  ])('tells of every incident of a storm, in an issue of its own or in the summary, through %s', async (_what, failure) => {
    inbox.fail({ ...failure, times: 12 });
    for (let index = 0; index < 9; index += 1) await write(`storm ${index}`, 'opened');
    await start(undefined, { storm: { issues: 4, segments: 2, perMs: 30 * 86_400_000 } });
    await until(() => inbox.issues().some(({ title }) => title.startsWith('5 more incidents suppressed')));
    await until(() => inbox.issues().length === 5);
    expect(inbox.issues().filter(({ title, count }) => title.startsWith('Data drift') && count === 1)).toHaveLength(4);
  });
});
