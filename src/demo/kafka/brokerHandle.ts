/** A Kafka that the ladder found or started. */
export interface RunningKafka {
  readonly brokers: readonly string[];
  /** Ends what was started; nothing where it was only found. */
  stop(): Promise<void>;
}

/** What a rung of the ladder says when it cannot be taken, as the end of "Docker: ...". */
export interface NoKafka {
  readonly because: string;
}

/** The release that is started: an image tag and a Maven version. */
export const kafkaVersion = '4.3.1';
