import { type DestinationStream, pino } from 'pino';
import { ConfigError, DependencyError, InputError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { LogLevel } from './config.ts';

/** Fields that may hold a secret, wherever a caller puts them: the value is replaced. */
const secrets = ['dsn', 'token', 'password', 'authorization'];

/**
 * The program's logger: one JSON object a line, ISO times, the level as a word. Goes to standard error, because standard output belongs to what a
 * command prints. A field `err` or `error` holds an error: of those that are raised on purpose the message, of others also the stack and the causes.
 */
export function createLogger(level: LogLevel, destination: DestinationStream = pino.destination({ dest: 2, sync: true })): Logger {
  const paths = secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: fieldsOf, error: fieldsOf },
      redact: { paths, censor: '[hidden]' },
    },
    destination,
  );
}

function fieldsOf(error: unknown): unknown {
  if (error instanceof ConfigError || error instanceof DependencyError || error instanceof InputError)
    return { name: error.name, message: error.message };
  return error instanceof Error ? pino.stdSerializers.err(error) : error;
}
