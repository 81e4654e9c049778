import type { ConnectionOptions } from 'node:tls';

/** Where the brokers are and how to speak to them. Every limit has a default that suits a normal cluster. */
export interface KafkaOptions {
  /** `host:port` of one or more brokers. */
  readonly brokers: readonly string[];
  /** Name under which the brokers see this program. Default `tidemark`. */
  readonly clientId?: string;
  /** `true` for the system's certificate authorities, or what `node:tls` takes (ca, cert, key, ...). */
  /** Name of this process that no other running one has: a start takes the place of a former self that was killed. See `formerSelf.ts`. */
  readonly instance?: string;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: KafkaSasl;
  /** A member that has not been heard of for so long loses its partitions. Default 10 s; the broker has a range (6 s to 30 min). */
  readonly sessionTimeoutMs?: number;
  /** How often topics are looked at for new partitions. Default 60 s. */
  readonly metadataMaxAgeMs?: number;
  /** How long a write or a question is repeated while brokers are away, before it fails. Default 120 s. */
  readonly patienceMs?: number;
  /** Bytes that a member may have fetched ahead, over all its partitions. Default 8 MB. Twice as much can be held for a moment. */
  readonly bufferBytes?: number;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export const defaultKafkaOptions = {
  clientId: 'tidemark',
  sessionTimeoutMs: 10_000,
  metadataMaxAgeMs: 60_000,
  patienceMs: 120_000,
  bufferBytes: 8 * 1024 * 1024,
};

export type ResolvedKafkaOptions = KafkaOptions & typeof defaultKafkaOptions;
