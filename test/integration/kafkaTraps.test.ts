/** What real Kafka does beyond the suite that both logs pass: facts that a memory log cannot prove. */
import kafkajs, { type Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DependencyError } from '../../src/core/errors.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import type { Member, TopicPartition } from '../../src/log/port.ts';
import { collectingLogger } from '../support/collectingLogger.ts';
import { testKafka } from '../support/kafka.ts';
import { makeTopic, produceTexts, readUpTo, takeUpTo, textOf, uniqueName, waitForAssignment } from '../support/logSuite.ts';

const logger = collectingLogger();
let log: KafkaLog;
/** kafkajs itself, to do what our log never does. */
let kafka: Kafka;

beforeAll(async () => {
  log = await KafkaLog.open(testKafka(), logger);
  kafka = new kafkajs.Kafka({ ...testKafka(), logLevel: kafkajs.logLevel.NOTHING });
});
afterAll(() => log.close());

async function joinAndStart(at: TopicPartition, group = uniqueName('group')): Promise<Member> {
  const member = await log.join({ group, topics: [at.topic] });
  await waitForAssignment(member, (owned) => owned > 0);
  member.start(at, 0);
  return member;
}

describe('transactions of others', () => {
  test('aborted records are not seen, and control records move the position to the end of the log', async () => {
    const at = { topic: await makeTopic(log), partition: 0 };
    const producer = kafka.producer({ transactionalId: uniqueName('transaction'), maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const write = async (text: string, end: 'commit' | 'abort') => {
      const transaction = await producer.transaction();
      await transaction.send({ topic: at.topic, messages: [{ value: text }] });
      await transaction[end]();
    };
    await write('aborted', 'abort');
    await write('committed', 'commit');
    await write('aborted too', 'abort');
    await producer.disconnect();

    // Three records and three control records.
    expect(await log.offsets(at)).toEqual({ low: 0, high: 6 });
    const member = await joinAndStart(at);
    const batches = await takeUpTo(member, at, 6);
    expect(batches.at(-1)?.nextOffset).toBe(6);
    expect(batches.flatMap((batch) => batch.records.map((record) => [record.offset, textOf(record)]))).toEqual([[2, 'committed']]);
    await member.leave();
  });

  test('an open transaction holds the end of the log back until it ends', async () => {
    const at = { topic: await makeTopic(log), partition: 0 };
    const producer = kafka.producer({ transactionalId: uniqueName('transaction'), maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: at.topic, messages: [{ value: 'open' }] });
    await produceTexts(log, at, ['after']);
    expect(await log.offsets(at)).toEqual({ low: 0, high: 0 });
    const reader = await log.read(at, 0);
    expect(await reader.next(500)).toBeNull();
    await transaction.abort();
    await producer.disconnect();
    const batches = await readUpTo(reader, 3);
    expect(batches.flatMap((batch) => batch.records.map(textOf))).toEqual(['after']);
    await reader.close();
  });
});

describe('offsets out of range', () => {
  test('records that retention took are reported, and reading goes on at what is left', async () => {
    const at = { topic: await makeTopic(log), partition: 0 };
    await produceTexts(log, at, ['a', 'b', 'c', 'd']);
    const admin = kafka.admin();
    await admin.connect();
    // kafkajs deletes only in topics whose leaders it has looked up.
    await admin.fetchTopicOffsets(at.topic);
    await admin.deleteTopicRecords({ topic: at.topic, partitions: [{ partition: 0, offset: '3' }] });
    await admin.disconnect();
    expect(await log.offsets(at)).toEqual({ low: 3, high: 4 });
    const member = await joinAndStart(at);
    const batches = await takeUpTo(member, at, 4);
    expect(batches.map(({ lostFrom, nextOffset, records }) => [lostFrom, nextOffset, records.length])).toEqual([
      [0, 3, 0],
      [undefined, 4, 1],
    ]);
    await member.leave();
  });

  test('a position beyond the end is an error that is told, not a silent reset', async () => {
    const at = { topic: await makeTopic(log), partition: 0 };
    await produceTexts(log, at, ['a']);
    const reader = await log.read(at, 50);
    await expect(
      (async () => {
        for (let attempt = 0; attempt < 50; attempt += 1) await reader.next(200);
      })(),
    ).rejects.toThrow(/was read up to 50, and its end is 1 now: the topic was created anew/);
    await reader.close();
  });
});

describe('compacted topics', () => {
  test('have gaps, which move the position and are no loss', async () => {
    const topic = uniqueName('compacted');
    const at = { topic, partition: 0 };
    const configs = {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.001',
      'min.compaction.lag.ms': '0',
    };
    await log.createTopics([{ topic, partitions: 1, configs }]);
    for (const value of ['a', 'b', 'c']) await log.produce([{ ...at, key: 'k', value }]);
    // The cleaner takes closed segments only, and comes by every 15 seconds where a broker has the default.
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await log.produce([{ ...at, key: 'other', value: 'x' }]);
      const { high } = await log.offsets(at);
      const reader = await log.read(at, 0);
      const batches = await readUpTo(reader, high);
      await reader.close();
      const records = batches.flatMap((batch) => batch.records);
      expect(
        records
          .filter(({ key }) => key !== null && Buffer.from(key).toString() === 'k')
          .map(textOf)
          .at(-1),
      ).toBe('c');
      expect(batches.every(({ lostFrom }) => lostFrom === undefined)).toBe(true);
      if (records.length < high) break;
    }
  });
});

describe('compression', () => {
  for (const name of ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const) {
    test(`${name} batches are read`, async () => {
      const at = { topic: await makeTopic(log), partition: 0 };
      const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
      await producer.connect();
      const texts = Array.from({ length: 200 }, (_, index) => `text ${index} ${'x'.repeat(index)}`);
      await producer.send({ topic: at.topic, compression: kafkajs.CompressionTypes[name], messages: texts.map((value) => ({ value })) });
      await producer.disconnect();
      // From the middle of a batch: the broker sends it whole.
      const reader = await log.read(at, 120);
      const batches = await readUpTo(reader, 200);
      expect(batches.flatMap((batch) => batch.records.map(textOf))).toEqual(texts.slice(120));
      await reader.close();
    });
  }
});

describe('writing', () => {
  test('much at once is split below the topic’s max.message.bytes and keeps its order', async () => {
    const at = { topic: await makeTopic(log, 1, { 'max.message.bytes': '20000' }), partition: 0 };
    const texts = Array.from({ length: 300 }, (_, index) => `${index}:${'x'.repeat(500)}`);
    expect(await produceTexts(log, at, texts)).toEqual(texts.map((_, index) => index));
    const reader = await log.read(at, 0);
    expect((await readUpTo(reader, 300)).flatMap((batch) => batch.records.map(textOf))).toEqual(texts);
    await reader.close();
  });

  test('a record that is too large rejects and says so; others that wait go through', async () => {
    const at = { topic: await makeTopic(log, 1, { 'max.message.bytes': '20000' }), partition: 0 };
    const large = produceTexts(log, at, ['x'.repeat(30_000)]);
    const small = produceTexts(log, at, ['small']);
    await expect(large).rejects.toThrow(/max\.message\.bytes/);
    await expect(small).resolves.toEqual([0]);
  });

  test('a topic that is deleted after a write fails only the writes to it', async () => {
    const deleted = { topic: await makeTopic(log), partition: 0 };
    const other = { topic: await makeTopic(log), partition: 0 };
    await produceTexts(log, deleted, ['a']);
    const admin = kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [deleted.topic] });
    await admin.disconnect();
    const [toDeleted, toOther] = await Promise.allSettled([produceTexts(log, deleted, ['b']), produceTexts(log, other, ['b'])]);
    expect(toDeleted).toMatchObject({ status: 'rejected', reason: expect.any(DependencyError) });
    expect(toOther).toEqual({ status: 'fulfilled', value: [0] });
  });
});

