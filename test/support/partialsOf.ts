/** What the summarize stage would write for some traffic, without a log: the messages of `partials`, partitions interleaved at random. */
import { cellConfigHash } from '../../src/core/configHash.ts';
import type { DecodedRecord } from '../../src/core/record/record.ts';
import type { CoreSettings } from '../../src/core/settings.ts';
import type { PartialsMessage, SourceRole } from '../../src/core/summarize/messages.ts';
import { PartitionSummarizer } from '../../src/core/summarize/partitionSummarizer.ts';
import type { Random } from './random.ts';
import type { SourceRecord, Traffic } from './syntheticTraffic.ts';

/** A summarizer of one partition of the first topic of a role, from its first record on. */
export function summarizerOf(settings: CoreSettings, role: SourceRole, partition = 0, partitions = 1): PartitionSummarizer {
  return new PartitionSummarizer({
    settings,
    source: { role, topic: settings[role][0]?.topic ?? role, partition },
    partitions,
    configHash: cellConfigHash(settings),
    start: { kind: 'beginning', offset: 0 },
  });
}

/** What it has written since the last call. */
export function messagesOf(summarizer: PartitionSummarizer): PartialsMessage[] {
  return summarizer.drain().flatMap(({ partials, watermark }): PartialsMessage[] => [...partials, watermark]);
}

/** `isEnding`: whether the sources end (files), so that everything is decided. */
export function partialsOf(settings: CoreSettings, traffic: Traffic, random: Random, isEnding = true): PartialsMessage[] {
  const queues = (['predictions', 'feedback'] as const).flatMap((role: SourceRole) =>
    traffic[role].map((records: readonly SourceRecord<DecodedRecord>[], partition) => {
      const summarizer = summarizerOf(settings, role, partition, traffic[role].length);
      for (const [offset, { record, timestampMs }] of records.entries()) summarizer.add(record, offset, timestampMs);
      if (isEnding) summarizer.end();
      return messagesOf(summarizer);
    }),
  );
  const messages: PartialsMessage[] = [];
  const heads = queues.map(() => 0);
  for (;;) {
    const open = queues.flatMap((queue, index) => ((heads[index] as number) < queue.length ? [index] : []));
    if (open.length === 0) return messages;
    const index = open[random.int(open.length)] as number;
    // Partitions go on in bursts, so that one is often far ahead of the others.
    for (let burst = random.int(12); burst >= 0 && (heads[index] as number) < (queues[index] as PartialsMessage[]).length; burst--) {
      messages.push((queues[index] as PartialsMessage[])[heads[index] as number] as PartialsMessage);
      heads[index] = (heads[index] as number) + 1;
    }
  }
}
