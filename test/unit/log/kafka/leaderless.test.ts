import { expect, test } from 'vitest';
import { Leaderless } from '../../../../src/log/kafka/leaderless.ts';
import { collectingLogger } from '../../../support/collectingLogger.ts';

const first = { topic: 'source', partition: 0 };
const second = { topic: 'source', partition: 1 };

test('a partition without a leader is named once when that lasts, and once when it is over; a moment without one is not told', () => {
  let nowMs = 0;
  const logger = collectingLogger();
  const leaderless = new Leaderless({ nowMs: () => nowMs, sleep: async () => {} }, logger);
  for (; nowMs < 10_000; nowMs += 1_000) {
    leaderless.found(first);
    if (nowMs === 0) leaderless.found(second);
    if (nowMs === 1_000) leaderless.ended(second);
  }
  leaderless.ended(first);
  leaderless.ended(first);
  expect(logger.lines.map(({ level, message }) => `${level} ${message.slice(0, 31)}`)).toEqual([
    'warn Partition source/0 has no leade',
    'info Partition source/0 has a leader',
  ]);
});
