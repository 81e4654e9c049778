import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { testKafka } from '../support/kafka.ts';
import { runProcess } from '../support/workerProcess.ts';
import { createSourceTopic, writeConfig } from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const prefix = `errors-${process.pid}`;
const predictions = `${prefix}-predictions`;
const sentry = { dsn: 'http://inbox@127.0.0.1:9/1' };

function worker(name: string, change: Readonly<Record<string, unknown>>, ...sets: string[]) {
  const { file } = writeConfig(`${prefix}-${name}`, brokers, { predictions }, { sentry, ...change });
  return runProcess(['worker', '--config', file, ...sets.flatMap((set) => ['--set', set])]);
}

describe('a worker that cannot start says what to do and ends', () => {
  it('with 3 where no broker answers, naming the address', async () => {
    const { code, err } = await worker('brokers', {}, 'kafka.brokers=127.0.0.1:9');
    expect(code).toBe(3);
    expect(err).toContain('127.0.0.1:9');
    expect(err).toContain('kafka.brokers');
  });

  it('with 3 where a source topic does not exist, naming the topic', async () => {
    const { code, err } = await worker('topic', {});
    expect(code).toBe(3);
    expect(err).toContain(predictions);
    expect(err).toMatch(/does not exist/);
  });

  it('with 2 where the DSN is none', async () => {
    const { code, err } = await worker('dsn', {}, 'sentry.dsn=https://sentry.example.com/1');
    expect(code).toBe(2);
    expect(err).toContain('sentry.dsn');
    expect(err).toContain('PUBLIC_KEY');
  });

  it('with 2 where there is no DSN at all, saying where it may be set and how to run without', async () => {
    const log = await KafkaLog.open({ brokers }, createLogger('silent'));
    try {
      await createSourceTopic(log, `${predictions}-there`, 1);
    } finally {
      await log.close();
    }
    const { code, err } = await worker('no-dsn', { sentry: {}, predictions: { topic: `${predictions}-there` } });
    expect(code).toBe(2);
    expect(err).toContain('SENTRY_DSN');
    expect(err).toContain('--roles summarize,detect');
  });

  it('with 2 where the port of http is in use, rather than staying up without it', async () => {
    const log = await KafkaLog.open({ brokers }, createLogger('silent'));
    try {
      await createSourceTopic(log, `${predictions}-port`, 1);
    } finally {
      await log.close();
    }
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    try {
      const address = taken.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const { code, err } = await worker('port', { predictions: { topic: `${predictions}-port` } }, `http.port=${port}`);
      expect(code).toBe(2);
      expect(err).toContain(`http.port: cannot listen on 127.0.0.1:${port}`);
    } finally {
      taken.close();
    }
  });

  it('with 2 where the configuration is wrong, naming the key, its value and the nearest name', async () => {
    const { code, err } = await worker('config', {}, 'window.hops=5m');
    expect(code).toBe(2);
    expect(err).toContain('window.hops');
    expect(err).toContain('window.hop');
  });
});
