import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { InputError } from '../../../src/core/errors.ts';
import { noMetrics } from '../../../src/core/metrics.ts';
import { MemoryLog } from '../../../src/log/memory/memoryLog.ts';
import { systemClock } from '../../../src/log/systemClock.ts';
import { type Role, Worker } from '../../../src/stages/worker.ts';
import { collectingLogger } from '../../support/collectingLogger.ts';
import { dayMs, ndjson, rowsOf, zeroMs } from '../baseline/records.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-worker-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function workerWith(path: string, roles: readonly Role[]) {
  const sets = ['predictions.topic=predictions', 'baseline.kind=file', `baseline.path=${path}`];
  const config = loadConfig({ files: [], env: {}, sets });
  const logger = collectingLogger();
  const log = new MemoryLog({ clock: systemClock });
  return { worker: new Worker({ config, log, roles, clock: systemClock, logger, metrics: noMetrics, release: 'test' }), logger, log };
}

describe('a worker whose settings name a baseline file', () => {
  it('does not start to detect where the file cannot be read', async () => {
    const { worker } = workerWith(join(folder, 'missing.csv'), ['detect']);
    const running = worker.run(new AbortController().signal);
    await expect(running).rejects.toThrow(InputError);
    await expect(running).rejects.toThrow(/baseline\.path: .*missing\.csv: cannot be read/);
  });

  it('says what it has read', async () => {
    const path = join(folder, 'rows.ndjson');
    writeFileSync(path, ndjson(rowsOf({ seed: 1, fromMs: zeroMs, toMs: zeroMs + dayMs })));
    const { worker, logger } = workerWith(path, ['detect']);
    await worker.run(AbortSignal.abort());
    expect(logger.lines.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^baseline of fraud: 1440 rows of .*rows\.ndjson, from/),
    );
  });

  it('does not need the file where it only summarizes', async () => {
    const { worker, log } = workerWith(join(folder, 'missing.csv'), ['summarize']);
    await log.createTopics([{ topic: 'predictions', partitions: 1, configs: {} }]);
    await worker.run(AbortSignal.abort());
    expect(worker.stages).toEqual(new Map([['summarize', { kind: 'stopped' }]]));
  });
});
