import kafkajs from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { DependencyError } from '../../../../src/core/errors.ts';
import { dependencyError, protocolErrorOf, troubleOf } from '../../../../src/log/kafka/kafkaErrors.ts';

function protocolError(type: string, retriable: boolean): Error {
  return new kafkajs.KafkaJSProtocolError(Object.assign(new Error(`Kafka says ${type}`), { type, code: 0, retriable }));
}

/** kafkajs does not say in its types how this error is made. */
function refusedCredentials(): Error {
  return Object.assign(new Error('SASL PLAIN authentication failed'), { name: 'KafkaJSSASLAuthenticationError' });
}

describe('errors of kafkajs', () => {
  test('are sorted by what can be done about them', () => {
    expect(troubleOf(new kafkajs.KafkaJSConnectionError('connect ECONNREFUSED', { broker: 'b' }))).toBe('transient');
    expect(troubleOf(protocolError('NOT_LEADER_FOR_PARTITION', true))).toBe('transient');
    expect(troubleOf(refusedCredentials())).toBe('credentials');
    expect(troubleOf(new kafkajs.KafkaJSConnectionError('Connection error: self-signed certificate', { broker: 'b' }))).toBe('credentials');
    expect(troubleOf(protocolError('TOPIC_AUTHORIZATION_FAILED', false))).toBe('permission');
    expect(troubleOf(protocolError('UNKNOWN_TOPIC_OR_PARTITION', true))).toBe('topic');
    expect(troubleOf(protocolError('MESSAGE_TOO_LARGE', false))).toBe('too-large');
    expect(troubleOf(protocolError('INVALID_CONFIG', false))).toBe('other');
    expect(troubleOf(new TypeError('a mistake of ours'))).toBe('other');
  });

  test('are looked for behind the wrappers of the retries', () => {
    const cause = protocolError('UNKNOWN_TOPIC_OR_PARTITION', true);
    const wrapped = new kafkajs.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 3, retryTime: 100 });
    expect(troubleOf(wrapped)).toBe('topic');
    expect(protocolErrorOf(wrapped)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('become one sentence that says what to check, and keep their cause', () => {
    const cause = refusedCredentials();
    const error = dependencyError('Connecting', ['k:9092'], cause);
    expect(error).toBeInstanceOf(DependencyError);
    expect(error.message).toBe(
      'Connecting failed. Kafka at k:9092 refuses the connection: check kafka.sasl (mechanism, username, password) and kafka.ssl (ca) (SASL PLAIN authentication failed)',
    );
    expect(error.cause).toBe(cause);
  });
});
