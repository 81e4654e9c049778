/**
 * A day without Sentry, in simulated time: the real notify stage, the real SDK and API client, an inbox that fails in another way every few hours. Requests take real
 * time, during which the simulated clock stands still; all pauses, backoff and limits are simulated.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { DeliveryAnswer } from '../../src/core/incident/delivery.ts';
import type { EventRecord, IncidentStep } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import type { Logger } from '../../src/core/logger.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import type { InboxFailure } from '../../src/sentry/inbox/failure.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import type { InboxIssue } from '../../src/sentry/inbox/store.ts';
import { NotifyStage } from '../../src/stages/notify.ts';
import { startSentryDelivery } from '../../src/stages/sentryDelivery.ts';
import type { Sink } from '../../src/stages/sink.ts';
import { event as eventLike, hex, series } from '../support/events.ts';
import { pictures } from '../support/pictures.ts';
import { SimulatedClock } from '../support/simulatedClock.ts';

const hourMs = 3_600_000;
/** When Sentry goes away. */
const outageMs = Date.UTC(2026, 2, 2);
const at = (hours: number) => outageMs + hours * hourMs;
const iso = (hours: number) => new Date(at(hours)).toISOString();
const topics = internalTopics('tidemark');
const quiet: Logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

/** A step and when it is written, in hours after the beginning of the outage. */
type Written = readonly [hours: number, step: IncidentStep, severity?: EventRecord['severity']];

interface Story {
  readonly incident: string;
  /** Incident that it reopens. */
  readonly chain?: string;
  readonly steps: readonly Written[];
}

/** Everything that happens. The outage lasts from 0 to 24. */
const stories: readonly Story[] = [
  {
    incident: 'goes on',
    steps: [
      [-1, 'opened'],
      [3, 'escalated', 'error'],
      [9, 'reminded', 'error'],
      [15, 'reminded', 'error'],
      [21, 'reminded', 'error'],
      [25.5, 'reminded', 'error'],
      [26, 'recovered', 'error'],
    ],
  },
  {
    incident: 'wholly inside',
    steps: [
      [2, 'opened', 'error'],
      [4, 'escalated', 'error'],
      [6, 'reminded', 'error'],
      [10, 'recovered', 'error'],
    ],
  },
  {
    incident: 'came and went',
    steps: [
      [1, 'opened', 'error'],
      [5, 'recovered', 'error'],
    ],
  },
  {
    incident: 'came back',
    chain: 'came and went',
    steps: [
      [8, 'opened', 'error'],
      [14, 'reminded', 'error'],
      [20, 'reminded', 'error'],
    ],
  },
  {
    incident: 'was open',
    steps: [
      [-0.9, 'opened'],
      [12, 'recovered'],
    ],
  },
  {
    incident: 'still there',
    steps: [
      [11, 'opened', 'error'],
      [13, 'escalated', 'error'],
      [16, 'escalated', 'error'],
      [23, 'reminded', 'error'],
    ],
  },
  {
    incident: 'archived by a person',
    steps: [
      [-0.8, 'opened'],
      [7, 'reminded'],
      [19, 'reminded'],
    ],
  },
  {
    incident: 'no data any more',
    steps: [
      [18, 'opened', 'error'],
      [19, 'ended', 'error'],
    ],
  },
  { incident: 'pictured', steps: [[17, 'opened']] },
  { incident: 'opens during the recovery', steps: [[24.01, 'opened', 'error']] },
];

/** Another bad day every few hours. */
const badDays: readonly (readonly [hours: number, failure: InboxFailure])[] = [
  [0, { kind: 'status', status: 503 }],
  [3, { kind: 'status', status: 429, retryAfter: '3600' }],
  [10, { kind: 'reset-before-body' }],
  [12, { kind: 'status', status: 401 }],
  [14, { kind: 'status', status: 429, rateLimits: '1800:error:organization' }],
  [22, { kind: 'status', status: 500 }],
];

/** What Sentry answers while it comes back: each until one attempt has met it. */
const comingBack: readonly InboxFailure[] = [
  { kind: 'status', status: 429, retryAfter: '120' },
  { kind: 'status', status: 429, rateLimits: '300:error;default:key, 60:transaction:key' },
  { kind: 'reset-after-body' },
];

interface Attempt {
  readonly worker: string;
  readonly order: number;
  readonly event: EventRecord;
  readonly startedMs: number;
  readonly answer: DeliveryAnswer;
  readonly answeredOrder: number;
}

