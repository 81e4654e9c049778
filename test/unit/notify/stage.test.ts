import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError, DependencyError } from '../../../src/core/errors.ts';
import type { DeliveryAnswer } from '../../../src/core/incident/delivery.ts';
import type { EventRecord, IncidentStep } from '../../../src/core/incident/event.ts';
import { internalTopics } from '../../../src/core/incident/topics.ts';
import type { Logger } from '../../../src/core/logger.ts';
import { type Metrics, noMetrics } from '../../../src/core/metrics.ts';
import { MemoryLog, type MemoryLogOptions } from '../../../src/log/memory/memoryLog.ts';
import type { Clock, Log } from '../../../src/log/port.ts';
import { NotifyStage } from '../../../src/stages/notify.ts';
import type { Sink, SinkName } from '../../../src/stages/sink.ts';
import { event, hex } from '../../support/events.ts';
import { SimulatedClock } from '../../support/simulatedClock.ts';

const topics = internalTopics('g');
const accepted: DeliveryAnswer = { outcome: 'accepted', status: 200 };

/** A clock on which a second passes in five milliseconds: backoff in tests costs little. */
const fastClock: Clock = {
  nowMs: () => performance.now() * 200,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds / 200)),
};

const running: { stop: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ stop }) => stop()));
});

async function newLog(options: MemoryLogOptions = {}): Promise<MemoryLog> {
  const log = new MemoryLog({ clock: fastClock, ...options });
  const specs = Object.values(topics).map((topic) => ({ topic, partitions: 2, configs: {} }));
  await log.createTopics(specs);
  return log;
}

function write(log: Log, partition: number, ...events: readonly EventRecord[]): Promise<readonly number[]> {
  return log.produce(events.map((each) => ({ topic: topics.events, partition, key: each.incident, value: JSON.stringify(each) })));
}

async function recordsOf(log: Log, topic: string, partition: number): Promise<{ key: string; value: unknown }[]> {
  const reader = await log.read({ topic, partition }, 0);
  const records: { key: string; value: unknown }[] = [];
  for (let batch = await reader.next(0); batch !== null; batch = await reader.next(0)) {
    for (const { key, value } of batch.records) {
      records.push({ key: Buffer.from(key ?? []).toString(), value: JSON.parse(Buffer.from(value ?? []).toString()) });
    }
  }
  return records;
}

/** Position of the group in a partition of the events topic. */
async function committed(log: Log, partition: number, group = 'g-notify'): Promise<number | undefined> {
  const visitor = await log.join({ group, topics: [topics.deadLetters] });
  const [commit] = await visitor.committed([{ topic: topics.events, partition }]);
  await visitor.leave();
  return commit?.offset;
}

