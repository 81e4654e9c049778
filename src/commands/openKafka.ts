import { readFileSync } from 'node:fs';
import type { Config, KafkaSettings } from '../config/config.ts';
import { ConfigError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { KafkaLog } from '../log/kafka/kafkaLog.ts';
import type { Log } from '../log/port.ts';

/** Connects to the brokers of the configuration. `ConfigError` for a PEM file that cannot be read, `DependencyError` where no broker answers. */
export function openKafka({ kafka }: Config, logger: Logger): Promise<Log> {
  const { brokers, clientId, ssl, sasl } = kafka;
  return KafkaLog.open({ brokers, clientId, ...(ssl === null ? {} : { ssl: tlsOf(ssl) }), ...(sasl === null ? {} : { sasl }) }, logger);
}

function tlsOf(ssl: NonNullable<KafkaSettings['ssl']>): { ca?: string; cert?: string; key?: string } {
  return {
    ...(ssl.caFile === '' ? {} : { ca: pem('caFile', ssl.caFile) }),
    ...(ssl.certFile === '' ? {} : { cert: pem('certFile', ssl.certFile) }),
    ...(ssl.keyFile === '' ? {} : { key: pem('keyFile', ssl.keyFile) }),
  };
}

function pem(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`kafka.ssl.${key}: ${path} cannot be read (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    });
  }
}
