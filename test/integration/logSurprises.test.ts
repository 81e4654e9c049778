/** Summarize and detect on a real Kafka whose source topic is not what it was. The rules are tested on the in-memory log: `test/unit/stages/logSurprises.test.ts`. */
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testKafka } from '../support/kafka.ts';
import { KafkaStages } from '../support/kafkaStages.ts';
import { uniqueName } from '../support/logSuite.ts';

let admin: Admin;
const opened: KafkaStages[] = [];

beforeAll(async () => {
  admin = new kafkajs.Kafka({ ...testKafka(), logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
});
afterAll(async () => {
  await admin.disconnect();
  await Promise.all(opened.map(({ log }) => log.close()));
});

/** A source topic with five panes of four rows, of which all but the last are decided, and what stops the stages. */
async function watched(): Promise<{ stages: KafkaStages; stop: () => Promise<void> }> {
  const stages = await KafkaStages.open(testKafka().brokers, uniqueName('surprise'));
  opened.push(stages);
  await stages.createSource();
  await stages.produce(0, 5);
  const stop = stages.start();
  await stages.untilDecided(3);
  return { stages, stop };
}

const whole = { rows: 4, inexact: [] };

describe('retention that overtakes a worker', () => {
  test('is an incident with the number and the time of the lost records, and what comes after is whole', async () => {
    const { stages, stop } = await watched();
    await stop();
    await stages.produce(5, 8);
    await admin.fetchTopicOffsets(stages.topic);
    await admin.deleteTopicRecords({ topic: stages.topic, partitions: [{ partition: 0, offset: '26' }] });
    const stopAgain = stages.start();
    await stages.produce(8, 12);
    await stages.untilDecided(10);
    await stopAgain();
    const panes = await stages.panes();
    expect(panes.get(5)?.rows ?? 0).toBe(0);
    expect(panes.get(6)).toMatchObject({ rows: 2, inexact: ['gap'] });
    for (const pane of [0, 1, 2, 3, 8, 9, 10]) expect(panes.get(pane), `pane ${pane}`).toEqual(whole);
    expect(await stages.losses()).toEqual([
      expect.stringMatching(/partition 0: \d+ records lost to retention between 2026-03-01 00:2\dZ and /),
    ]);
  });
});

describe('a topic that is deleted and created anew', () => {
  test.each([
    ['fewer', 4],
    ['more', 60],
  ])('while it is read, with %s records than before, is read from its beginning', async (_, rows) => {
    const { stages, stop } = await watched();
    await admin.deleteTopics({ topics: [stages.topic] });
    await stages.createSource();
    await stages.produce(6, 10, rows);
    await stages.untilDecided(8);
    await stop();
    const panes = await stages.panes();
    for (const pane of [0, 1, 2, 3]) expect(panes.get(pane), `pane ${pane}`).toEqual(whole);
    for (const pane of [6, 7, 8]) expect(panes.get(pane)?.rows, `pane ${pane}`).toBe(rows);
    expect(panes.get(8)?.inexact).toEqual([]);
    expect(await stages.losses()).toEqual([expect.stringContaining('records lost with the old topic: it was created anew')]);
  });

  test('while nobody reads it is read from its beginning, although Kafka has deleted the commits with it', async () => {
    const { stages, stop } = await watched();
    await stop();
    await admin.deleteTopics({ topics: [stages.topic] });
    await stages.createSource();
    await stages.produce(6, 10, 3);
    const stopAgain = stages.start();
    await stages.untilDecided(8);
    await stopAgain();
    const panes = await stages.panes();
    for (const pane of [6, 7, 8]) expect(panes.get(pane)?.rows, `pane ${pane}`).toBe(3);
    expect(panes.get(8)?.inexact).toEqual([]);
    expect(await stages.losses()).toHaveLength(1);
  });

  test('and is away for a while ends nothing: the stages wait, and say so', async () => {
    const { stages, stop } = await watched();
    const warnings = () => stages.logger.lines.filter(({ level }) => level === 'warn').length;
    const before = warnings();
    await admin.deleteTopics({ topics: [stages.topic] });
    while (warnings() === before) await new Promise((resolve) => setTimeout(resolve, 100));
    await stages.createSource();
    await stages.produce(6, 9);
    await stages.untilDecided(7);
    await stop();
    expect((await stages.panes()).get(7)?.rows).toBe(4);
  });
});
