/** A worker behind a bad network: latency, little bandwidth, a line that holds everything back for longer than a session, resets. It goes on by itself, and nothing is lost or doubled. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { JavaBroker } from '../../src/demo/kafka/javaKafka.ts';
import { findKafkaJars } from '../../src/demo/kafka/kafkaJars.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { Random } from '../support/random.ts';
import { BadNetwork } from '../support/weather/badNetwork.ts';
import { expectFold, loudLines, startWatchedWorker, writeShare } from '../support/weather/watchedWorker.ts';
import { createSourceTopic, isSettled, keepHistory, workerTraffic, writeConfig } from '../support/workerTraffic.ts';

const jars = await findKafkaJars(join(import.meta.dirname, '../../.cache'), (line) => console.log(line));
if ('because' in jars)
  console.warn(`Left out: the bad network, which takes a broker with a second way in, started with Java, because ${jars.because}.`);

const megabyte = 1024 * 1024;
/** Longer than a member's session of 10 s. */
const stallMs = 20_000;

let network: BadNetwork;
let broker: JavaBroker;
let log: KafkaLog;

beforeAll(async () => {
  if ('because' in jars) return;
  network = await BadNetwork.open(new Random(8));
  broker = await JavaBroker.create(jars.classPath, { advertisedSecondPort: network.port });
  network.leadTo(broker.secondPort);
  await broker.start();
  log = await KafkaLog.open({ brokers: [broker.address] }, createLogger('silent'));
});
afterAll(async () => {
  if ('because' in jars) return;
  await log.close();
  await network.close();
  await broker.remove();
});

it.skipIf('because' in jars)(
  'a worker goes on through latency, little bandwidth, a line that stalls and resets, and writes what one pass over the records gives',
  async () => {
    const source = workerTraffic('network', 9, 40);
    await createSourceTopic(log, source.predictions, source.traffic.predictions.length);
    await createSourceTopic(log, source.feedback, source.traffic.feedback.length);
    const far = [`127.0.0.1:${network.port}`];
    await keepHistory(log, 'network');
    const at = writeConfig('network', far, source, { sinks: { log: true } });
    await writeShare(log, source, 0, 0.2);
    const worker = await startWatchedWorker(at, far);
    const decided = () => worker.sum('tidemark_panes_decided_total');
    /** What is written under a weather is worked on while it lasts. */
    const worksOn = async (from: number, to: number) => {
      const before = decided();
      await writeShare(log, source, from, to);
      await worker.until(() => decided() > before + 20);
    };
    await worker.until(() => decided() > 50);
    expect(network.passedBytes).toBeGreaterThan(100_000);

    network.set({ latencyMs: 300, jitterMs: 200 });
    await worksOn(0.2, 0.4);
    network.set({ bytesPerSecond: 100_000 });
    await worksOn(0.4, 0.6);

    network.set({ isStalled: true });
    await writeShare(log, source, 0.6, 0.8);
    await sleep(stallMs);
    expect(worker.highest('tidemark_writes_waiting_bytes')).toBeLessThan(8 * megabyte);
    expect(worker.highest('tidemark_fetched_waiting_bytes')).toBeLessThan(16 * megabyte);
    network.set({});
    for (let times = 0; times < 5; times += 1) {
      network.reset();
      await sleep(500);
    }
    await worksOn(0.8, 1);

    await worker.until(() => isSettled(log, at.group, source.settledMs));
    await worker.stop();
    await expectFold(log, at, source);
    console.log(loudLines(worker));
    expect(loudLines(worker).length).toBeLessThanOrEqual(12);
  },
  150_000,
);
