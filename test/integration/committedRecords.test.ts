/** Panes hold exactly what a read-committed reader sees: holes of compaction, aborted records and control records are no loss. */
import kafkajs, { type Producer } from 'kafkajs';
import { expect, test } from 'vitest';
import { testKafka } from '../support/kafka.ts';
import { hopMs, KafkaStages, startMs } from '../support/kafkaStages.ts';
import { uniqueName } from '../support/logSuite.ts';
import { readTopic, textOf } from '../support/workerTraffic.ts';

/** Rows of each pane by a fold of what the log shows. */
async function fold({ log, topic }: KafkaStages): Promise<Map<number, number>> {
  const rows = new Map<number, number>();
  for (const { value } of (await readTopic(log, topic)).flat()) {
    const { ts }: { ts: number } = JSON.parse(textOf(value));
    const pane = Math.floor((ts - startMs) / hopMs);
    rows.set(pane, (rows.get(pane) ?? 0) + 1);
  }
  return rows;
}

async function expectFold(stages: KafkaStages, lastPane: number): Promise<void> {
  const expected = await fold(stages);
  const panes = await stages.panes();
  for (let pane = 0; pane <= lastPane; pane += 1)
    expect(panes.get(pane) ?? { rows: 0, inexact: [] }, `pane ${pane}`).toEqual({ rows: expected.get(pane) ?? 0, inexact: [] });
  expect(await stages.losses()).toEqual([]);
}

function producerOf(transactionalId?: string): Producer {
  const kafka = new kafkajs.Kafka({ ...testKafka(), logLevel: kafkajs.logLevel.NOTHING });
  return transactionalId === undefined
    ? kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
    : kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
}

test('transactions that commit, abort, and stay open while others write', async () => {
  const stages = await KafkaStages.open(testKafka().brokers, uniqueName('transactions'));
  await stages.createSource();
  const producer = producerOf(uniqueName('transaction'));
  await producer.connect();
  let stop = stages.start();
  for (let pane = 0; pane < 12; pane += 1) {
    const transaction = await producer.transaction();
    const messages = Array.from({ length: 5 }, (_, row) => {
      const ts = startMs + pane * hopMs + row;
      return { value: stages.row(ts), timestamp: String(ts) };
    });
    await transaction.send({ topic: stages.topic, messages });
    // Records of others come between the transaction's and its end.
    await stages.produce(pane, pane + 1, 2);
    if (pane % 3 === 1) await transaction.abort();
    else await transaction.commit();
    if (pane === 6) {
      await stop();
      stop = stages.start();
    }
  }
  await stages.untilDecided(9);
  await stop();
  await producer.disconnect();
  await expectFold(stages, 9);
  expect((await stages.panes()).get(1)?.rows).toBe(2);
  await stages.log.close();
});

test('a compacted topic, read before and after the cleaner has been there', async () => {
  const stages = await KafkaStages.open(testKafka().brokers, uniqueName('compacted'));
  const configs = { 'cleanup.policy': 'compact', 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.001', 'min.compaction.lag.ms': '0' };
  await stages.log.createTopics([{ topic: stages.topic, partitions: 1, configs }]);
  const at = { topic: stages.topic, partition: 0 };
  const send = (pane: number, key: string) => {
    const ts = startMs + pane * hopMs;
    return stages.log.produce([{ ...at, key, value: stages.row(ts), timestampMs: ts }]);
  };
  for (let pane = 0; pane < 6; pane += 1) for (const key of ['a', 'b', 'c']) await send(pane, key);
  // The cleaner takes closed segments only, and comes by every 15 seconds where a broker has the default.
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await send(6, 'd');
    const { high } = await stages.log.offsets(at);
    if ((await readTopic(stages.log, stages.topic)).flat().length < high - 10) break;
  }
  const before = await fold(stages);
  const stop = stages.start();
  for (const pane of [7, 8, 9]) await send(pane, `end ${pane}`);
  await stages.untilDecided(8);
  await stop();
  const panes = await stages.panes();
  // The cleaner may have come again meanwhile: what it took is in no pane or in one, and nothing is marked.
  const after = await fold(stages);
  for (let pane = 0; pane <= 5; pane += 1) {
    const rows = panes.get(pane)?.rows ?? 0;
    expect(rows, `pane ${pane}`).toBeLessThanOrEqual(before.get(pane) ?? 0);
    expect(rows, `pane ${pane}`).toBeGreaterThanOrEqual(after.get(pane) ?? 0);
  }
  for (const pane of [7, 8]) expect(panes.get(pane), `pane ${pane}`).toEqual({ rows: 1, inexact: [] });
  expect([...panes.values()].flatMap(({ inexact }) => inexact)).toEqual([]);
  expect(await stages.losses()).toEqual([]);
  await stages.log.close();
}, 120_000);