describe('members', () => {
  test('go on with their other topics when one is deleted, and say so once', async () => {
    const told = collectingLogger();
    const quick = await KafkaLog.open({ ...testKafka(), metadataMaxAgeMs: 500 }, told);
    const topics = [await makeTopic(quick), await makeTopic(quick)];
    const [gone, stays] = topics.map((topic) => ({ topic, partition: 0 })) as [TopicPartition, TopicPartition];
    const member = await quick.join({ group: uniqueName('group'), topics });
    await waitForAssignment(member, (owned) => owned === 2);
    member.start(gone, 0);
    member.start(stays, 0);
    await produceTexts(quick, stays, ['a']);
    await takeUpTo(member, stays, 1);
    const admin = kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [gone.topic] });
    await admin.disconnect();
    // Long enough for the member to see that the topic is gone.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await produceTexts(quick, stays, ['b']);
    expect((await takeUpTo(member, stays, 2)).flatMap((batch) => batch.records.map(textOf))).toEqual(['b']);
    await quick.close();
    const lines = told.lines.map(({ level, message }) => `${level} ${message}`);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(5);
  });

  test('leave within seconds, and the group is empty at once', async () => {
    const topic = await makeTopic(log, 3);
    const group = uniqueName('group');
    const member = await joinAndStart({ topic, partition: 0 }, group);
    await member.leave();
    const admin = kafka.admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([group]);
    expect(groups[0]?.members).toEqual([]);
    await admin.deleteGroups([group]);
    await admin.disconnect();
  });

  test('that are put out of their group cannot commit any more, but can write; then they join again', async () => {
    const at = { topic: await makeTopic(log), partition: 0 };
    const group = uniqueName('group');
    const member = await joinAndStart(at, group);
    const before = member.assignment();
    // What a session timeout does: the coordinator removes the member, which does not know.
    await expel(group);
    const commit = member.commit([{ ...at, offset: 0, metadata: '' }]);
    await expect(commit).rejects.toThrow(DependencyError);
    await expect(produceTexts(log, at, ['zombie'])).resolves.toEqual([0]);
    await waitForEpoch(member, before.epoch);
    expect(member.assignment().partitions).toEqual([{ ...at, since: member.assignment().epoch }]);
    // It may have been another's meanwhile: it must be started again.
    expect(member.take(at)).toBeNull();
    member.start(at, 0);
    expect((await takeUpTo(member, at, 1)).flatMap((batch) => batch.records.map(textOf))).toEqual(['zombie']);
    await member.commit([{ ...at, offset: 1, metadata: 'm' }]);
    await member.leave();
  });

  test('get new partitions of a topic within the metadata age', async () => {
    const topic = await makeTopic(log, 1);
    const quick = await KafkaLog.open({ ...testKafka(), metadataMaxAgeMs: 500 }, logger);
    const member = await quick.join({ group: uniqueName('group'), topics: [topic] });
    await waitForAssignment(member, (owned) => owned === 1);
    const admin = kafka.admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await admin.disconnect();
    await waitForAssignment(member, (owned) => owned === 3);
    await quick.close();
  });
});

