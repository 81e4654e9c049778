/**
 * A broker whose disk is full: it ends, as Apache Kafka does when no log directory is left. When there is room again and somebody has started it, the worker goes on by itself.
 *
 * Where a test may mount (root, as in CI) the disk is a small tmpfs that is filled; elsewhere the broker's process is forbidden to make files longer, which its writes meet in the same way.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { internalTopics } from '../../src/core/incident/topics.ts';
import { JavaBroker } from '../../src/demo/kafka/javaKafka.ts';
import { findKafkaJars } from '../../src/demo/kafka/kafkaJars.ts';
import { runTool } from '../../src/demo/kafka/runTool.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { SmallDisk } from '../support/weather/smallDisk.ts';
import { expectFold, loudLines, startWatchedWorker, writeShare } from '../support/weather/watchedWorker.ts';
import { createSourceTopic, isSettled, keepHistory, until, workerTraffic, writeConfig } from '../support/workerTraffic.ts';

const jars = await findKafkaJars(join(import.meta.dirname, '../../.cache'), (line) => console.log(line));
if ('because' in jars) console.warn(`Left out: the full disk, which takes a broker started with Java, because ${jars.because}.`);

const megabyte = 1024 * 1024;

let disk: SmallDisk | null = null;
let broker: JavaBroker;

beforeAll(async () => {
  if ('because' in jars) return;
  disk = await SmallDisk.open(96);
  broker = await JavaBroker.create(jars.classPath, disk === null ? {} : { dataFolder: disk.folder });
  await broker.start();
});
afterAll(async () => {
  if ('because' in jars) return;
  await broker.remove();
  await disk?.close();
});

async function fillDisk(): Promise<void> {
  if (disk !== null) disk.fill();
  else expect((await runTool('prlimit', [`--pid=${broker.pid}`, '--fsize=1:unlimited'], 10_000)).isOk).toBe(true);
}

it.skipIf('because' in jars)(
  'a worker waits for a broker whose disk is full, and goes on by itself when it is back',
  async () => {
    const log = await KafkaLog.open({ brokers: [broker.address] }, createLogger('silent'));
    const source = workerTraffic('disk', 10, 40);
    await createSourceTopic(log, source.predictions, source.traffic.predictions.length);
    await createSourceTopic(log, source.feedback, source.traffic.feedback.length);
    await keepHistory(log, 'disk');
    const at = writeConfig('disk', [broker.address], source, { sinks: { log: true } });
    await writeShare(log, source, 0, 0.5);
    const worker = await startWatchedWorker(at, [broker.address]);
    await worker.until(() => worker.sum('tidemark_panes_decided_total') > 200);

    // The worker has enough to write; a topic of nobody's makes sure that the broker meets the end of its disk.
    await log.createTopics([{ topic: 'ballast', partitions: 1, configs: {} }]);
    await writeShare(log, source, 0.5, 1);
    await fillDisk();
    const ballast = log.produce(
      Array.from({ length: 64 }, () => ({ topic: 'ballast', partition: 0, key: null, value: 'x'.repeat(65_536) })),
    );
    await until(() => !broker.isAlive);
    const failures = () => worker.sum('tidemark_write_failures_total');
    await worker.until(() => worker.logger.lines.some(({ message }) => message.startsWith('Kafka does not answer')));
    expect(worker.highest('tidemark_writes_waiting_bytes')).toBeLessThan(8 * megabyte);
    expect(worker.highest('tidemark_fetched_waiting_bytes')).toBeLessThan(16 * megabyte);

    disk?.free();
    await broker.start();
    await ballast;
    await worker.until(() => isSettled(log, at.group, source.settledMs));
    await worker.stop();
    console.log(loudLines(worker), failures());
    await expectFold(log, at, source);
    expect((await log.offsets({ topic: internalTopics(at.group).partials, partition: 0 })).high).toBeGreaterThan(0);
    expect(loudLines(worker).length).toBeLessThanOrEqual(6);
    await log.close();
  },
  120_000,
);
