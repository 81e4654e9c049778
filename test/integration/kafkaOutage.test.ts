import { afterAll, beforeAll, expect, test } from 'vitest';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { collectingLogger } from '../support/collectingLogger.ts';
import { type CrashableKafka, startCrashableKafka } from '../support/crashableKafka.ts';
import { makeTopic, produceTexts, readUpTo, takeUpTo, textOf, uniqueName, waitForAssignment } from '../support/logSuite.ts';

let kafka: CrashableKafka;
beforeAll(async () => {
  kafka = await startCrashableKafka();
});
afterAll(() => kafka?.stop());

test('a broker that goes away and comes back costs nothing but time', async () => {
  const logger = collectingLogger();
  const log = await KafkaLog.open({ brokers: kafka.brokers }, logger);
  const at = { topic: await makeTopic(log), partition: 0 };
  const member = await log.join({ group: uniqueName('group'), topics: [at.topic] });
  await waitForAssignment(member, (owned) => owned === 1);
  member.start(at, 0);
  const reader = await log.read(at, 0);
  await produceTexts(log, at, ['before']);
  await takeUpTo(member, at, 1);
  await readUpTo(reader, 1);
  await member.commit([{ ...at, offset: 1, metadata: 'before' }]);
  const before = member.assignment();

  const crash = kafka.goAndReturn();
  const written = produceTexts(log, at, ['during']);
  const asked = log.offsets(at);
  await crash;
  const returnedMs = Date.now();

  // Writing at least once: a write whose answer was lost with the broker is written again.
  const [offset = -1] = await written;
  expect(offset).toBeGreaterThanOrEqual(1);
  expect((await asked).high).toBeGreaterThanOrEqual(1);
  const read = (await readUpTo(reader, offset + 1)).flatMap((batch) => batch.records.map(textOf));
  expect(new Set(read)).toEqual(new Set(['during']));
  // The membership outlives the broker's restart: the partition stayed, with its position.
  const taken = (await takeUpTo(member, at, offset + 1)).flatMap((batch) => batch.records.map(textOf));
  expect(new Set(taken)).toEqual(new Set(['during']));
  expect(member.assignment()).toEqual(before);
  await retryUntilDone(() => member.commit([{ ...at, offset: offset + 1, metadata: 'after' }]));
  expect(await member.committed([at])).toEqual([{ ...at, offset: offset + 1, metadata: 'after' }]);
  console.log(`Everything works ${Date.now() - returnedMs} ms after the broker answers again`);

  // One line when it begins, one when it ends: not hundreds.
  expect(logger.lines.filter(({ level }) => level !== 'info').length).toBeLessThanOrEqual(3);
  const count = (start: string) => logger.lines.filter(({ message }) => message.startsWith(start)).length;
  expect(count('Kafka answers again')).toBe(count('Kafka does not answer'));
  await reader.close();
  await log.close();
});

test('a log can be closed while no broker answers, in well under ten seconds', async () => {
  const log = await KafkaLog.open({ brokers: kafka.brokers }, collectingLogger());
  const at = { topic: await makeTopic(log), partition: 0 };
  const member = await log.join({ group: uniqueName('group'), topics: [at.topic] });
  await waitForAssignment(member, (owned) => owned === 1);
  member.start(at, 0);
  await kafka.stop();
  const written = produceTexts(log, at, ['lost']);
  const outcome = written.then(
    () => 'written',
    () => 'rejected',
  );
  const startMs = Date.now();
  await log.close();
  expect(Date.now() - startMs).toBeLessThan(10_000);
  expect(await outcome).toBe('rejected');
});

/** A commit may fail while the group finds together again; the caller repeats it. */
async function retryUntilDone(attempt: () => Promise<void>): Promise<void> {
  const endMs = Date.now() + 30_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