describe('brokers that are not there', () => {
  test('are a DependencyError that says what to check, within seconds', async () => {
    await expect(KafkaLog.open({ brokers: ['127.0.0.1:1'] }, logger)).rejects.toThrow(
      /Kafka at 127\.0\.0\.1:1 cannot be reached: check kafka\.brokers/,
    );
  });
});

/** Removes the members of a group behind their backs, by a LeaveGroup request in the name of each. */
async function expel(group: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([group]);
  await admin.disconnect();
  const memberIds = groups.flatMap(({ members }) => members.map(({ memberId }) => memberId));
  const consumer = kafka.consumer({
    groupId: group,
    partitionAssigners: [
      ({ cluster }) => {
        clusters.push(cluster);
        return { name: 'none', version: 0, assign: async () => [], protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }) };
      },
    ],
  });
  await consumer.connect();
  const coordinator = await clusters.at(-1)?.findGroupCoordinator({ groupId: group });
  for (const memberId of memberIds) if (canLeave(coordinator)) await coordinator.leaveGroup({ groupId: group, memberId });
  await consumer.disconnect();
}
const clusters: import('kafkajs').Cluster[] = [];

/** kafkajs has this request, but not in its types. */
function canLeave(broker: unknown): broker is { leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown> } {
  return typeof broker === 'object' && broker !== null && 'leaveGroup' in broker;
}

async function waitForEpoch(member: Member, above: number): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (member.assignment().epoch <= above || member.assignment().partitions.length === 0) {
    if (Date.now() > endMs) throw new Error('The assignment does not change');
    await member.wait(100);
  }
}