/** Runs the stage against a Sentry of the test's choosing; `sent` is what it was asked to take, in order. */
function start(
  log: Log,
  answer: (event: EventRecord, attempt: number, end: EventRecord | null) => DeliveryAnswer | Promise<DeliveryAnswer>,
  metrics = noMetrics,
  name: SinkName = 'sentry',
  clock: Clock = fastClock,
) {
  const sent: EventRecord[] = [];
  const lines: string[] = [];
  const write = (level: string) => (_fields: unknown, message: string) => void lines.push(`${level} ${message}`);
  const logger: Logger = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
  const controller = new AbortController();
  const stage = new NotifyStage({
    log,
    group: 'g',
    clock,
    logger,
    metrics,
    random: () => 0,
    sink: {
      name,
      deliver: async (each, end = null) => {
        sent.push(each);
        return answer(each, sent.filter(({ id }) => id === each.id).length, end);
      },
      close: async () => {},
    },
  });
  const ended = stage.run(controller.signal);
  const stop = async () => {
    controller.abort();
    await ended;
  };
  running.push({ stop });
  return { sent, lines, stop, ended };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

const steps = (events: readonly EventRecord[]) => events.map(({ ordinal, step }) => `${ordinal} ${step}`);

describe('the notify stage', () => {
  it('delivers in order, records the ordinal, then commits', async () => {
    const log = await newLog();
    await write(log, 1, event('a', 0, 'opened'), event('a', 1, 'escalated'));
    const { sent, stop } = start(log, () => accepted);
    await until(async () => (await committed(log, 1)) === 2);
    await stop();
    expect(steps(sent)).toEqual(['0 opened', '1 escalated']);
    const written = (await recordsOf(log, topics.deliveries, 1)).filter(({ key }) => key !== 'barrier');
    expect(written).toEqual([
      { key: hex('a'), value: { ordinal: 0, event: hex('a/0'), settlement: 'accepted' } },
      { key: hex('a'), value: { ordinal: 1, event: hex('a/1'), settlement: 'accepted' } },
    ]);
  });

  it('gives the end of an incident to the sink too, after what comes before it', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'), event('a', 1, 'recovered'), event('b', 0, 'opened'), event('b', 1, 'ended'));
    const { sent, stop } = start(log, () => accepted);
    await until(async () => (await committed(log, 0)) === 4);
    await stop();
    expect(steps(sent.filter(({ incident }) => incident === hex('a')))).toEqual(['0 opened', '1 recovered']);
    expect(await recordsOf(log, topics.deliveries, 0)).toContainEqual({
      key: hex('b'),
      value: { ordinal: 1, event: hex('b/1'), settlement: 'accepted' },
    });
  });

  it('keeps sinks apart: an outage of one holds up no other, and each has records of its own', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'), event('b', 0, 'opened'));
    const sentry = start(log, () => ({ outcome: 'retry', status: 503 }));
    const webhook = start(log, () => accepted, noMetrics, 'webhook');
    await until(async () => (await committed(log, 0, 'g-notify-webhook')) === 2);
    await Promise.all([sentry.stop(), webhook.stop()]);
    expect(await committed(log, 0)).toBeUndefined();
    const written = (await recordsOf(log, topics.deliveries, 0)).filter(({ key }) => key !== 'barrier');
    expect(written.map(({ key }) => key)).toEqual([`webhook:${hex('a')}`, `webhook:${hex('b')}`]);
    const later = start(log, () => accepted);
    await until(async () => (await committed(log, 0)) === 2);
    await later.stop();
    expect(later.sent).toHaveLength(2);
  });

  it('keeps trying while Sentry is down, and other incidents go on meanwhile', async () => {
    const log = await newLog();
    await write(log, 0, event('stuck', 0, 'opened'), event('free', 0, 'opened'), event('free', 1, 'escalated'));
    let isUp = false;
    const { sent, stop } = start(log, ({ incident }) =>
      incident === hex('stuck') && !isUp ? { outcome: 'retry', status: 503 } : accepted,
    );
    await until(() => sent.filter(({ incident }) => incident === hex('stuck')).length >= 3);
    expect(steps(sent.filter(({ incident }) => incident === hex('free')))).toEqual(['0 opened', '1 escalated']);
    expect(await committed(log, 0)).toBeUndefined();
    isUp = true;
    await until(async () => (await committed(log, 0)) === 3);
    await stop();
  });

  it('leaves the server alone for as long as it asks, with everything', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'));
    const times: number[] = [];
    const { sent, stop } = start(log, (_event, attempt) => {
      times.push(fastClock.nowMs());
      return sent.length === 1 && attempt === 1 ? { outcome: 'rate-limited', retryAfterMs: 20_000, status: 429 } : accepted;
    });
    await until(() => sent.length === 1);
    await write(log, 1, event('b', 0, 'opened'));
    await until(() => sent.length === 3);
    await stop();
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(20_000);
  });

  it('says loudly, but not at every attempt, that Sentry refuses the DSN, and keeps the event', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'));
    const { lines, stop } = start(log, (_event, attempt) => (attempt < 3 ? { outcome: 'not-ready', status: 401 } : accepted));
    await until(async () => (await committed(log, 0)) === 1);
    await stop();
    expect(lines.filter((line) => line.startsWith('error Sentry refuses this DSN'))).toHaveLength(1);
  });

  it.each(['poison', 'too-large'] as const)('parks what Sentry refuses for good (%s) and goes on with the incident', async (outcome) => {
    const log = await newLog();
    const opened = event('a', 0, 'opened');
    await write(log, 1, opened, event('a', 1, 'escalated'));
    const { sent, stop } = start(log, ({ ordinal }) => (ordinal === 0 ? { outcome, status: 400 } : accepted));
    await until(async () => (await committed(log, 1)) === 2);
    await stop();
    expect(steps(sent)).toEqual(['0 opened', '1 escalated']);
    expect(await recordsOf(log, topics.deadLetters, 1)).toEqual([
      {
        key: '',
        value: {
          stage: 'notify',
          sink: 'sentry',
          topic: topics.events,
          partition: 1,
          offset: 0,
          reason: outcome,
          detail: 'Sentry refused the event for good (HTTP 400)',
          value: JSON.stringify(opened),
        },
      },
    ]);
  });

  it('reads all that waits before it delivers, so that it knows after a restart what is over', async () => {
    const log = await newLog({ fetchSize: () => 1 });
    const steps: IncidentStep[] = ['opened', 'reminded', 'recovered'];
    await write(log, 0, ...steps.map((step, ordinal) => event('over', ordinal, step)), event('lasts', 0, 'opened'));
    const ends: [string, string | undefined][] = [];
    const { stop } = start(log, ({ id }, _attempt, end) => {
      ends.push([id, end?.id]);
      return accepted;
    });
    await until(async () => (await committed(log, 0)) === 4);
    await stop();
    expect(ends).toEqual([
      [hex('lasts/0'), undefined],
      [hex('over/0'), hex('over/2')],
      [hex('over/2'), undefined],
    ]);
  });

  it('does not wait for ever for the end of a partition that it cannot read', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'));
    const asked: Log = { ...log.as('w'), offsets: async (at) => ({ ...(await log.offsets(at)), high: 1_000 }) };
    const { sent, stop } = start(asked, () => accepted);
    await until(() => sent.length === 1);
    await stop();
  });

  it('tries everything again at once when Sentry is back after an outage', async () => {
    const clock = new SimulatedClock(0);
    const log = await newLog({ clock });
    let isUp = false;
    const taken: number[] = [];
    const answer = (): DeliveryAnswer => (isUp && taken.push(clock.nowMs()) > 0 ? accepted : { outcome: 'retry', status: 503 });
    const { stop } = start(log, answer, noMetrics, 'sentry', clock);
    const isBusy = () => false;
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await write(log, 0, event(name, 0, 'opened'));
      await clock.runTo(clock.nowMs() + 137_000, isBusy);
    }
    isUp = true;
    await clock.runTo(clock.nowMs() + 300_000, isBusy);
    expect(taken).toHaveLength(5);
    expect(new Set(taken).size).toBe(1);
    await Promise.all([stop(), clock.runTo(clock.nowMs() + 1_000, isBusy)]);
  });

  it('leaves the server alone when it refuses a summary with a limit, too', async () => {
    const clock = new SimulatedClock(0);
    const log = await newLog({ clock });
    await write(log, 0, event('a', 0, 'opened'), event('suppressed', 0, 'opened'));
    const sentMs: number[] = [];
    const controller = new AbortController();
    const quiet: Logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
    const sink: Sink = {
      name: 'sentry',
      deliver: async () => {
        sentMs.push(clock.nowMs());
        return accepted;
      },
      deliverSummary: async () => ({ outcome: 'rate-limited', retryAfterMs: 600_000, status: 429 }),
      close: async () => {},
    };
    const storm = { issues: 1, segments: 1, perMs: 3_600_000 };
    const ended = new NotifyStage({ log, group: 'g', clock, logger: quiet, metrics: noMetrics, sink, storm, random: () => 0 }).run(
      controller.signal,
    );
    const isBusy = () => false;
    await clock.runTo(15_000, isBusy);
    await write(log, 0, event('a', 1, 'escalated'));
    await clock.runTo(900_000, isBusy);
    expect(sentMs).toHaveLength(2);
    expect(sentMs[1]).toBeGreaterThanOrEqual(610_000);
    controller.abort();
    await Promise.all([ended, clock.runTo(910_000, isBusy)]);
  });

  it('parks a record that is no event and goes on', async () => {
    const log = await newLog();
    await log.produce([{ topic: topics.events, partition: 0, key: 'x', value: '{"id": 1}' }]);
    await write(log, 0, event('a', 0, 'opened'));
    const { sent, stop } = start(log, () => accepted);
    await until(async () => (await committed(log, 0)) === 2);
    await stop();
    expect(steps(sent)).toEqual(['0 opened']);
    expect((await recordsOf(log, topics.deadLetters, 0))[0]?.value).toMatchObject({
      reason: 'unreadable-event',
      offset: 0,
      value: '{"id": 1}',
    });
  });

  it('does not send again after a restart what was recorded but not committed', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'), event('a', 1, 'escalated'));
    await log.produce([{ topic: topics.deliveries, partition: 0, key: hex('a'), value: JSON.stringify({ ordinal: 0 }) }]);
    const { sent, stop } = start(log, () => accepted);
    await until(async () => (await committed(log, 0)) === 2);
    await stop();
    expect(steps(sent)).toEqual(['1 escalated']);
  });

  it('goes by the largest ordinal where a former owner recorded late', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'), event('a', 1, 'escalated'));
    for (const ordinal of [1, 0]) {
      await log.produce([{ topic: topics.deliveries, partition: 0, key: hex('a'), value: JSON.stringify({ ordinal }) }]);
    }
    const { sent, stop } = start(log, () => accepted);
    await until(async () => (await committed(log, 0)) === 2);
    await stop();
    expect(sent).toEqual([]);
  });

  it('takes up a partition anew that went and came back between two looks', async () => {
    let gate: Promise<void> = Promise.resolve();
    const log = await newLog({
      interpose: async (operation, effect) => {
        if (operation.name === 'produce' && operation.member === 'w') await gate;
        return effect();
      },
    });
    const { sent, stop } = start(log.as('w'), () => accepted);
    await write(log, 0, event('a', 0, 'opened'));
    await until(async () => (await committed(log, 0)) === 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    await write(log, 0, event('a', 1, 'escalated'));
    await until(() => sent.length === 2);
    const visitor = await log.join({ group: 'g-notify', topics: [topics.events] });
    await visitor.leave();
    resolve();
    await write(log, 0, event('b', 0, 'opened'));
    await write(log, 1, event('c', 0, 'opened'));
    await until(() => [hex('b'), hex('c')].every((id) => sent.some(({ incident }) => incident === id)));
    await stop();
  });

  it('delivers one event of an incident at a time even if its partition goes and comes back meanwhile', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'));
    await write(log, 1, event('b', 0, 'opened'));
    const { promise, resolve } = Promise.withResolvers<void>();
    const underWay = new Map<string, number>();
    let mostAtATime = 0;
    const { sent, stop } = start(log, async ({ incident }) => {
      underWay.set(incident, (underWay.get(incident) ?? 0) + 1);
      mostAtATime = Math.max(mostAtATime, ...underWay.values());
      await promise;
      underWay.set(incident, (underWay.get(incident) ?? 0) - 1);
      return accepted;
    });
    await until(() => sent.length === 2);
    const visitor = await log.join({ group: 'g-notify', topics: [topics.events] });
    await until(() => visitor.assignment().partitions.length === 1);
    await fastClock.sleep(2_000);
    await visitor.leave();
    await fastClock.sleep(2_000);
    resolve();
    await until(async () => (await committed(log, 0)) === 1 && (await committed(log, 1)) === 1);
    await stop();
    expect(mostAtATime).toBe(1);
    expect(sent).toHaveLength(3);
  });

  it('sends again under the same id what was accepted but not recorded, when the process dies in between', async () => {
    let isDead = false;
    const log = await newLog({
      interpose: (operation, effect) => (isDead && operation.member === 'first' ? new Promise(() => {}) : Promise.resolve().then(effect)),
    });
    await write(log, 0, event('a', 0, 'opened'));
    const first = start(log.as('first'), () => {
      isDead = true;
      return accepted;
    });
    running.pop();
    await until(() => first.sent.length === 1);
    log.expel('first');
    const second = start(log.as('second'), () => accepted);
    await until(async () => (await committed(log, 0)) === 1);
    await second.stop();
    expect(second.sent.map(({ id }) => id)).toEqual(first.sent.map(({ id }) => id));
  });

  it('takes its partitions up anew after a commit was refused, and delivers nothing twice', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'));
    const { sent, lines, stop } = start(log.as('w'), () => {
      log.expel('w');
      return accepted;
    });
    await until(async () => lines.some((line) => line.startsWith('warn A commit was refused')) && (await committed(log, 0)) === 1);
    await stop();
    expect(steps(sent)).toEqual(['0 opened']);
  });

  it('shares the partitions with a second worker without loss or repetition', async () => {
    const log = await newLog();
    const first = start(log.as('first'), () => accepted);
    await write(log, 0, event('a', 0, 'opened'));
    await write(log, 1, event('b', 0, 'opened'));
    await until(async () => (await committed(log, 0)) === 1 && (await committed(log, 1)) === 1);
    const second = start(log.as('second'), () => accepted);
    await write(log, 0, event('a', 1, 'escalated'));
    await write(log, 1, event('b', 1, 'escalated'));
    await until(async () => (await committed(log, 0)) === 2 && (await committed(log, 1)) === 2);
    await Promise.all([first.stop(), second.stop()]);
    const ids = [...first.sent, ...second.sent].map(({ id }) => id);
    expect(ids.sort()).toEqual([hex('a/0'), hex('a/1'), hex('b/0'), hex('b/1')].sort());
  });

  it('waits while what was delivered cannot be written down, says so once, and delivers nothing twice', async () => {
    let refusals = 0;
    let isRefusing = false;
    const log = await newLog({
      interpose: async (operation, effect) => {
        if (!isRefusing || operation.member !== 'w' || operation.name !== 'produce') return effect();
        refusals += 1;
        throw new DependencyError('The topic refuses writes');
      },
    });
    await write(log, 0, event('a', 0, 'opened'));
    const { sent, lines, stop } = start(log.as('w'), () => {
      isRefusing = true;
      return accepted;
    });
    await until(() => refusals > 5);
    expect(await committed(log, 0)).toBeUndefined();
    isRefusing = false;
    await until(async () => (await committed(log, 0)) === 1);
    await stop();
    expect(steps(sent)).toEqual(['0 opened']);
    expect(lines.filter((line) => line.startsWith('warn What was delivered could not be written down'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('info What was delivered is written down again'))).toHaveLength(1);
  });

  it('waits on a stop for what is on its way, and commits it', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'));
    const { promise: release, resolve } = Promise.withResolvers<void>();
    const { sent, stop } = start(log, async () => {
      await release;
      return accepted;
    });
    await until(() => sent.length === 1);
    const stopped = stop();
    resolve();
    await stopped;
    expect(await committed(log, 0)).toBe(1);
  });

  it.each([
    ['forward', 3],
    ['back', 0],
  ])('passes nothing over and sends nothing again where an operator has moved its position %s', async (_, offset) => {
    const log = await newLog();
    await write(log, 1, event('a', 0, 'opened'), event('b', 0, 'opened'));
    const first = start(log, () => accepted);
    await until(async () => (await committed(log, 1)) === 2);
    await first.stop();
    await write(log, 1, event('c', 0, 'opened'));
    const operator = await log.join({ group: 'g-notify', topics: [topics.events] });
    await operator.commit([{ topic: topics.events, partition: 1, offset, metadata: '' }]);
    await operator.leave();
    const second = start(log, () => accepted);
    await until(async () => second.sent.length > 0 && (await committed(log, 1)) === 3);
    expect(second.sent.map(({ incident }) => incident)).toEqual([hex('c')]);
    expect(second.lines.join().includes('so that nothing is passed over')).toBe(offset > 0);
  });

  it('reads on from the first record there is where retention has passed the committed position', async () => {
    const log = await newLog();
    await write(log, 0, event('a', 0, 'opened'));
    const first = start(log, () => accepted);
    await until(async () => (await committed(log, 0)) === 1);
    await first.stop();
    await write(log, 0, event('a', 1, 'escalated'), event('b', 0, 'opened'));
    log.deleteRecordsBefore({ topic: topics.events, partition: 0 }, 2);
    const second = start(log, () => accepted);
    await until(async () => (await committed(log, 0)) === 3);
    await second.stop();
    expect(second.sent.map(({ id }) => id)).toEqual([hex('b/0')]);
    expect(second.lines.some((line) => line.startsWith('warn The committed position is no longer in the events topic'))).toBe(true);
  });

  it('holds a bounded backlog while Sentry is away, without spinning, and delivers all of it later', async () => {
    let waits = 0;
    const interpose: MemoryLogOptions['interpose'] = async (operation, effect) => {
      if (operation.name === 'wait') waits += 1;
      return effect();
    };
    const log = await newLog({ interpose });
    await write(log, 0, ...Array.from({ length: 2_500 }, (_, index) => event(`incident ${index}`, 0, 'opened')));
    let isUp = false;
    let mostWaiting = 0;
    const metrics: Metrics = {
      ...noMetrics,
      set: (name, _labels, value) => {
        if (name === 'tidemark_deliveries_waiting') mostWaiting = Math.max(mostWaiting, value);
      },
    };
    const down: DeliveryAnswer = { outcome: 'rate-limited', retryAfterMs: 60_000, status: 429 };
    const { sent, stop } = start(log, () => (isUp ? accepted : down), metrics);
    await until(() => sent.length > 0);
    const waitsBefore = waits;
    await fastClock.sleep(20_000);
    // 20 s in steps of half a second, and a few for what else happened.
    expect(waits - waitsBefore).toBeLessThan(80);
    isUp = true;
    await until(async () => (await committed(log, 0)) === 2_500);
    await stop();
    expect(new Set(sent.map(({ id }) => id)).size).toBe(2_500);
    expect(mostWaiting).toBeLessThanOrEqual(1_500);
  });

  it('counts what was delivered, refused and parked, and how much waits', async () => {
    const log = await newLog();
    const counts = new Map<string, number>();
    let waiting = -1;
    const metrics: Metrics = {
      ...noMetrics,
      count: (name, labels) =>
        void counts.set(`${name} ${Object.values(labels).join(' ')}`, (counts.get(`${name} ${Object.values(labels).join(' ')}`) ?? 0) + 1),
      set: (_name, _labels, value) => {
        waiting = value;
      },
    };
    await write(log, 0, event('a', 0, 'opened'), event('b', 0, 'opened'), event('a', 1, 'recovered'));
    const { stop } = start(
      log,
      ({ incident }, attempt) =>
        incident === hex('b') ? { outcome: 'poison', status: 400 } : attempt === 1 ? { outcome: 'retry' } : accepted,
      metrics,
    );
    await until(async () => (await committed(log, 0)) === 3);
    await stop();
    const restored = ['tidemark_restored_records_total', 'tidemark_restored_bytes_total'];
    expect(Object.fromEntries([...counts].filter(([name]) => !restored.some((one) => name.startsWith(one))))).toEqual({
      'tidemark_events_delivered_total sentry opened': 1,
      'tidemark_events_delivered_total sentry recovered': 1,
      'tidemark_delivery_failures_total sentry retry': 2,
      'tidemark_delivery_failures_total sentry poison': 1,
      [`tidemark_dead_letters_total ${topics.events} poison`]: 1,
    });
    expect(waiting).toBe(0);
  });

  it('refuses topics whose partition counts differ, with what to do', async () => {
    const log = new MemoryLog({ clock: fastClock });
    await log.createTopics([
      { topic: topics.events, partitions: 2, configs: {} },
      { topic: topics.deliveries, partitions: 3, configs: {} },
    ]);
    const { ended } = start(log, () => accepted);
    running.pop();
    await expect(ended).rejects.toThrow(ConfigError);
  });
});
