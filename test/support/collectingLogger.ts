import type { Logger } from '../../src/core/logger.ts';

/** A logger that keeps what was logged for a person (debug lines are left out), for tests that assert it. */
export interface CollectingLogger extends Logger {
  readonly lines: ReadonlyArray<{ readonly level: 'error' | 'warn' | 'info'; readonly message: string }>;
}

export function collectingLogger(): CollectingLogger {
  const lines: Array<{ level: 'error' | 'warn' | 'info'; message: string }> = [];
  const keep = (level: 'error' | 'warn' | 'info') => (_fields: Readonly<Record<string, unknown>>, message: string) => {
    lines.push({ level, message });
  };
  return { lines, error: keep('error'), warn: keep('warn'), info: keep('info'), debug() {} };
}
