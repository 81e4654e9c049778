import { LogChangedError } from '../logChanged.ts';
import { partitionKey } from '../partitionKey.ts';
import type { KafkaConnection } from './connection.ts';
import { safeOffset } from './fetchResponse.ts';
import type { PartitionQueue } from './partitionQueue.ts';

/**
 * Deals with a position that the log of a partition does not have: it was deleted by retention, or lies beyond the end because the topic was created anew.
 *
 * @param isWanted whether the queue is still fetched into
 */
export async function returnToRange(connection: KafkaConnection, queue: PartitionQueue, isWanted: () => boolean): Promise<void> {
  const { topic, partition, position } = queue;
  const ask = (fromBeginning: boolean) =>
    connection.askLeaders(`Reading the offsets of ${partitionKey(queue)}`, topic, (cluster) =>
      cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning }]),
    );
  const [low, high] = [await ask(true), await ask(false)].map((answer) => safeOffset(answer[0]?.partitions[0]?.offset ?? '0'));
  if (!isWanted() || queue.position !== position || low === undefined || high === undefined) return;
  if (position < low) {
    connection.logger.warn({ topic, partition, from: position, to: low }, 'Records were deleted by retention before they were read');
    queue.put({ batch: { topic, partition, records: [], nextOffset: low, lostFrom: position }, bytes: 0 });
  } else if (position > high) {
    queue.fail(new LogChangedError(queue, position, `its end is ${high} now`));
  }
  // Else retention took just what was read last.
  queue.isSuspect = false;
}
