/** Files as the sources of a replay: each file is a partition, its place on the command line the number, its row the offset. */
import { ConfigError } from '../core/errors.ts';
import type { TopicSource } from '../core/settings.ts';
import type { SourceRole } from '../core/summarize/messages.ts';
import { readFile } from '../files/readFile.ts';
import type { ReplayRecord, ReplaySource } from './replay.ts';

/** Sources of one role. `topics`: the config's entries of the role; the first one tells format and model. */
export function fileSources(role: SourceRole, paths: readonly string[], topics: readonly TopicSource[]): ReplaySource[] {
  const source = topics[0];
  if (source === undefined) {
    if (paths.length === 0) return [];
    throw new ConfigError(`${role}.topic: is missing, but files of ${role} are given; set it in the configuration, or leave the files out`);
  }
  return paths.map((path, partition) => ({
    source: { role, topic: source.topic, partition },
    partitions: paths.length,
    start: { kind: 'beginning', offset: 0 },
    records: records(path, role, source),
  }));
}

async function* records(path: string, role: SourceRole, source: TopicSource): AsyncIterable<ReplayRecord> {
  for await (const { row, decoded, timestampMs } of readFile(path, { role, source })) yield { offset: row, decoded, timestampMs };
}
