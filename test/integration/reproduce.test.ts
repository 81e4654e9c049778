/** The command that stands in an issue, run as a person would: it comes to the same event. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import type { EventRecord } from '../../src/core/incident/event.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { systemClock } from '../../src/log/systemClock.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { roles, Worker } from '../../src/stages/worker.ts';
import { testKafka } from '../support/kafka.ts';
import { runProcess } from '../support/workerProcess.ts';
import { fillTopics, isSettled, readTopic, textOf, until, workerTraffic, writeConfig } from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const prefix = `reproduce-${process.pid}`;
const source = workerTraffic(prefix, 7, 120);

let log: KafkaLog;
let inbox: Inbox;

beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await fillTopics(log, source);
  inbox = await startInbox({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await inbox.close();
  await log.close();
});

/** The words of a command line without quotes. */
function wordsOf(command: string): string[] {
  expect(command).not.toMatch(/['"\\]/);
  return command.split(' ');
}

it('the command in the issue of every incident gives that incident again, byte for byte', async () => {
  const at = writeConfig(prefix, brokers, source, { sentry: { dsn: inbox.dsn } });
  const stop = new AbortController();
  const worker = new Worker({
    config: at.config,
    log,
    roles,
    clock: systemClock,
    logger: createLogger('silent'),
    metrics: noMetrics,
    release: 'test',
  });
  const running = worker.run(stop.signal);
  const written = async () =>
    (await readTopic(log, internalTopics(at.group).events)).flat().map(({ value }): EventRecord => JSON.parse(textOf(value)));
  await Promise.race([
    until(async () => {
      if (!(await isSettled(log, at.group, source.settledMs))) return false;
      const chains = new Set((await written()).map(({ chain }) => chain));
      return inbox.issues().length === chains.size;
    }, 500),
    running,
  ]);
  stop.abort();
  await running;

  const events = await written();
  const opened = inbox.issues().flatMap(({ events: all }) => all.filter(({ tags }) => tags.step === 'opened'));
  expect(new Set(opened.map(({ tags }) => tags.kind))).toEqual(new Set(['drift', 'performance', 'quality']));
  for (const { id, event } of opened) {
    const [program, ...args] = wordsOf(String(event.contexts?.Reproduce?.command));
    expect(program).toBe('tidemark');
    // In the folder of the configuration, whose name alone may leave; the results go to where this test looks.
    const local = args.map((word) => (word === 'tidemark.yaml' ? at.file : word.startsWith('incident-') ? join(at.folder, id) : word));
    expect(await runProcess(local)).toMatchObject({ code: 0 });
    const again = readFileSync(join(at.folder, id, 'events.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): EventRecord => JSON.parse(line));
    const same = again.find((one) => one.id === id);
    const original = events.find((one) => one.id === id);
    expect(same === undefined ? null : canonicalJson(same)).toBe(canonicalJson(original));
  }
}, 300_000);
