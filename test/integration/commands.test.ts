import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { startInbox } from '../../src/sentry/inbox/server.ts';
import { testKafka } from '../support/kafka.ts';
import { runCommand } from '../support/runCommand.ts';

const { brokers } = testKafka();
const group = `commands-${process.pid}`;
const topic = `${group}-scored`;
const args = [
  '--set',
  `kafka.brokers=${brokers.join(',')}`,
  '--set',
  `kafka.group=${group}`,
  '--set',
  `predictions.topic=${topic}`,
  '--set',
  'topics.partitions=2',
];

let log: KafkaLog;
beforeAll(async () => {
  log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await log.createTopics([{ topic, partitions: 3, configs: {} }]);
  await log.produce(
    Array.from({ length: 30 }, (_, index) => ({
      topic,
      partition: index % 3,
      key: null,
      value: JSON.stringify({
        id: String(index),
        ts: new Date().toISOString(),
        model: 'fraud',
        features: { amount: index },
        prediction: 1,
      }),
    })),
  );
});
afterAll(() => log.close());

describe('on a real cluster', () => {
  it('check reads a sample, says what may be created, and creates nothing; topics creates; check then finds them ready', async () => {
    const before = await runCommand(['check', ...args]);
    expect(before).toMatchObject({ code: 0, err: '' });
    expect(before.out).toContain('3 partitions, 30 offsets held; 30 records read');
    expect(before.out).toContain(`missing, and may be created at the start: ${group}.partials`);
    await expect(log.partitionCount(`${group}.partials`)).rejects.toThrow();

    const made = await runCommand(['topics', ...args]);
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toContain(`${group}.history: ready, 2 partitions, compacted`);

    const after = await runCommand(['check', ...args]);
    expect(after.out).toContain(`${group}.history: ready, 2 partitions`);
    expect(after.out).toContain('no problem found');
  });

  it('check says why the brokers would refuse to create the internal topics', async () => {
    const { code, out } = await runCommand([
      'check',
      ...args,
      '--set',
      `kafka.group=${group}-wide`,
      '--set',
      'topics.replicationFactor=99',
    ]);
    expect(code).toBe(2);
    expect(out).toMatch(/PROBLEM: .*missing, and the brokers refuse to create them \(.*[Rr]eplication/);
  });

  it('check --sentry sends a test incident before it looks at Kafka, and counts what it found there', async () => {
    const inbox = await startInbox({ host: '127.0.0.1', port: 0 });
    try {
      const sentry = ['--set', `sentry.dsn=${inbox.dsn}`, '--set', 'sentry.api.organization=inbox'];
      const good = await runCommand(['check', '--sentry', ...args, ...sentry, '--set', `sentry.api.token=${inbox.api.token}`]);
      expect(good).toMatchObject({ code: 0, err: '' });
      expect(good.out).toMatch(/commented and resolved.*\nbrokers: /);
      expect(good.out).not.toContain('nothing was sent');
      const bad = await runCommand(['check', '--sentry', ...args, ...sentry, '--set', 'sentry.api.token=another']);
      expect(bad.code).toBe(2);
      expect(bad.out).toMatch(/PROBLEM: Sentry refuses the API token[\s\S]*1 problem/);
    } finally {
      await inbox.close();
    }
  });

  it('check names a topic that does not exist, and ends with 2', async () => {
    const { code, out } = await runCommand(['check', ...args, '--set', 'predictions.topic=nowhere']);
    expect(code).toBe(2);
    expect(out).toMatch(/PROBLEM: .*nowhere.*does not exist/);
  });
});

describe('inspect on a real cluster', () => {
  it('prints internal records as JSON lines', async () => {
    const inspected = `${group}-inspected`;
    await log.createTopics([{ topic: `${inspected}.events`, partitions: 1, configs: {} }]);
    await log.produce([{ topic: `${inspected}.events`, partition: 0, key: 'incident', value: '{"ordinal":1}' }]);
    const { code, out } = await runCommand(['inspect', 'events', ...args, '--set', `kafka.group=${inspected}`]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ partition: 0, offset: 0, key: 'incident', value: { ordinal: 1 } });
  });
});
