import { DependencyError, InvariantError } from '../../core/errors.ts';
import type { OutgoingRecord } from '../port.ts';
import type { KafkaConnection } from './connection.ts';
import { TopicProducer } from './topicProducer.ts';

/** Writes to any topic, each through a producer of its own, so that a topic that refuses writes holds up no other. */
export class KafkaProducer {
  readonly #connection: KafkaConnection;
  readonly #topics = new Map<string, TopicProducer>();
  #isClosed = false;

  constructor(connection: KafkaConnection) {
    this.#connection = connection;
  }

  /** Resolves with the offsets when every record is acknowledged. Rejects when all has been tried: what one topic took is written then, whatever became of another. */
  async send(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    if (this.#isClosed) throw new DependencyError('Writing refused: the log is closed');
    const byTopic = Map.groupBy(records.keys(), (index) => records[index]?.topic ?? '');
    const [first, ...others] = byTopic.keys();
    if (first === undefined) return [];
    if (others.length === 0) return this.#producerOf(first).send(records);
    const offsets: number[] = [];
    const writes = [...byTopic].map(async ([topic, indexes]) => {
      const written = await this.#producerOf(topic).send(indexes.map((index) => recordAt(records, index)));
      for (const [at, index] of indexes.entries()) offsets[index] = written[at] ?? -1;
    });
    for (const result of await Promise.allSettled(writes)) if (result.status === 'rejected') throw result.reason;
    return offsets;
  }

  /** Ends the connections; what is not acknowledged yet rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#topics.values()].map((producer) => producer.close()));
  }

  #producerOf(topic: string): TopicProducer {
    let producer = this.#topics.get(topic);
    if (producer === undefined) {
      producer = new TopicProducer(topic, this.#connection);
      this.#topics.set(topic, producer);
    }
    return producer;
  }
}

function recordAt(records: readonly OutgoingRecord[], index: number): OutgoingRecord {
  const record = records[index];
  if (record === undefined) throw new InvariantError('A write without its record');
  return record;
}
