/** A summarize stage on a log in memory, with time that moves when somebody sleeps. */
import { internalTopics } from '../../src/core/incident/topics.ts';
import type { Logger } from '../../src/core/logger.ts';
import { type Metrics, noMetrics } from '../../src/core/metrics.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import { decodeMessage, partialKey } from '../../src/core/summarize/codec.ts';
import type { PartialRecord, PartialsMessage } from '../../src/core/summarize/messages.ts';
import { MemoryLog } from '../../src/log/memory/memoryLog.ts';
import type { Clock, Log } from '../../src/log/port.ts';
import { SummarizeStage } from '../../src/stages/summarize.ts';
import { coreSettings } from './settings.ts';

export const hopMs = 300_000;
export const startMs = 1_700_000_100_000;
export const settings = coreSettings({ window: { hopMs, latenessMs: 0, idleAfterMs: 1_000 } });
export const topics = internalTopics(settings.group);

/** Time that moves when somebody sleeps, so that a test of idle times takes none. */
class SteppedClock implements Clock {
  #nowMs = startMs;
  nowMs(): number {
    return this.#nowMs;
  }
  async sleep(milliseconds: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#nowMs += milliseconds;
  }
}

export interface Lines {
  readonly logger: Logger;
  readonly errors: { readonly fields: Readonly<Record<string, unknown>>; readonly message: string }[];
}

function lines(): Lines {
  const errors: Lines['errors'] = [];
  const quiet = () => {};
  return { errors, logger: { error: (fields, message) => errors.push({ fields, message }), warn: quiet, info: quiet, debug: quiet } };
}

export async function world(sourcePartitions = 1, fetchSize = 7) {
  const clock = new SteppedClock();
  const log = new MemoryLog({ clock, fetchSize: () => fetchSize });
  await log.createTopics([
    { topic: 'predictions', partitions: sourcePartitions, configs: {} },
    { topic: 'feedback', partitions: 1, configs: {} },
    { topic: topics.partials, partitions: 3, configs: {} },
    { topic: topics.deadLetters, partitions: 2, configs: {} },
  ]);
  return { clock, log, ...lines() };
}

export type World = Awaited<ReturnType<typeof world>>;

export function prediction(id: number, timeMs: number, change: Record<string, unknown> = {}): string {
  return JSON.stringify({
    id: `p${id}`,
    ts: timeMs,
    model: 'fraud',
    version: '1',
    features: { amount: id },
    prediction: 'yes',
    score: 0.5,
    ...change,
  });
}

export function send(log: MemoryLog, values: readonly (string | null)[], timestampMs: number, partition = 0, topic = 'predictions') {
  return log.produce(values.map((value) => ({ topic, partition, key: null, value, timestampMs })));
}

interface RunOptions {
  readonly log?: Log;
  readonly start?: 'earliest' | 'latest' | number;
  readonly deadLetterShare?: number;
  readonly settings?: CoreSettings;
  readonly onGap?: 'continue' | 'stop';
  readonly metrics?: Metrics;
  /** Sees the stage while it runs. */
  readonly onStage?: (stage: SummarizeStage) => void;
}

/** Runs a stage until the condition holds, then stops it gracefully. */
export async function run(one: World, isDone: () => Promise<boolean> | boolean, options: RunOptions = {}): Promise<void> {
  const stop = new AbortController();
  const stage = new SummarizeStage({
    log: options.log ?? one.log,
    settings: options.settings ?? settings,
    start: options.start ?? 'earliest',
    deadLetterShare: options.deadLetterShare ?? 0.1,
    clock: one.clock,
    logger: one.logger,
    metrics: options.metrics ?? noMetrics,
    ...(options.onGap === undefined ? {} : { onGap: options.onGap }),
  });
  options.onStage?.(stage);
  const running = stage.run(stop.signal);
  const watch = (async () => {
    for (let turn = 0; !(await isDone()); turn += 1) {
      if (turn > 20_000) throw new Error('The stage does not get there');
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  try {
    await Promise.race([running, watch]);
  } finally {
    stop.abort();
    await running;
  }
}

export async function contents(log: MemoryLog, topic: string): Promise<string[][]> {
  const partitions = Array.from({ length: await log.partitionCount(topic) }, (_, partition) => partition);
  return Promise.all(
    partitions.map(async (partition) => {
      const reader = await log.read({ topic, partition }, 0);
      const values: string[] = [];
      for (let batch = await reader.next(0); batch !== null; batch = await reader.next(0)) {
        for (const record of batch.records) values.push(Buffer.from(record.value ?? []).toString('latin1'));
      }
      return values;
    }),
  );
}

export async function messages(log: MemoryLog): Promise<PartialsMessage[][]> {
  return (await contents(log, topics.partials)).map((values) =>
    values.map((value) => {
      const message = decodeMessage(Buffer.from(value, 'latin1'));
      if (message.type === 'part') throw new Error('Nothing here is so large');
      return message;
    }),
  );
}

export async function all<Type extends PartialsMessage['type']>(
  log: MemoryLog,
  type: Type,
): Promise<Extract<PartialsMessage, { type: Type }>[]> {
  return (await messages(log)).flat().filter((message): message is Extract<PartialsMessage, { type: Type }> => message.type === type);
}

/** Rows of each pane of a model, by the partial with the largest `to` of each identity. */
export async function rowsByPane(log: MemoryLog, model = 'fraud'): Promise<Record<string, number>> {
  const best = new Map<string, PartialRecord>();
  for (const partial of await all(log, 'partial')) {
    const known = best.get(partialKey(partial));
    if (known === undefined || partial.to > known.to) best.set(partialKey(partial), partial);
  }
  const rows: Record<string, number> = {};
  for (const partial of best.values()) {
    if (partial.model !== model) continue;
    const pane = `${((partial.paneMs ?? 0) - startMs) / hopMs}`;
    for (const cell of partial.cells) rows[pane] = (rows[pane] ?? 0) + (cell.segment === null ? cell.rows : 0);
  }
  return rows;
}

/** Position of the newest idle record: everything before it is in partials. */
export async function positionOf(log: MemoryLog, partition = 0, topic = 'predictions'): Promise<number> {
  const idle = (await all(log, 'idle')).filter(({ source }) => source.partition === partition && source.topic === topic);
  return Math.max(-1, ...idle.map(({ position }) => position));
}
