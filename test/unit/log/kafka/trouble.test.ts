import { KafkaJSProtocolError } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { Outage } from '../../../../src/log/kafka/outage.ts';
import { Refusal } from '../../../../src/log/kafka/refusal.ts';
import { Slowness } from '../../../../src/log/kafka/slowness.ts';
import { collectingLogger } from '../../../support/collectingLogger.ts';

function refused(type: string): Error {
  return Object.assign(new KafkaJSProtocolError(new Error(type)), { type });
}

function timed() {
  let nowMs = 0;
  const logger = collectingLogger();
  return {
    logger,
    clock: { nowMs: () => nowMs, sleep: async () => {} },
    pass(milliseconds: number) {
      nowMs += milliseconds;
    },
  };
}

describe('a refusal', () => {
  it('is told once, for each reason, and once when it is over, however many attempts there were', () => {
    const { logger, clock, pass } = timed();
    const refusal = new Refusal('topic', clock, logger);
    for (let attempts = 0; attempts < 100; attempts += 1) {
      refusal.began(refused('NOT_ENOUGH_REPLICAS'));
      pass(100);
    }
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn']);
    refusal.began(refused('KAFKA_STORAGE_ERROR'));
    expect(logger.lines).toHaveLength(2);
    refusal.ended();
    refusal.ended();
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'info']);
  });

  it('is not worth a line where it passes within a second, as when a leader moves', () => {
    const { logger, clock, pass } = timed();
    const refusal = new Refusal('topic', clock, logger);
    refusal.began(refused('NOT_LEADER_FOR_PARTITION'));
    pass(900);
    refusal.began(refused('NOT_LEADER_FOR_PARTITION'));
    refusal.ended();
    expect(logger.lines).toEqual([]);
  });
});

describe('an outage', () => {
  it('is told once where it goes and comes, as while one broker of several is away, and again where it lasts or comes back later', () => {
    const { logger, clock, pass } = timed();
    const outage = new Outage(clock, logger, ['broker:9092']);
    const levels = () => logger.lines.map(({ level }) => level);
    for (let turns = 0; turns < 100; turns += 1) {
      outage.began(new Error('connection refused'));
      pass(2_000);
      outage.ended();
      pass(3_000);
    }
    expect(levels()).toEqual(['warn', 'info']);
    outage.began(new Error('connection refused'));
    pass(10_000);
    outage.began(new Error('connection refused'));
    outage.ended();
    expect(levels()).toEqual(['warn', 'info', 'warn', 'info']);
    pass(60_000);
    outage.began(new Error('connection refused'));
    outage.ended();
    expect(levels()).toEqual(['warn', 'info', 'warn', 'info', 'warn', 'info']);
  });
});

describe('slowness', () => {
  it('is over when nothing was slow for a while, not at the first fast answer in between', () => {
    const { logger, clock, pass } = timed();
    const slowness = new Slowness(clock, logger, {}, { began: 'slow', ended: 'fast again' });
    for (let turns = 0; turns < 20; turns += 1) {
      slowness.slow(6);
      pass(5_000);
      slowness.fast();
    }
    expect(logger.lines).toEqual([{ level: 'warn', message: 'slow' }]);
    pass(10_000);
    slowness.fast();
    slowness.fast();
    expect(logger.lines.map(({ message }) => message)).toEqual(['slow', 'fast again']);
  });
});
