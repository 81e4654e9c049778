import { expect, it } from 'vitest';
import { Setback } from '../../../src/stages/setback.ts';
import { collectingLogger } from '../../support/collectingLogger.ts';

it('is told when it begins, every five minutes while it lasts, and when the last of what failed has gone well', () => {
  let nowMs = 0;
  const logger = collectingLogger();
  const setback = new Setback({ nowMs: () => nowMs, sleep: async () => {} }, logger);
  const fail = (what: string) => setback.failed(what, {}, 'It fails');
  const pass = (what: string) => setback.passed(what, 'It works');
  pass('a');
  for (; nowMs < 299_000; nowMs += 1_000) {
    fail('a');
    fail('b');
  }
  expect(logger.lines).toEqual([{ level: 'warn', message: 'It fails' }]);
  nowMs = 300_000;
  fail('b');
  expect(logger.lines).toHaveLength(2);
  pass('a');
  expect(logger.lines).toHaveLength(2);
  pass('b');
  expect(logger.lines.at(-1)).toEqual({ level: 'info', message: 'It works' });
  fail('a');
  expect(logger.lines).toHaveLength(4);
});