describe('a day without Sentry', () => {
  const clock = new SimulatedClock(at(-1.1));
  const attempts: Attempt[] = [];
  let order = 0;
  let underWay = 0;
  let inbox: Inbox;
  let log: MemoryLog;
  const dead = new Set<string>();

  /** Starts a worker; gives what stops it. */
  async function start(name: string): Promise<() => Promise<void>> {
    const sets = [
      'predictions.topic=p',
      `sentry.dsn=${inbox.dsn}`,
      ...Object.entries(inbox.api).map(([key, value]) => `sentry.api.${key}=${value}`),
    ];
    const config = loadConfig({ files: [], env: {}, sets });
    const schedule = clock.schedule.bind(clock);
    const sentry = await startSentryDelivery({ config, release: 'r', clock, logger: quiet, metrics: noMetrics, schedule });
    const sink: Sink = {
      ...sentry,
      async deliver(event, end) {
        const attempt = { worker: name, order: order++, event, startedMs: clock.nowMs() };
        underWay += 1;
        const answer = await sentry.deliver(event, end);
        underWay -= 1;
        const answered = { ...attempt, answer, answeredOrder: Number.POSITIVE_INFINITY };
        attempts.push(answered);
        // The stage hears of it two turns of the queue later; what it begins from then on must know.
        void Promise.resolve()
          .then(() => {})
          .then(() => {})
          .then(() => (answered.answeredOrder = order++));
        return answer;
      },
    };
    const controller = new AbortController();
    const { storm } = config.sentry;
    let jitter = 0;
    const random = () => (jitter = (jitter + 0.618) % 1);
    const ended = new NotifyStage({
      log: log.as(name),
      group: 'tidemark',
      clock,
      logger: quiet,
      metrics: noMetrics,
      sink,
      storm,
      random,
    }).run(controller.signal);
    return async () => {
      controller.abort();
      const stopped = dead.has(name) ? [] : [ended];
      await Promise.all([...stopped, clock.runTo(clock.nowMs() + 1_000, () => underWay > 0)]);
      await sentry.close();
    };
  }

  const runTo = (hours: number) => clock.runTo(at(hours), () => underWay > 0);

  beforeAll(async () => {
    inbox = await startInbox({ host: '127.0.0.1', port: 0 });
    log = new MemoryLog({
      clock,
      interpose: async (operation, effect) => (dead.has(operation.member ?? '') ? new Promise(() => {}) : effect()),
    });
    await log.createTopics(Object.values(topics).map((topic) => ({ topic, partitions: 2, configs: {} })));
    for (const [index, { incident, chain = incident, steps }] of stories.entries()) {
      const partition = (chain === incident ? index : stories.findIndex((one) => one.incident === chain)) % 2;
      for (const [ordinal, [hours, step, severity = 'warning']] of steps.entries()) {
        const one = eventLike(incident, ordinal, step, {
          chain: hex(chain),
          model: incident,
          severity,
          windowStart: iso(hours - 1),
          windowEnd: iso(hours),
          start: iso(steps[0]?.[0] ?? 0),
          series: [series('amount', { since: iso(steps[0]?.[0] ?? 0) })],
          ...(incident === 'pictured' && pictures.numeric.picture !== undefined ? { picture: pictures.numeric.picture } : {}),
        });
        clock.schedule(at(hours) - clock.nowMs(), () => {
          void log.produce([{ topic: topics.events, partition, key: one.chain, value: JSON.stringify(one) }]);
        });
      }
    }
    for (const [hours, failure] of badDays) {
      clock.schedule(at(hours) - clock.nowMs(), () => {
        inbox.fail(failure);
        // A token that is refused is not an outage: what it cannot do is given up at once, with an error line.
        inbox.failApi(failure.kind === 'status' && failure.status === 401 ? { kind: 'status', status: 503 } : failure);
      });
    }

    const stopFirst = await start('first');
    await runTo(-0.5);
    const archived = inbox.issues().find(({ fingerprint }) => fingerprint[2] === hex('archived by a person'));
    await inbox.act(archived?.id ?? '', 'set_ignored');
    await runTo(8);
    // Killed: nothing that it still does reaches the log, and the group finds out.
    dead.add('first');
    log.expel('first');
    await stopFirst();
    const stopSecond = await start('second');
    await runTo(16);
    await stopSecond();
    const stopThird = await start('third');
    await runTo(24);
    inbox.failApi({ kind: 'status', status: 429, retryAfter: '60', times: 2 });
    for (const failure of comingBack) {
      const met = attempts.length;
      inbox.fail(failure);
      while (attempts.slice(met).every(({ answer }) => !isAnswerTo(failure, answer)))
        await clock.runTo(clock.nowMs() + 500, () => underWay > 0);
    }
    inbox.fail({ kind: 'status', status: 429, rateLimits: '900:attachment:organization', onlyWithAttachments: true, times: 1 });
    await runTo(26.5);
    await stopThird();
  }, 180_000);
  afterAll(() => inbox?.close());

  const issue = (chain: string): InboxIssue | undefined => inbox.issues().find(({ fingerprint }) => fingerprint[2] === hex(chain));
  /** Steps as they came, with the level that people are woken by. */
  const told = (chain: string) => issue(chain)?.events.map(({ tags, level }) => `${tags.step} ${level}`);
  const comments = (chain: string) => issue(chain)?.activity.filter(({ type }) => type === 'note') ?? [];

  it('tells of everything afterwards, in order, without the reminders and escalations that were overtaken', () => {
    expect(told('goes on')).toEqual(['opened warning', 'escalated error', 'reminded error', 'reminded error']);
    expect(issue('goes on')?.events.map(({ event }) => event.event_id)).toEqual([0, 1, 4, 5].map((ordinal) => hex(`goes on/${ordinal}`)));
    expect(told('still there')).toEqual(['opened error', 'escalated error', 'reminded error']);
    expect(issue('still there')?.events[1]?.event.event_id).toBe(hex('still there/2'));
    expect(told('pictured')).toEqual(['opened warning']);
    expect(told('opens during the recovery')).toEqual(['opened error']);
  });

  it('tells of what came and went meanwhile at the level of information, says that it is over, and resolves it', () => {
    expect(told('wholly inside')).toEqual(['opened info', 'escalated info']);
    expect(issue('wholly inside')).toMatchObject({ status: 'resolved', level: 'info' });
    expect(issue('wholly inside')?.value).toMatch(/^Over since 2026-03-02 10:00Z, after 8 h: amount/);
    expect(comments('wholly inside')).toHaveLength(1);
    expect(comments('wholly inside')[0]?.text).toContain('Highest severity: error');
    expect(told('no data any more')).toEqual(['opened info']);
    expect(issue('no data any more')?.status).toBe('resolved');
  });

  it('wakes people for what came back and lasts, in the same issue, and not for its first time', () => {
    expect(told('came and went')).toEqual(['opened info', 'opened error', 'reminded error']);
    expect(issue('came and went')?.status).toBe('unresolved');
    expect(comments('came and went')).toHaveLength(1);
  });

  it('resolves what was open before and is over, with one comment', () => {
    expect(told('was open')).toEqual(['opened warning']);
    expect(issue('was open')?.status).toBe('resolved');
    expect(comments('was open')).toHaveLength(1);
    expect(issue('goes on')?.status).toBe('resolved');
    expect(comments('goes on')).toHaveLength(1);
  });

  it('still respects what a person had closed', () => {
    expect(told('archived by a person')).toEqual(['opened warning']);
    expect(issue('archived by a person')?.status).toBe('ignored');
  });

  it('makes no second issue and no second event of anything', () => {
    expect(inbox.issues()).toHaveLength(new Set(stories.map(({ incident, chain = incident }) => chain)).size);
    const ids = inbox.issues().flatMap(({ events }) => events.map(({ event }) => event.event_id));
    expect(new Set(ids).size).toBe(ids.length);
    // Accepted twice only where Sentry had it and the answer was lost, which its memory of event ids takes care of.
    const accepted = attempts.filter(({ answer }) => answer.outcome === 'accepted').map(({ event }) => event.id);
    expect(new Set(accepted).size).toBe(accepted.length);
  });

  it('leaves Sentry alone for as long as it asks', () => {
    const pauses = attempts.filter(({ answer }) => answer.outcome === 'rate-limited');
    expect(pauses.map(({ answer }) => answer.retryAfterMs)).toEqual(expect.arrayContaining([hourMs, 1_800_000, 120_000, 300_000]));
    // A worker that has just been started cannot know what its predecessor was asked for.
    for (const { worker, answeredOrder, startedMs, answer } of pauses) {
      const early = attempts.filter(
        (one) => one.worker === worker && one.order > answeredOrder && one.startedMs < startedMs + (answer.retryAfterMs ?? 0),
      );
      expect(early.map(({ event }) => event.id)).toEqual([]);
    }
  });

  it('tells of what goes on before it tells of what is over', () => {
    const back = attempts.find(
      ({ answer, startedMs }) => answer.outcome === 'accepted' && answer.status !== undefined && startedMs >= at(24),
    );
    const firstOrder = (incident: string) =>
      attempts.find(({ event, order: of }) => event.incident === hex(incident) && of > (back?.answeredOrder ?? 0))?.order ?? -1;
    // The head of a chain that came back is its first time; it has to go first.
    const goingOn = ['goes on', 'still there', 'pictured', 'came and went'].map(firstOrder);
    const over = ['wholly inside', 'no data any more'].map(firstOrder);
    expect(Math.max(...goingOn)).toBeLessThan(Math.min(...over.filter((of) => of >= 0)));
  });

  it('sends the picture behind its event when attachments are taken again', () => {
    expect(issue('pictured')?.events[0]?.attachments[0]?.name).toBe('screenshot.png');
  });
});

/** Whether an attempt has met the failure. */
function isAnswerTo(failure: InboxFailure, answer: DeliveryAnswer): boolean {
  return failure.kind === 'status' ? answer.status === failure.status : answer.outcome === 'retry' && answer.status === undefined;
}
