/** A worker with a name of its own (`kafka.instance`) that was killed takes its former place when it is started again, instead of waiting until its session has ended. */
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { testKafka } from '../support/kafka.ts';
import { type CommandProcess, startCommand } from '../support/workerProcess.ts';
import { createSourceTopic, until, writeConfig } from '../support/workerTraffic.ts';

const { brokers } = testKafka();
const prefix = `former-${process.pid}`;
const admin = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING }).admin();
const at = writeConfig(prefix, brokers, { predictions: `${prefix}-predictions` });
const groups = [at.group, `${at.group}-detect`];
const taken = 'its place is taken at once';
let processes: CommandProcess[] = [];

beforeAll(async () => {
  await admin.connect();
  const log = await KafkaLog.open({ brokers }, createLogger('silent'));
  await createSourceTopic(log, `${prefix}-predictions`, 3);
  await log.close();
});
afterAll(async () => {
  for (const one of processes) one.process.kill('SIGKILL');
  await Promise.all(processes.map((one) => one.ended));
  await admin.disconnect();
});

function start(instance: string): CommandProcess {
  const started = startCommand(['worker', '--config', at.file, '--roles', 'summarize,detect', '--set', `kafka.instance=${instance}`]);
  processes = [...processes, started];
  return started;
}

/** What the log says of the worker's own health, by its own words. */
async function isReady({ err }: CommandProcess): Promise<boolean> {
  const url = /"url":"([^"]+)"/.exec(err())?.[1];
  return url !== undefined && (await fetch(`${url}/readyz`)).ok;
}

async function membersOf(): Promise<string[][]> {
  const described = await admin.describeGroups(groups);
  return described.groups.map(({ members }) => members.map(({ memberId }) => memberId));
}

const linesIn = ({ err }: CommandProcess) => err().split(taken).length - 1;

it('is in its groups alone, with the killed one taken out, and leaves workers of other names alone', async () => {
  const first = start('a');
  await until(() => isReady(first), 50);
  const before = await membersOf();
  first.process.kill('SIGKILL');
  await first.ended;
  expect(await membersOf()).toEqual(before);

  const second = start('a');
  await until(() => isReady(second), 50);
  expect(linesIn(second)).toBe(groups.length);
  const own = await membersOf();
  for (const [index, members] of own.entries()) {
    expect(members).toHaveLength(1);
    expect(members).not.toEqual(before[index]);
  }

  const other = start('b');
  await until(() => isReady(other), 50);
  expect(linesIn(other)).toBe(0);
  await until(async () => (await membersOf()).every((members) => members.length === 2), 50);
  for (const [index, members] of (await membersOf()).entries()) expect(members).toContain(own[index]?.[0]);
}, 90_000);
