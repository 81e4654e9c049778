import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findKafkaJars } from '../../src/demo/kafka/kafkaJars.ts';
import { runChaos } from '../chaos/chaos.ts';
import { describeChaos } from '../chaos/describeChaos.ts';

/** The length of the bad weather in a run of all tests; `npm run chaos -- --minutes 60` is the long one. */
const minutes = 5;

const jars = await findKafkaJars(join(import.meta.dirname, '../../.cache'), (line) => console.log(line));
if ('because' in jars) console.warn(`Left out: the chaos run, which kills brokers and so starts three with Java, because ${jars.because}.`);

it.skipIf('because' in jars)(
  'three brokers, workers killed, frozen, woken as zombies and replaced, and a failing Sentry: nothing is missing, extra or double, and no incident has two issues',
  async () => {
    const result = await runChaos({ seed: 1, minutes, report: (line) => console.log(line) });
    console.log(describeChaos(result));
    const { verdict, weather } = result;
    expect(verdict.problems).toEqual([]);
    expect(verdict.total).toMatchObject({ missing: 0, extra: 0, doubled: 0 });
    // It was bad weather, and there was something to lose.
    const { kills, expelled, rollingRestarts, brokerRestarts, leaderMoves, sinkFailures } = weather;
    expect(Math.min(kills, expelled, rollingRestarts, brokerRestarts, leaderMoves, sinkFailures)).toBeGreaterThan(0);
    const { predictions, late, invalid, labels } = verdict.tallies;
    expect(Math.min(predictions.expected, late.expected, invalid.expected, labels.expected, verdict.issues)).toBeGreaterThan(0);
  },
  minutes * 60_000 + 900_000,
);
