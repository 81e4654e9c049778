import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { Unreadable } from '../../../../src/log/kafka/unreadable.ts';
import { collectingLogger } from '../../../support/collectingLogger.ts';

const gone = [
  { topic: 'gone', partition: 0 },
  { topic: 'gone', partition: 1 },
] as const;
const well = { topic: 'well', partition: 0 };
const unknownTopic = new kafkajs.KafkaJSProtocolError(
  Object.assign(new Error('This server does not host this topic'), { type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3 }),
);

function told() {
  const logger = collectingLogger();
  const lines = () => logger.lines.map(({ level, message }) => `${level} ${message}`);
  return { unreadable: new Unreadable(logger), lines };
}

test('a topic is named when it cannot be read, and when all of it is read again; then it may fail again', () => {
  const { unreadable, lines } = told();
  for (let attempt = 0; attempt < 3; attempt += 1) for (const place of gone) unreadable.failed(unknownTopic, [place]);
  unreadable.ended(well);
  unreadable.ended(gone[0]);
  expect(lines()).toEqual(['warn Topic gone cannot be read; trying again']);
  unreadable.ended(gone[1]);
  unreadable.ended(gone[1]);
  expect(lines().slice(1)).toEqual(['info Topic gone can be read again']);
  unreadable.failed(unknownTopic, gone);
  expect(lines().slice(2)).toEqual(['warn Topic gone cannot be read; trying again']);
});

test('a topic that is read in the same request as one that is gone is not named', () => {
  const { unreadable, lines } = told();
  unreadable.failed(unknownTopic, [...gone, well]);
  for (const place of gone) unreadable.failed(unknownTopic, [place]);
  unreadable.ended(well);
  expect(lines()).toEqual(['warn Topic gone cannot be read; trying again']);
});

test('a partition that nobody reads any more is not waited for, and tells nothing', () => {
  const { unreadable, lines } = told();
  unreadable.failed(unknownTopic, gone);
  unreadable.left(gone[0]);
  unreadable.ended(gone[1]);
  unreadable.failed(unknownTopic, gone);
  for (const place of gone) unreadable.left(place);
  expect(lines().map((line) => line.split(' ')[0])).toEqual(['warn', 'info', 'warn']);
});
