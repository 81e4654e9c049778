/** A stretch of time of Kafka topics as the sources of a replay. Nothing is committed, no group is joined. */
import { DependencyError } from '../core/errors.ts';
import type { CoreSettings, TopicSource } from '../core/settings.ts';
import type { SourceRole } from '../core/summarize/messages.ts';
import { jsonDecoder } from '../formats/json.ts';
import type { Log } from '../log/port.ts';
import type { ReplayRecord, ReplaySource } from './replay.ts';

/** Longest wait for one batch. */
const waitMs = 1_000;
/** Waits without a batch after which a partition counts as unreadable. */
const mostWaits = 30;

/** All partitions of the topics of the settings, from the first record with a Kafka timestamp of `fromMs` up to the first one of `toMs`. */
export async function topicSources(log: Log, settings: CoreSettings, fromMs: number, toMs: number): Promise<ReplaySource[]> {
  const sources: ReplaySource[] = [];
  for (const role of ['predictions', 'feedback'] as const) {
    for (const source of settings[role]) {
      const partitions = await log.partitionCount(source.topic);
      for (let partition = 0; partition < partitions; partition++)
        sources.push(await sourceOf(log, role, source, partition, partitions, fromMs, toMs));
    }
  }
  return sources;
}

async function sourceOf(
  log: Log,
  role: SourceRole,
  source: TopicSource,
  partition: number,
  partitions: number,
  fromMs: number,
  toMs: number,
): Promise<ReplaySource> {
  const at = { topic: source.topic, partition };
  const { low } = await log.offsets(at);
  const from = await log.offsetAtTime(at, fromMs);
  const to = await log.offsetAtTime(at, toMs);
  return {
    source: { role, topic: source.topic, partition },
    partitions,
    start: { kind: from > low ? 'middle' : 'beginning', offset: from },
    isEmpty: from >= to,
    records: records(log, role, source, partition, from, to),
  };
}

async function* records(
  log: Log,
  role: SourceRole,
  source: TopicSource,
  partition: number,
  from: number,
  to: number,
): AsyncIterable<ReplayRecord> {
  if (from >= to) return;
  const decode = jsonDecoder(source, role);
  const reader = await log.read({ topic: source.topic, partition }, from);
  try {
    let waits = 0;
    for (let position = from; position < to; ) {
      const batch = await reader.next(waitMs);
      if (batch === null) {
        if (++waits > mostWaits)
          throw new DependencyError(
            `topic ${source.topic}, partition ${partition}: nothing came after offset ${position}, expected records up to ${to}`,
          );
        continue;
      }
      waits = 0;
      for (const { offset, timestampMs, value } of batch.records) {
        if (offset < to) yield { offset, decoded: decode(value, timestampMs), timestampMs };
      }
      position = batch.nextOffset;
    }
  } finally {
    await reader.close();
  }
}
