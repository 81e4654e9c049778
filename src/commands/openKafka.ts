import { readFileSync } from 'node:fs';
import type { Config, KafkaSettings } from '../config/config.ts';
import { ConfigError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { type Metrics, noMetrics } from '../core/metrics.ts';
import { KafkaLog } from '../log/kafka/kafkaLog.ts';
import type { KafkaOptions } from '../log/kafka/options.ts';
import type { Log } from '../log/port.ts';
import { systemClock } from '../log/systemClock.ts';

/** Connects to the brokers of the configuration. `ConfigError` for a PEM file that cannot be read, `DependencyError` where no broker answers. */
export async function openKafka({ kafka }: Config, logger: Logger, metrics: Metrics = noMetrics): Promise<Log> {
  return KafkaLog.open(kafkaOptionsOf(kafka), logger, systemClock, metrics);
}

/** The settings as the Kafka log takes them; reads the PEM files. */
export function kafkaOptionsOf({ brokers, clientId, instance, ssl, sasl }: KafkaSettings): KafkaOptions {
  return {
    brokers,
    clientId,
    ...(instance === '' ? {} : { instance }),
    ...(ssl === null ? {} : { ssl: tlsOf(ssl) }),
    ...(sasl === null ? {} : { sasl }),
  };
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
