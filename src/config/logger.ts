import { type DestinationStream, pino } from 'pino';
import type { Logger } from '../core/logger.ts';
import type { LogLevel } from './config.ts';

/** Fields that may hold a secret, wherever a caller puts them: the value is replaced. */
const secrets = ['dsn', 'token', 'password', 'authorization'];

/**
 * The program's logger: one JSON object a line, ISO times, the level as a word. Goes to standard error, because standard output belongs to what a
 * command prints. An `err` field holds an error with its stack and causes.
 */
export function createLogger(level: LogLevel, destination: DestinationStream = pino.destination({ dest: 2, sync: true })): Logger {
  const paths = secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: '[hidden]' },
    },
    destination,
  );
}
