import { DependencyError } from '../../core/errors.ts';

/** What kafkajs's errors carry beyond a message. */
interface KafkaErrorFields {
  readonly name: string;
  readonly message: string;
  /** Kafka's name of a protocol error, such as `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly type: string | undefined;
  readonly retriable: boolean | undefined;
}

/** Brokers took a request and did not say what became of the records of some partitions: they may be there or not, so they are sent again. */
export class UnansweredError extends Error {
  constructor(partitions: readonly string[]) {
    super(`No acknowledgement came for ${partitions.join(', ')}`);
  }
}

/** What may be done about an error: wait and repeat, or tell the person. */
export type Trouble = 'transient' | 'credentials' | 'permission' | 'topic' | 'too-large' | 'other';

const wrappers = new Set(['KafkaJSNumberOfRetriesExceeded', 'KafkaJSNonRetriableError']);
const connectionErrors = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
  'KafkaJSTimeout',
]);
const certificateErrors = /certificate|self[- ]signed|unable to verify|SSL routines|wrong version number|EPROTO/i;

/** Sorts an error, looking through kafkajs's wrappers. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof UnansweredError) return 'transient';
  const { name, type, message, retriable } = rootCause(error);
  if (name === 'KafkaJSSASLAuthenticationError' || type === 'SASL_AUTHENTICATION_FAILED' || type === 'ILLEGAL_SASL_STATE')
    return 'credentials';
  if (certificateErrors.test(message)) return 'credentials';
  if (type?.endsWith('AUTHORIZATION_FAILED')) return 'permission';
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'INVALID_TOPIC_EXCEPTION') return 'topic';
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') return 'too-large';
  if (connectionErrors.has(name)) return 'transient';
  if (name.startsWith('KafkaJS') && retriable === true) return 'transient';
  return 'other';
}

/** Kafka's name of the protocol error behind it, if it is one. */
export function protocolErrorOf(error: unknown): string | undefined {
  return rootCause(error).type;
}

/** The error for a person: what failed, and what to do about it. */
export function dependencyError(what: string, brokers: readonly string[], error: unknown): DependencyError {
  if (error instanceof DependencyError) return error;
  const { message } = rootCause(error);
  const where = brokers.join(', ');
  const advice: Record<Trouble, string> = {
    transient: `Kafka at ${where} cannot be reached: check kafka.brokers, that a broker runs there, and that the addresses it advertises can be reached from here`,
    credentials: `Kafka at ${where} refuses the connection: check kafka.sasl (mechanism, username, password) and kafka.ssl (ca)`,
    permission: `Kafka at ${where} denies it: give the user the permission for this topic or group`,
    topic: 'The topic does not exist: create it, or correct its name in the config',
    'too-large': 'The record is larger than the max.message.bytes of its topic: raise it there',
    other: `Kafka at ${where} answered with an error`,
  };
  return new DependencyError(`${what} failed. ${advice[troubleOf(error)]} (${message})`, { cause: error });
}

function rootCause(error: unknown): KafkaErrorFields {
  let current = error;
  while (current instanceof Error && wrappers.has(current.name) && current.cause instanceof Error) current = current.cause;
  if (!(current instanceof Error)) return { name: 'unknown', message: String(current), type: undefined, retriable: undefined };
  const type = 'type' in current && typeof current.type === 'string' ? current.type : undefined;
  const retriable = 'retriable' in current && typeof current.retriable === 'boolean' ? current.retriable : undefined;
  return { name: current.name, message: current.message, type, retriable };
}
