/** The small family of errors that Tidemark raises on purpose. `src/cli.ts` alone turns them into exit codes. */

/** A setting, argument or topic layout that cannot work: the start stops. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Input that cannot be read: a file, a line, an internal record. Exit code 4. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Something outside (brokers, Sentry) does not answer or refuses. Exit code 3. */
export class DependencyError extends Error {
  override readonly name = 'DependencyError';
}

/** Something that the design says cannot be. The partition concerned stops, loudly. Exit code 1. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}
