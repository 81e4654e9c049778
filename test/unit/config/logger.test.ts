import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/config/logger.ts';
import { DependencyError } from '../../../src/core/errors.ts';

function collected(level: 'info' | 'silent'): { lines: Record<string, unknown>[]; logger: ReturnType<typeof createLogger> } {
  const lines: Record<string, unknown>[] = [];
  return { lines, logger: createLogger(level, { write: (line) => void lines.push(JSON.parse(line)) }) };
}

describe('the logger', () => {
  it('writes JSON lines with the level as a word, an ISO time and the fields', () => {
    const { lines, logger } = collected('info');
    logger.warn({ topic: 'scored', partition: 3 }, 'late records');
    expect(lines).toEqual([
      { level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), topic: 'scored', partition: 3, msg: 'late records' },
    ]);
  });

  it('leaves out what is below its level', () => {
    const { lines, logger } = collected('info');
    logger.debug({}, 'detail');
    expect(lines).toEqual([]);
  });

  it('hides secrets wherever they stand', () => {
    const { lines, logger } = collected('info');
    logger.info(
      { dsn: 's3cret', sentry: { dsn: 's3cret', api: { token: 's3cret' } }, kafka: { sasl: { password: 's3cret' } } },
      'settings',
    );
    expect(JSON.stringify(lines)).not.toContain('s3cret');
  });

  it.each(['err', 'error'])('keeps the stack and the cause of an error in the field %s', (field) => {
    const { lines, logger } = collected('info');
    logger.error({ [field]: new Error('outer', { cause: new Error('inner') }) }, 'failed');
    expect(JSON.stringify(lines[0])).toContain('inner');
    expect(JSON.stringify(lines[0])).toContain('logger.test.ts');
  });

  it.each(['err', 'error'])('says of an error that is raised on purpose what it says, in the field %s', (field) => {
    const { lines, logger } = collected('info');
    logger.warn({ [field]: new DependencyError('Kafka cannot be reached') }, 'trying again');
    expect(lines[0]).toMatchObject({ [field]: { name: 'DependencyError', message: 'Kafka cannot be reached' } });
    expect(JSON.stringify(lines[0])).not.toContain('logger.test.ts');
  });

  it('leaves a field error that is a text as it is', () => {
    const { lines, logger } = collected('info');
    logger.info({ error: 'refused' }, 'trying again');
    expect(lines[0]).toMatchObject({ error: 'refused' });
  });
});
