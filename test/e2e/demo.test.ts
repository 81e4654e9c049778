import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { testKafka } from '../support/kafka.ts';
import { runNode } from '../support/runNode.ts';

const { brokers } = testKafka();
const folder = mkdtempSync(join(tmpdir(), 'tidemark-demo-'));

/** The program as a newcomer starts it, in a process of its own. */
const tidemark = (args: readonly string[]) =>
  runNode([join(import.meta.dirname, '../../src/cli.ts'), ...args], {
    cwd: folder,
    env: { ...process.env, KAFKA_BROKERS: brokers.join(',') },
  });

describe('the demo on a real Kafka', () => {
  let run: Awaited<ReturnType<typeof tidemark>>;
  beforeAll(async () => {
    run = await tidemark(['demo', '--quick', '--json', 'result.json', '--out', 'demo']);
  });

  it('ends with 0 once the incident of the injected fault is in the inbox', () => {
    expect(run.err).toBe('');
    expect(run.code).toBe(0);
    const result: unknown = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'));
    expect(result).toMatchObject({
      ok: true,
      kafka: 'brokers',
      records: 32_558,
      fault: { since: '2001-01-31T06:00:00.000Z' },
      incident: { title: 'Data drift: delays / distance' },
    });
    expect(result).toHaveProperty('incident.delayMinutes', 150);
  });

  it('tells the story in its order', () => {
    const parts = [
      /using KAFKA_BROKERS/,
      /Flights leave and land/,
      /baseline is complete/,
      /Quiet until here: [\d,]+ comparisons/,
      /FAULT INJECTED/,
    ];
    const later = [/INCIDENT {2}Data drift: delays \/ distance/, /In the inbox: 1 issue/, /Inbox page: http/, /Try next:/];
    const places = [...parts, ...later].map((part) => run.out.search(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((one, other) => one - other));
    // Plain lines where there is no terminal.
    expect(run.out).not.toContain('\u001b');
  });

  it('leaves nothing on a Kafka that it was only lent', async () => {
    const group = /group: (\S+)/.exec(readFileSync(join(folder, 'demo/tidemark.yaml'), 'utf8'))?.[1] ?? '';
    const log = await KafkaLog.open({ brokers }, createLogger('silent'));
    try {
      await expect(log.partitionCount(`${group}.predictions`)).rejects.toThrow(/does not exist/);
      await expect(log.partitionCount(`${group}.partials`)).rejects.toThrow(/does not exist/);
    } finally {
      await log.close();
    }
  });

  it('names commands that work', { timeout: 180_000 }, async () => {
    const commands = [...run.out.matchAll(/^ {2}npm run -s tidemark -- (.*)$/gm)].map((match) => match[1]?.split(' ') ?? []);
    expect(commands.map(([name]) => name)).toEqual(['inbox', 'traffic', 'backtest']);
    for (const command of commands.slice(1)) {
      const { code, out, err } = await tidemark(command);
      expect(err).toBe('');
      expect(code).toBe(0);
      if (command[0] === 'backtest') expect(out).toContain('distance: median');
    }
    const events = commands[0]?.[2] ?? '';
    expect(existsSync(join(folder, events))).toBe(true);
  });
});

describe('traffic on a real Kafka', () => {
  const topic = `traffic-${process.pid}`;
  let log: KafkaLog;
  beforeAll(async () => {
    log = await KafkaLog.open({ brokers }, createLogger('silent'));
  });
  afterAll(() => log.close());

  it('creates the topics, which keep records of 2001, and fills them', async () => {
    const sets = [`kafka.brokers=${brokers.join(',')}`, `predictions.topic=${topic}.p`, `feedback.topic=${topic}.f`].flatMap((one) => [
      '--set',
      one,
    ]);
    const { code, out, err } = await tidemark([
      'traffic',
      '--fast',
      '--to',
      '2001-01-23T00:00:00Z',
      '--share',
      '0.01',
      '--partitions',
      '2',
      ...sets,
    ]);
    expect(err).toBe('');
    expect(code).toBe(0);
    const said = Number(/^([\d,]+) records/.exec(out)?.[1]?.replace(',', ''));
    expect(said).toBeGreaterThan(100);
    const ranges = await Promise.all(
      [`${topic}.p`, `${topic}.f`].flatMap((name) => [0, 1].map((partition) => log.offsets({ topic: name, partition }))),
    );
    expect(ranges.reduce((sum, { high }) => sum + high, 0)).toBe(said);
    const again = await tidemark(['traffic', '--fast', '--to', '2001-01-22T01:00:00Z', ...sets]);
    expect(again.err).toContain(`hold ${said.toLocaleString('en')} records already`);
  });
});
